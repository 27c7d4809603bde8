"""A real OpenTelemetry Collector with the shipped configuration: `with collector(...) as server`."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .processes import Server, free_port, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = REPOSITORY / "collector"
BASE = SHIPPED / "collector.yaml"
BACKEND = Path(__file__).with_name("backend.yaml")


class Collector(Server):
    """One collector; it can be killed and started again with the same queue."""

    def __init__(self, folder: Path, configurations: Sequence[Path], environment: dict[str, str]) -> None:
        self.folder = folder
        self.grpc_port, self.http_port, self.health_port = free_port(), free_port(), free_port()
        self.queue = Path(environment.get("COLLECTOR_QUEUE_DIR", folder / "queue"))
        self.log = folder / "collector.log"
        self.file = folder / "arrived.json"
        self._command = [str(otelcol()), *(word for configuration in configurations for word in ("--config", str(configuration)))]
        self._environment = {
            "COLLECTOR_GRPC_PORT": str(self.grpc_port),
            "COLLECTOR_HTTP_PORT": str(self.http_port),
            "COLLECTOR_HEALTH_PORT": str(self.health_port),
            "COLLECTOR_QUEUE_DIR": str(self.queue),
            "ARRIVED_FILE": str(self.file),
            # Nobody listens there, unless a test says otherwise.
            "REDIS_ADDR": "127.0.0.1:9",
            "TEMPO_ADDR": "127.0.0.1:9",
            "PROMETHEUS_OTLP_URL": "http://127.0.0.1:9/api/v1/otlp",
        } | environment
        self.start()

    def start(self, **changes: str) -> None:
        """Start it, or start it again where it was, and wait until it takes telemetry."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self._command, env=self._environment | changes, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        super().__init__(process, self.http_port)
        wait_until(self.answers, seconds=30, what=f"the collector being ready\n{self.log_text()[-3000:]}")

    def kill(self) -> None:
        """It is gone at once, as if the kernel had needed its memory."""
        self.process.kill()
        self.process.wait()

    def answers(self) -> bool:
        """Whether its pipelines are up."""
        assert self.process.poll() is None, f"the collector ended:\n{self.log_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/", timeout=1) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT, over HTTP."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def grpc_address(self) -> str:
        """Host and port of OTLP over gRPC."""
        return f"127.0.0.1:{self.grpc_port}"

    def log_text(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def arrived(self, signal: str = "resourceSpans") -> list[dict[str, Any]]:
        """Of a backend: the resources with all that has been written to its file (`resourceSpans`, `resourceMetrics`, `resourceLogs`)."""
        if not self.file.exists():
            return []
        # The last line may be half written.
        lines = self.file.read_text(encoding="utf-8").split("\n")[:-1]
        return [resource for line in lines for resource in json.loads(line).get(signal, [])]

    def spans(self) -> list[dict[str, Any]]:
        """Of a backend: the spans in its file, as OTLP's JSON has them."""
        return [span for resource in self.arrived() for scope in resource["scopeSpans"] for span in scope["spans"]]


def otelcol() -> Path:
    """The collector's binary, built or found; the test is skipped where it cannot be had."""
    return built("otelcol")


def built(what: str) -> Path:
    """Path of something that collector/builder makes; the test is skipped where it cannot be had."""
    path, problem = _built(what)
    if problem:
        pytest.skip(f"{what} is not there: {problem}")
    return path


@functools.cache
def _built(what: str) -> tuple[Path, str]:
    """Path, or the last line of why there is none; asked once, because a build that fails takes its time too."""
    command = [sys.executable, SHIPPED / "builder" / "build.py", what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Path(done.stdout.strip()), "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason given"])[-1]


@contextmanager
def collector(*overlays: str | Path, **environment: str) -> Iterator[Collector]:
    """The shipped configuration with these overlays (names without `.yaml`, or files of a test's own) and variables."""
    files = [overlay if isinstance(overlay, Path) else SHIPPED / "overlays" / f"{overlay}.yaml" for overlay in overlays]
    with _running([BASE, *files], environment) as server:
        yield server


@contextmanager
def backend(**environment: str) -> Iterator[Collector]:
    """A collector that stands for Tempo: what it takes over OTLP is in its file."""
    with _running([BACKEND], environment) as server:
        yield server


@contextmanager
def _running(configurations: Sequence[Path], environment: dict[str, str]) -> Iterator[Collector]:
    folder = Path(tempfile.mkdtemp(prefix="collector-"))
    server: Collector | None = None
    try:
        server = Collector(folder, configurations, environment)
        yield server
    finally:
        if server is not None:
            server.stop(seconds=30)
        shutil.rmtree(folder, ignore_errors=True)


def attributes(element: dict[str, Any]) -> dict[str, Any]:
    """Attributes of a span, event, point or resource in OTLP's JSON: name -> value."""
    return {pair["key"]: next(iter(pair["value"].values()), None) for pair in element.get("attributes", [])}
