"""The demo as two services on PostgreSQL and Redis: `blog` under gunicorn, `blog-live` under uvicorn, with the variables of docker-compose.yml."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.collector.postgres_as_mounted import BLOG, BLOG_PASSWORD
from tests.compose.stack import environment as composed
from tests.end_to_end.service import Service, run

from .collector import REPOSITORY
from .postgres import Postgres
from .redis import PASSWORD, Redis

SERVICES = {"blog": "demo", "blog-live": "demo-async"}
"""Name of the service and the server that it runs under."""

WITHOUT_LIMITS = {"OTEL_SDK_DISABLED": "true", "DEMO_POSTGRES_STATEMENT_TIMEOUT": "0"}
"""As the service `migrate` has it."""


@dataclass(frozen=True)
class Blog:
    """Both services; they have the same rows."""

    wsgi: Service
    asgi: Service

    @property
    def address(self) -> str:
        """Of the one under gunicorn."""
        return f"http://127.0.0.1:{self.wsgi.port}"


@contextmanager
def blog(postgres: Postgres, redis: Redis, variables: dict[str, str]) -> Iterator[Blog]:
    """Migrate, seed, start both with these further variables, and end them; what they still hold is exported by then."""
    folder = Path(tempfile.mkdtemp(prefix="blog-"))
    demo = folder / "demo"
    shutil.copytree(REPOSITORY / "demo", demo, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    shutil.copy(Path(__file__).with_name("planted.py"), demo)
    here = _variables(postgres, redis) | variables
    try:
        for command in (("migrate", "--no-input"), ("seed",)):
            run(("python", "manage.py", *command, "--verbosity=0"), cwd=demo, extra=here | WITHOUT_LIMITS)
        with ExitStack() as started:
            services = [
                started.enter_context(Service(demo, server, here | {"OTEL_SERVICE_NAME": name})) for name, server in SERVICES.items()
            ]
            yield Blog(*services)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _variables(postgres: Postgres, redis: Redis) -> dict[str, str]:
    """Those of the service `app`, with the hosts and passwords of these servers."""
    found = {name: value for name, value in composed("app").items() if not name.endswith("_FILE")}
    return found | {
        "DEMO_POSTGRES_HOST": "127.0.0.1",
        "DEMO_POSTGRES_PORT": str(postgres.port),
        "DEMO_POSTGRES_NAME": BLOG,
        "DEMO_POSTGRES_USER": BLOG,
        "DEMO_POSTGRES_PASSWORD": BLOG_PASSWORD,
        "DEMO_REDIS_HOST": "127.0.0.1",
        "DEMO_REDIS_PORT": str(redis.port),
        "DEMO_REDIS_PASSWORD": PASSWORD,
    }
