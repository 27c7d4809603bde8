"""The server of the tour: runserver under opentelemetry-instrument, whose output is passed on to the terminal in turn."""

# Every command here is put together in this file.
# ruff: noqa: S603

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from steps import SLOW_MS, SLOW_SQL_MS, TREE_MS
from typing_extensions import Self

__all__ = ["INSTRUMENT", "Server", "ServerEndedError", "environment", "free_port", "prepare_database", "run"]

DEMO = Path(__file__).resolve().parent
DATABASE = Path(os.environ.get("DEMO_DATABASE", DEMO.parent / ".build" / "demo.sqlite3")).resolve()
# Not resolved: in a virtual environment the interpreter is a link, and its neighbours are what was installed there.
INSTRUMENT = Path(sys.executable).parent / "opentelemetry-instrument"

START_SECONDS = 30.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 3.0
QUIET_SECONDS = 0.35
"""What was seen of a request has been printed when a line has come, and then none for so long: more than the exporter's delay."""


class ServerEndedError(Exception):
    """The server did not start, or did not live to the end of the tour."""


def environment() -> dict[str, str]:
    """The server's environment: console telemetry, whatever else this shell has set up for other programs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DJANGO_"))}
    # The server writes into a pipe, and is told of the terminal at its other end.
    terminal = {"FORCE_COLOR": "1", "COLUMNS": str(shutil.get_terminal_size().columns)} if sys.stdout.isatty() else {}
    return (
        inherited
        | terminal
        | {
            "DEMO_DATABASE": str(DATABASE),
            "DEMO_LOG_LEVEL": "ERROR",
            "DJANGO_RUNSERVER_HIDE_WARNING": "true",
            "PYTHONUNBUFFERED": "1",
            # Named, because opentelemetry-distro may be installed beside this one.
            "OTEL_PYTHON_DISTRO": "graphql_auto",
            "OTEL_PYTHON_CONFIGURATOR": "graphql_auto",
            "OTEL_TRACES_EXPORTER": "graphql_console",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_EXPORTER_GRAPHQL_CONSOLE_TREE_MS": str(TREE_MS),
            "OTEL_PYTHON_GRAPHQL_AUTO_RESPONSE_HEADERS": "always",
            "OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD": str(SLOW_MS),
            "OTEL_PYTHON_GRAPHQL_AUTO_SLOW_SQL_THRESHOLD": str(SLOW_SQL_MS),
            # Where it is installed, the first lines would be runserver's own statements.
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "sqlite3",
        }
    )


def prepare_database() -> None:
    """Migrate and seed. Raises subprocess.CalledProcessError."""
    DATABASE.parent.mkdir(exist_ok=True)
    for command in ("migrate", "seed"):
        subprocess.run([sys.executable, "manage.py", command, "--verbosity=0"], cwd=DEMO, env=environment(), check=True)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py under instrumentation, in the environment of the server; its output is kept."""
    command = [INSTRUMENT, sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=DEMO, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def free_port(wanted: int) -> int:
    """The port that was asked for, another one where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise ServerEndedError("There is no free port on 127.0.0.1.")


class Server:
    """A context manager around one running server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.turn = threading.Lock()
        """Whoever holds it may print."""
        self._lines = 0
        self._last_line_at = 0.0

    def __enter__(self) -> Self:
        # A session of its own: Ctrl-C reaches the tour only, which then ends the server once.
        self._process = subprocess.Popen(
            [INSTRUMENT, sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}"],
            cwd=DEMO,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # It is ended with SIGINT, which a shell has ignored by what it starts in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no other thread runs yet
        )
        self._relay = threading.Thread(target=self._pass_on, daemon=True)
        self._relay.start()
        try:
            self._wait_until_it_listens()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def wait_for_output(self, since: int) -> None:
        """Until what the server had to say is printed; `since` is what `lines` was before."""
        end = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < end:
            if self._lines > since and time.monotonic() - self._last_line_at >= QUIET_SECONDS:
                return
            time.sleep(0.02)

    @property
    def lines(self) -> int:
        """How many lines the server has printed."""
        return self._lines

    def serve(self) -> None:
        """Wait for its end, which is not expected."""
        self._process.wait()
        raise ServerEndedError("The server ended.")

    def _pass_on(self) -> None:
        """Print what the server prints, but not while a request is being sent and its answer shown: that comes first."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self.turn:
                    sys.stdout.buffer.write(line)
                    sys.stdout.flush()
                    self._lines += 1
                    self._last_line_at = time.monotonic()

    def _wait_until_it_listens(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.1)
        raise ServerEndedError("The server did not start.")

    def _stop(self) -> None:
        """SIGINT is what runserver ends on in good order, so that the last spans and the table are printed."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._relay.join(STOP_SECONDS)
