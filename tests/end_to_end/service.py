"""Starts the shop as a user starts it, in a process group of its own, and always ends it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import Self

from .client import Client
from .receiver import wait_until

PROJECT = Path(__file__).parent / "project"
FAST_EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "1000"}
"""Milliseconds; without them a test would wait five seconds for a span and fifteen for a metric."""

EXPORT_AT_THE_END = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
"""With these nothing is exported before the end of a process, so that whatever arrives was saved by its orderly end."""

SERVERS = {
    "runserver": ("python", "manage.py", "runserver", "--noreload", "{address}"),
    "reloader": ("python", "manage.py", "runserver", "{address}"),
    "executable": ("./manage.py", "runserver", "--noreload", "{address}"),
    "gunicorn": ("gunicorn", "shop.wsgi", "--bind={address}", "--workers=2"),
    "gunicorn-preload": ("gunicorn", "shop.wsgi", "--bind={address}", "--workers=2", "--preload"),
    "gunicorn-single": ("gunicorn", "shop.wsgi", "--bind={address}", "--workers=1"),
    "gunicorn-threads": ("gunicorn", "shop.wsgi", "--bind={address}", "--workers=1", "--threads=4"),
    "uvicorn": ("uvicorn", "shop.asgi:application", "--host=127.0.0.1", "--port={port}"),
    "uvicorn-workers": ("uvicorn", "shop.asgi:application", "--host=127.0.0.1", "--port={port}", "--workers=2"),
    # Of the demo, in its folder: with its gunicorn.conf.py.
    "demo": ("gunicorn", "config.wsgi", "--bind={address}"),
    "demo-async": ("uvicorn", "config.asgi:application", "--host=127.0.0.1", "--port={port}"),
}


def copy_project(folder: Path) -> Path:
    """A copy of the shop, with its database made, that a test may run and write in."""
    target = folder / "shop project"
    shutil.copytree(PROJECT, target, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    # Git keeps this bit, an archive of the sources may not.
    (target / "manage.py").chmod(0o755)
    run(("python", "manage.py", "migrate", "--verbosity=0"), cwd=target)
    return target


def environment(home: Path, extra: dict[str, str] | None = None, *, binaries: Path | None = None) -> dict[str, str]:
    """Environment of a shell in which nothing about OpenTelemetry or Django is set, apart from `extra`."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE") if name in os.environ}
    # The user's shell finds `python` and `opentelemetry-instrument` in the active environment, and so do we.
    kept["PATH"] = os.pathsep.join([str(binaries or Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    # gunicorn opens its control socket at home.
    kept |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    # They are here for one test of their own, and would trace what these projects do outside of operations.
    kept["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "psycopg,sqlite3"
    return kept | (extra or {})


def telemetry_environment(endpoint: str, extra: dict[str, str] | None = None) -> dict[str, str]:
    """What a user sets to export to `endpoint`."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **FAST_EXPORT, **(extra or {})}


def run(
    command: tuple[str, ...],
    *,
    cwd: Path,
    extra: dict[str, str] | None = None,
    binaries: Path | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself; its output is in the failure message."""
    found = environment(cwd.parent, extra, binaries=binaries)
    done = subprocess.run(command, cwd=cwd, env=found, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@dataclass
class Service:
    """One running server; a context manager that ends its whole process group."""

    project: Path
    server: str = "runserver"
    extra: dict[str, str] = field(default_factory=dict)
    instrumented: bool = True
    arguments: tuple[str, ...] = ()
    launcher: tuple[str, ...] = ("opentelemetry-instrument",)
    binaries: Path | None = None
    port: int = field(default_factory=free_port)
    exit_seconds: float | None = None

    def __enter__(self) -> Self:
        address = f"127.0.0.1:{self.port}"
        command = [part.format(address=address, port=self.port) for part in (*SERVERS[self.server], *self.arguments)]
        if self.instrumented:
            command = [*self.launcher, *command]
        self.log = self.project.parent / f"{self.server}-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.project,
                env=environment(self.project.parent, self.extra, binaries=self.binaries),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A build that runs in the background ignores control-C, and so would everything that it starts.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        try:
            wait_until(self.is_listening, timeout=60, what=f"{command} listening")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                pass
        self._kill_group()
        self.process.wait(5)

    @property
    def client(self) -> Client:
        """Talks to this server."""
        return Client(self.port)

    @property
    def output(self) -> str:
        """Everything written to stdout and stderr so far."""
        return self.log.read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False, timeout: float = 10) -> int:
        """Send a signal to the process, or like a terminal to its group; gives the exit code, fails after `timeout` seconds."""
        begin = time.monotonic()
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.server} still runs {timeout} s after {number.name}:\n{self.output}") from None
        # With the reloader the process that serves may outlive the one that we started.
        wait_until(lambda: not self._group_lives(), timeout=timeout, what=f"the end of every process of {self.server}")
        self.exit_seconds = time.monotonic() - begin
        return code

    def is_listening(self) -> bool:
        """Whether somebody accepts connections at its port; fails where the server has ended."""
        assert self.process.poll() is None, f"{self.server} ended with {self.process.returncode}:\n{self.output}"
        with socket.socket() as door:
            door.settimeout(1)
            return door.connect_ex(("127.0.0.1", self.port)) == 0

    def _group_lives(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _kill_group(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
