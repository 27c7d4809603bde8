"""One server of each kind for a test session."""

import pytest

from .mariadb import mariadb as start_mariadb
from .postgres import postgres as start_postgres
from .redis import redis as start_redis


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL that answers; whoever freezes or fills it puts it back as it was."""
    with start_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb():
    """A MariaDB that answers, with PyMySQL in the place of mysqlclient; whoever freezes or fills it puts it back as it was."""
    with start_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def redis():
    """A Redis that answers."""
    with start_redis() as server:
        yield server
