"""How a database or a cache is asked whether it answers: for real, and on a connection of its own that is closed afterwards."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["CacheLosesValuesError", "all_checks"]

_KEEP_SECONDS = 30
"""How long a cache is asked to keep what is read back at once."""

_DRIVER_OPTIONS: dict[str, dict[str, Any]] = {
    "postgresql": {"connect_timeout": 2, "tcp_user_timeout": 2000},
    "mysql": {"connect_timeout": 2, "read_timeout": 2, "write_timeout": 2},
}
"""By vendor, where the user has set nothing else: a check of a server that has gone away ends by itself."""


def all_checks(limit_seconds: float) -> Iterator[tuple[str, Callable[[], None]]]:
    """The name of each database and cache of the project, and a function that raises where it does not answer."""
    from django.conf import settings
    from django.db import connections

    for alias in connections:
        if connections.settings[alias]["ENGINE"] != "django.db.backends.dummy":
            yield f"database {alias}", functools.partial(_check_database, alias)
    for alias in settings.CACHES:
        yield f"cache {alias}", functools.partial(_check_cache, alias, limit_seconds)


def _check_database(alias: str) -> None:
    from django.db import connections

    connection = connections.create_connection(alias)
    given = connection.settings_dict
    options = {name: value for name, value in given["OPTIONS"].items() if name != "pool"}
    connection.settings_dict = {**given, "OPTIONS": {**_DRIVER_OPTIONS.get(connection.vendor, {}), **options}}
    statement = "SELECT 1" + connection.features.bare_select_suffix
    if connection.vendor == "sqlite":
        statement = "PRAGMA schema_version"  # reads the file, as SELECT 1 would not
        name = str(given["NAME"])
        if not connection.is_in_memory_db() and not name.startswith("file:") and not Path(name).exists():
            raise FileNotFoundError(name)  # connecting would make an empty one
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.fetchone()
    finally:
        connection.close()


class CacheLosesValuesError(Exception):
    """A cache took a value and did not give it back. Some clients keep the errors of their servers to themselves."""


def _check_cache(alias: str, limit_seconds: float) -> None:
    from django.core.cache import caches
    from django.core.cache.backends.dummy import DummyCache
    from django.db import connections

    cache = caches.create_connection(alias)
    if isinstance(cache, DummyCache):
        return
    # A key of this check alone: other aliases, processes and machines may share the server.
    key = value = f"otel_graphql_auto:health:{uuid.uuid4().hex}"
    end = time.monotonic() + limit_seconds
    try:
        cache.set(key, value, _KEEP_SECONDS)
        while cache.get(key) != value:  # a replica may be a moment behind
            if time.monotonic() > end:
                raise CacheLosesValuesError(f"the cache {alias} does not give back what it was given")
            time.sleep(0.05)
        cache.delete(key)
    finally:
        cache.close()
        # Django's Redis client closes nothing by itself; its pools are this instance's own.
        for pool in getattr(getattr(cache, "_cache", None), "_pools", {}).values():
            pool.disconnect()
        connections.close_all()  # a cache in a database has opened one for this thread
