"""Redis as docker-compose.yml starts it: by its shell command, with the secret's folder and the port of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.compose.stack import health_command, words
from tests.services.processes import Server, free_port, wait_until
from tests.services.redis import find_redis


class ComposedRedis(Server):
    """One server; `secrets` is what its container has at /run/secrets."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, *, secrets: Path, binary: Path) -> None:
        super().__init__(process, port)
        self.secrets = secrets
        self.binary = binary

    def is_healthy(self, *, secrets: Path | None = None, port: int | None = None) -> bool:
        """By the healthcheck of the compose file."""
        shell, option, script = health_command("redis")
        script = _here(script, secrets or self.secrets).replace("redis-cli", f"{self.binary.with_name('redis-cli')} -p {port or self.port}")
        return subprocess.run([shell, option, script], capture_output=True, check=False, timeout=10).returncode == 0


@contextmanager
def composed_redis(secrets: Path, folder: Path) -> Iterator[ComposedRedis]:
    """Start one, and end it."""
    binary = find_redis()
    if binary is None:
        pytest.skip("Redis is not there: see tests/services/redis.py")
    port = free_port()
    (script,) = words("redis")
    script = _here(script, secrets).replace("redis-server -", f"{binary} - --port {port} --bind 127.0.0.1")
    process = subprocess.Popen(["sh", "-ec", script], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = ComposedRedis(process, port, secrets=secrets, binary=Path(binary))
    try:
        wait_until(server.is_healthy, seconds=15, what="Redis being healthy")
        yield server
    finally:
        server.stop()


def _here(script: str, secrets: Path) -> str:
    return script.replace("/run/secrets", str(secrets))
