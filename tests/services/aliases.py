"""Further aliases of Django's databases for the length of a `with` block, in whatever Django is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from itertools import count
from typing import Any

NUMBERS = count(1)


@contextmanager
def alias(name: str, settings: dict[str, Any], *, routed: bool = False) -> Iterator[str]:
    """Let Django have this database; gives the alias, which is the name and a number that was never used before.

    A thread that lives on keeps its connection of an alias that is gone: under the same name it would be taken for that of another server.
    Whether tests may use the database is pytest-django's matter (`django_db_blocker.unblock()`).

    With `routed`, models are read and written there wherever nobody says `using`.
    Nothing is connected at first. At the end the connections of every thread are closed.
    """
    from django.db import DEFAULT_DB_ALIAS, connections
    from django.db.backends.signals import connection_created

    name = f"{name}_{next(NUMBERS)}"
    opened: list[Any] = []

    def remember(connection: Any, **_: Any) -> None:
        if connection.alias == name and not any(connection is known for known in opened):
            opened.append(connection)

    # Django's own defaults, which differ between its releases; it insists on a default database.
    connections.settings[name] = type(connections)({DEFAULT_DB_ALIAS: {}, name: deepcopy(settings)}).settings[name]
    connection_created.connect(remember)
    try:
        with _routed_to(name) if routed else _as_before():
            yield name
    finally:
        connection_created.disconnect(remember)
        in_own_thread(lambda: [_close(connection) for connection in opened])
        if hasattr(connections._connections, name):
            del connections[name]
        del connections.settings[name]


def in_own_thread(do: Callable[[], Any]) -> Any:
    """What it returns, called where no event loop runs (Django refuses there) and no operation is under way."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(do).result()


def _close(connection: Any) -> None:
    """Close another thread's connection."""
    connection.inc_thread_sharing()
    try:
        # A transaction that a test left open ends with its connection, which must not be kept for the rollback.
        connection.in_atomic_block = False
        connection.close()
    finally:
        connection.dec_thread_sharing()


class _Router:
    def __init__(self, name: str) -> None:
        self.name = name

    def db_for_read(self, model: Any, instance: Any = None, **hints: Any) -> str:
        # As without a router: what belongs to a row is looked for where the row came from.
        return instance._state.db if instance is not None and instance._state.db else self.name

    db_for_write = db_for_read


@contextmanager
def _routed_to(name: str) -> Iterator[None]:
    from django.db import router

    before = list(router.routers)
    router.routers[:] = [_Router(name), *before]
    try:
        yield
    finally:
        router.routers[:] = before


@contextmanager
def _as_before() -> Iterator[None]:
    yield
