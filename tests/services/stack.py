"""Everything of docker-compose.yml but Grafana, as processes on loopback: `with stack(...) as running`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.collector.postgres_as_mounted import MONITORING, MONITORING_PASSWORD, SHIPPED, initialize, mounted

from .blog import Blog, blog
from .collector import Collector, backend, collector
from .postgres import Postgres
from .postgres_exporter import PostgresExporter, postgres_exporter
from .processes import free_port
from .prometheus import Prometheus, prometheus
from .redis import PASSWORD, Redis, redis
from .tempo import Tempo, find_tempo, tempo

QUICKLY = Path(__file__).with_name("quickly.yaml")

WITHOUT_TEMPO = "127.0.0.1:9"
"""What Prometheus scrapes in vain: nobody listens there."""


@dataclass(frozen=True)
class Stack:
    """What runs, and where."""

    blog: Blog
    collector: Collector
    postgres: Postgres
    postgres_exporter: PostgresExporter
    prometheus: Prometheus
    redis: Redis
    traces: Collector | Tempo
    """Where spans end up: a real Tempo if TEMPO_BINARY names one, else what stands for it."""

    @property
    def tempo(self) -> Tempo | None:
        """The real one, if there is one."""
        return self.traces if isinstance(self.traces, Tempo) else None


@contextmanager
def stack(*, variables: dict[str, str] | None = None, rules: Iterable[Path] = (), quickly: bool = True) -> Iterator[Stack]:
    """Start it with these further variables of the demo and these files of Prometheus' rules, and end it.

    `quickly`: metrics move every second, not every 15.
    """
    with ExitStack() as started:
        enter = started.enter_context
        secrets = Path(enter(tempfile.TemporaryDirectory(prefix="secrets-")))
        cache, database, exporter = enter(redis()), *_database(started, secrets)
        metrics, traces = _stores(started, exporter, rules, "1s" if quickly else "15s")
        (secrets / "redis_password").write_text(PASSWORD)
        entrance = enter(
            collector(
                *([QUICKLY] if quickly else []),
                TEMPO_ADDR=traces.grpc_address,
                PROMETHEUS_OTLP_URL=metrics.otlp_url,
                REDIS_ADDR=f"127.0.0.1:{cache.port}",
                REDIS_PASSWORD_FILE=str(secrets / "redis_password"),
            )
        )
        intervals = {"OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_BSP_SCHEDULE_DELAY": "100"} if quickly else {}
        here = {"OTEL_EXPORTER_OTLP_ENDPOINT": entrance.endpoint} | intervals | (variables or {})
        pages = enter(blog(database, cache, here))
        yield Stack(pages, entrance, database, exporter, metrics, cache, traces)


def _database(started: ExitStack, secrets: Path) -> tuple[Postgres, PostgresExporter]:
    """With the role that looks at it."""
    server = started.enter_context(mounted())
    (secrets / "exporter_password").write_text(MONITORING_PASSWORD)
    done = initialize(server, secrets / "exporter_password")
    assert done.returncode == 0, done.stderr
    asked = postgres_exporter(server, user=MONITORING, password=MONITORING_PASSWORD, database="blog", queries=SHIPPED / "queries.yaml")
    return server, started.enter_context(asked)


def _stores(started: ExitStack, exporter: PostgresExporter, rules: Iterable[Path], every: str) -> tuple[Prometheus, Collector | Tempo]:
    """Prometheus scrapes Tempo, and Tempo writes to Prometheus."""
    binary, port = find_tempo(), free_port()
    scraped = {"postgres_exporter": f"127.0.0.1:{exporter.port}", "tempo": f"127.0.0.1:{port}" if binary else WITHOUT_TEMPO}
    metrics = started.enter_context(prometheus(rules=rules, every=every, **scraped))
    if binary is None:
        return metrics, started.enter_context(backend())
    return metrics, started.enter_context(tempo(binary, port=port, write_url=f"http://127.0.0.1:{metrics.port}/api/v1/write"))
