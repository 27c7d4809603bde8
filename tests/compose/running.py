"""Services of docker-compose.yml run as processes: command and variables are those of the file, only hosts, ports and paths are others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.compose.image import image_environment, image_variables
from tests.compose.stack import ROOT, environment, health_command, words
from tests.end_to_end.client import Client
from tests.services.processes import Server, wait_until

DEMO = ROOT / "demo"


@dataclass(frozen=True)
class Places:
    """Where on this machine the things are that the compose file names: ports of the servers, the collector's address, volumes."""

    postgres: int
    redis: int
    collector: str
    volumes: Path
    app: int

    def variables(self, service: str) -> dict[str, str]:
        """The variables of a service, and nothing else of this process but the way to programs."""
        found = environment(service)
        elsewhere = {
            "DEMO_POSTGRES_HOST": "127.0.0.1",
            "DEMO_REDIS_HOST": "127.0.0.1",
            "DEMO_BIND": f"127.0.0.1:{self.app}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector,
        }
        found |= {name: value for name, value in elsewhere.items() if name in found}
        found = {name: value.replace("/run/secrets", str(self.volumes / "app")) for name, value in found.items()}
        # A container has ports of its own.
        found |= {"DEMO_POSTGRES_PORT": str(self.postgres), "DEMO_REDIS_PORT": str(self.redis)}
        return found | image_variables() | {"PATH": os.pathsep.join([str(image_environment()), os.defpath]), "HOME": "/nowhere"}

    def run(self, service: str) -> str:
        """A job, to its end; its output."""
        done = subprocess.run(
            words(service), cwd=DEMO, env=self.variables(service), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def load(self, *, seconds: float) -> subprocess.Popen[str]:
        """The traffic of the profile `load`, sent from here."""
        command = [word.replace("http://app:8000", f"http://127.0.0.1:{self.app}") for word in words("load")]
        assert command[0] == "python"
        return subprocess.Popen(
            [sys.executable, *command[1:], "--seconds", str(seconds)], cwd=DEMO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


class App(Server):
    """The service `app`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, *, log: Path) -> None:
        super().__init__(process, port)
        self.log = log
        self.client = Client(port)

    @property
    def output(self) -> str:
        """Everything that `docker compose logs app` would show."""
        return self.log.read_text(errors="replace")

    def is_healthy(self) -> bool:
        """By the healthcheck of the compose file."""
        assert self.process.poll() is None, self.output
        program, *arguments = health_command("app")
        assert program == "python"
        command = [sys.executable, *(word.replace(":8000", f":{self.port}") for word in arguments)]
        return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0


@contextmanager
def app(places: Places, log: Path) -> Iterator[App]:
    """The application from its start until it is stopped, by the test or at last."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            words("app"), cwd=DEMO, env=places.variables("app"), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    server = App(process, places.app, log=log)
    try:
        yield server
    finally:
        server.stop()


def wait_for_health(server: App, *, seconds: float = 30) -> None:
    """As `service_healthy` does."""
    wait_until(server.is_healthy, seconds=seconds, what="the application being healthy")
