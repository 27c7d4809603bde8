"""Where the demo's rows, cache and secrets are: embedded by default, PostgreSQL and Redis where the environment names their hosts."""

import os
from pathlib import Path
from typing import Any


def secret(name: str, default: str = "") -> str:
    """What the file holds that `<name>_FILE` names: other processes can read a variable, and crash reports carry it. Else the variable `<name>`."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def database(embedded: Path) -> dict[str, Any]:
    """The entry of DATABASES: PostgreSQL if DEMO_POSTGRES_HOST is set, else SQLite."""
    host = os.environ.get("DEMO_POSTGRES_HOST")
    if not host:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("DEMO_DATABASE", str(embedded)),
            # Several workers write to one file: wait for the other one instead of answering "database is locked".
            "OPTIONS": {"timeout": 20},
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": host,
        "PORT": os.environ.get("DEMO_POSTGRES_PORT", "5432"),
        "NAME": os.environ.get("DEMO_POSTGRES_NAME", "blog"),
        "USER": os.environ.get("DEMO_POSTGRES_USER", "blog"),
        "PASSWORD": secret("DEMO_POSTGRES_PASSWORD"),
        # Each thread of each worker keeps one connection: workers x threads of them, and no handshake in a request.
        "CONN_MAX_AGE": 60,
        # A server that was restarted costs one question, not one failed request per thread.
        "CONN_HEALTH_CHECKS": True,
        # Values travel beside the statement's text, so that none gets into the server's log.
        "OPTIONS": {"connect_timeout": 5, "server_side_binding": True, **statement_timeout()},
    }


def statement_timeout() -> dict[str, str]:
    """Less than the patience of the proxy and of gunicorn: whoever waits gets an answer, and the statement is really over."""
    timeout = os.environ.get("DEMO_POSTGRES_STATEMENT_TIMEOUT")
    return {"options": f"-c statement_timeout={timeout}"} if timeout else {}


def cache() -> dict[str, Any]:
    """The entry of CACHES: Redis if DEMO_REDIS_HOST is set, else the memory of each process."""
    host = os.environ.get("DEMO_REDIS_HOST")
    if not host:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://{host}:{os.environ.get('DEMO_REDIS_PORT', '6379')}/0",
        # A cache that takes longer than this has lost its purpose, and must not hold a thread.
        "OPTIONS": {"password": secret("DEMO_REDIS_PASSWORD") or None, "socket_connect_timeout": 1, "socket_timeout": 1},
    }
