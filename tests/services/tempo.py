"""A real Tempo with the shipped configuration, where the environment names its binary: `with tempo(...) as server`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .collector import SHIPPED
from .processes import Server, free_port, wait_until

CONFIGURATION = SHIPPED / "tempo" / "tempo.yaml"


def find_tempo() -> Path | None:
    """What TEMPO_BINARY names. No registry of packages has it, so that tests do without."""
    named = os.environ.get("TEMPO_BINARY")
    return Path(named) if named else None


class Tempo(Server):
    """One server; `grpc_address` takes OTLP, `address` is asked."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, *, otlp_port: int, log: Path) -> None:
        super().__init__(process, port)
        self.log = log
        self.grpc_address = f"127.0.0.1:{otlp_port}"
        self.address = f"127.0.0.1:{port}"

    def answers(self) -> bool:
        """Whether it is ready; fails where it has ended."""
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
        try:
            with urllib.request.urlopen(f"http://{self.address}/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


@contextmanager
def tempo(binary: Path, *, port: int, write_url: str) -> Iterator[Tempo]:
    """Start one that writes its service graph to this Prometheus, and end it. It takes a quarter of a minute to be ready."""
    folder, otlp_port = Path(tempfile.mkdtemp(prefix="tempo-")), free_port()
    environment = {
        "TEMPO_HTTP_PORT": str(port),
        "TEMPO_OTLP_PORT": str(otlp_port),
        "TEMPO_INTERNAL_PORT": str(free_port()),
        "TEMPO_DATA": str(folder / "data"),
        "PROMETHEUS_WRITE_URL": write_url,
    }
    command = [binary, "-target=all", "-config.expand-env=true", f"-config.file={CONFIGURATION}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    server = Tempo(process, port, otlp_port=otlp_port, log=folder / "log")
    try:
        wait_until(server.answers, seconds=90, what="Tempo being ready")
        yield server
    finally:
        server.stop(seconds=45)
        shutil.rmtree(folder, ignore_errors=True)
