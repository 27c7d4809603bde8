"""A real MariaDB, from the system or from Debian's packages unpacked beside the tests: `with mariadb() as server`."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import debian
from .processes import Server, free_port, wait_until

PACKAGE = "mariadb-server-core"
USER = "tests"
NOBODY = "nobody"
PASSWORD = "a-third-secret-of-the-tests"

DRIVER_VERSION = (2, 2, 8, "final", 1)
"""The mysqlclient that PyMySQL says it is: Django looks at the number, and 6.0 wants 2.2.1 or newer."""

FAST = (
    *("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--skip-innodb-doublewrite"),
    *("--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--innodb-buffer-pool-dump-at-shutdown=0"),
    # Containers often forbid io_uring.
    "--innodb-use-native-aio=0",
    "--performance-schema=off",
)
"""Nothing has to outlive the test session."""

OWNER = f"""
CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;
CREATE DATABASE {USER};
"""
"""The only user, who needs a password: the rows that would bring root without one are left out."""


class MariaDB(Server):
    """One server; its first database and its user are both called `tests`."""

    def settings(self, **changes: Any) -> dict[str, Any]:
        """An entry of DATABASES that leads to it."""
        use_pymysql()
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": USER,
            "USER": USER,
            "PASSWORD": PASSWORD,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
        } | changes

    def create_database(self, name: str) -> dict[str, Any]:
        """A new, empty database, and the entry of DATABASES that leads to it."""
        self._run(f"CREATE DATABASE `{name}`")
        return self.settings(NAME=name)

    def drop_database(self, name: str) -> None:
        """It is gone."""
        self._run(f"DROP DATABASE `{name}`")

    def answers(self) -> bool:
        """Whether somebody who knows the password gets in."""
        import pymysql

        try:
            self._connection().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def _connection(self) -> Any:
        import pymysql

        return pymysql.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, connect_timeout=2)

    def _run(self, statement: str) -> None:
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement)


@dataclass(frozen=True)
class Installation:
    """A server's binary, and what it has to be told to run where it is."""

    binary: Path
    libraries: tuple[Path, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        paths = [str(path) for path in self.libraries] + [path for path in [os.environ.get("LD_LIBRARY_PATH")] if path]
        return os.environ | ({"LD_LIBRARY_PATH": os.pathsep.join(paths)} if paths else {})

    @property
    def share(self) -> Path:
        """The folder of messages, character sets and system tables."""
        parent = self.binary.resolve().parents[1] / "share"
        return next((path for path in (parent / "mariadb", parent / "mysql") if (path / "charsets").is_dir()), parent)

    def works(self) -> bool:
        """It starts, and is MariaDB, not MySQL."""
        try:
            done = subprocess.run([self.binary, "--version"], env=self.environment, capture_output=True, text=True, check=False, timeout=30)
        except OSError:
            return False
        return done.returncode == 0 and "MariaDB" in done.stdout


def find_mariadb() -> Installation:
    """What the environment names, the system's (Debian puts it where only root looks), or one unpacked from Debian's packages."""
    if named := os.environ.get("MARIADB_SERVER"):
        return Installation(Path(named))
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    for name in ("mariadbd", "mysqld"):
        if (found := shutil.which(name, path=path)) and Installation(Path(found)).works():
            return Installation(Path(found))
    return _unpacked(debian.unpack(PACKAGE, works=lambda folder: _unpacked(folder).works()))


def _unpacked(folder: Path) -> Installation:
    return Installation(folder / "usr" / "sbin" / "mariadbd", tuple(debian.libraries(folder)))


def use_pymysql() -> None:
    """Django's backend asks for mysqlclient, which has no wheel for Linux; PyMySQL answers to its name."""
    import pymysql

    pymysql.version_info = DRIVER_VERSION
    pymysql.install_as_MySQLdb()


@contextmanager
def mariadb(*options: str) -> Iterator[MariaDB]:
    """Start one with these further options (`--name=value`), and end it."""
    pytest.importorskip("pymysql", reason="the driver is not there: pip install PyMySQL")
    try:
        installation = find_mariadb()
    except debian.UnavailableError as problem:
        pytest.skip(f"MariaDB is not there: apt install {PACKAGE} ({problem})")
    folder, port = Path(tempfile.mkdtemp(prefix="mariadb-")), free_port()
    command = [installation.binary, *_layout(installation, folder)]
    try:
        _make_system_tables(installation, command, folder)
        listening = ["--bind-address=127.0.0.1", f"--port={port}", f"--init-file={folder / 'owner.sql'}", "--innodb-fast-shutdown=2"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *FAST, *listening, *options],
                env=installation.environment,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
            )
        server = MariaDB(process, port)
        try:
            wait_until(server.answers, seconds=30, what="MariaDB answering")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _layout(installation: Installation, folder: Path) -> list[str]:
    """Where everything is. As root it opens what root may read, and then becomes NOBODY."""
    for name in ("data", "scratch"):
        (folder / name).mkdir()
    (folder / "owner.sql").write_text(OWNER)
    user = []
    if os.geteuid() == 0:
        user = [f"--user={NOBODY}"]
        for path in (folder, *folder.iterdir()):
            os.chown(path, pwd.getpwnam(NOBODY).pw_uid, -1)
    return [
        # Before all others: this machine's own configuration is for another server.
        "--no-defaults",
        *user,
        *(f"--datadir={folder / 'data'}", f"--tmpdir={folder / 'scratch'}", f"--secure-file-priv={folder / 'scratch'}"),
        *(f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"),
        *(f"--lc-messages-dir={installation.share}", f"--character-sets-dir={installation.share / 'charsets'}"),
        *("--character-set-server=utf8mb4", "--skip-name-resolve", "--skip-log-bin"),
    ]


def _make_system_tables(installation: Installation, command: list[Any], folder: Path) -> None:
    """What mariadb-install-db does, without the other packages that this script wants."""
    (tables,) = installation.share.glob("*_system_tables.sql")
    script = f"CREATE DATABASE mysql;\nUSE mysql;\n{tables.read_text(encoding='utf-8')}"
    done = subprocess.run(
        [*command, *FAST, "--bootstrap"],
        env=installation.environment,
        input=script,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
