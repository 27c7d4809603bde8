"""A real postgres-exporter from Debian's package, unpacked beside the tests: `with postgres_exporter(server, …) as exporter`."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from . import debian
from .postgres import Postgres
from .processes import Server, free_port, wait_until

PACKAGE = "prometheus-postgres-exporter"

ONLY_OURS = ("--disable-default-metrics", "--disable-settings-metrics", "--no-collector.bgwriter", "--no-collector.database")
"""Nothing but the queries of the file. Newer releases have more collectors, and other options to switch them off (docs/postgresql.md)."""

Samples = dict[str, dict[frozenset[tuple[str, str]], float]]
"""By the metric's name and its labels."""


class PostgresExporter(Server):
    """One exporter, which asks whenever it is asked."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, *, log: Path) -> None:
        super().__init__(process, port)
        self.log = log

    def scrape(self) -> str:
        """What Prometheus would get."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            return answer.read().decode()

    def samples(self) -> Samples:
        """The same by name and labels, without those about the exporter itself and without the label that names the server."""
        found: Samples = {}
        for name, labels, value in re.findall(r"^(postgres_\w+|pg_\w+)(?:\{(.*)\})? (\S+)$", self.scrape(), re.MULTILINE):
            pairs = frozenset(pair for pair in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels) if pair[0] != "server")
            found.setdefault(name, {})[pairs] = float(value)
        return found

    def answers(self) -> bool:
        """Whether it does; fails where it has ended."""
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.scrape())
        except OSError:
            return False


def find_postgres_exporter() -> Path:
    """What the environment names, or Debian's."""
    if named := os.environ.get("POSTGRES_EXPORTER"):
        return Path(named)
    return _binary(debian.unpack(PACKAGE, works=lambda folder: _works(_binary(folder))))


@contextmanager
def postgres_exporter(
    server: Postgres, *, user: str, password: str, database: str, queries: Path, options: tuple[str, ...] = ONLY_OURS
) -> Iterator[PostgresExporter]:
    """Start one that asks this server these queries, and end it. The password comes from a file, as in a container."""
    try:
        binary = find_postgres_exporter()
    except debian.UnavailableError as problem:
        pytest.skip(f"postgres-exporter is not there: apt install {PACKAGE} ({problem})")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="postgres-exporter-") as name:
        folder = Path(name)
        (folder / "password").write_text(f"{password}\n")
        environment = {
            "DATA_SOURCE_URI": f"127.0.0.1:{server.port}/{database}?sslmode=disable&application_name=postgres-exporter",
            "DATA_SOURCE_USER": user,
            "DATA_SOURCE_PASS_FILE": str(folder / "password"),
        }
        command = [binary, f"--web.listen-address=127.0.0.1:{port}", f"--extend.query-path={queries}", *options]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        exporter = PostgresExporter(process, port, log=folder / "log")
        try:
            wait_until(exporter.answers, seconds=30, what="postgres-exporter answering")
            yield exporter
        finally:
            exporter.stop()


def _binary(folder: Path) -> Path:
    return folder / "usr" / "bin" / PACKAGE


def _works(binary: Path) -> bool:
    try:
        return subprocess.run([binary, "--version"], capture_output=True, check=False, timeout=30).returncode == 0
    except OSError:
        return False
