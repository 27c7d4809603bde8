"""Puts one wrapper on every connection of Django, those that are open and those that will be opened, and takes it off again."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from otel_graphql_auto._patching import when_imported
from otel_graphql_auto._safety import guard, new_lock

__all__ = ["Connections"]

_known: weakref.WeakSet[Any] = weakref.WeakSet()
_lock = new_lock(reentrant=True)
"""Connections that have ever been observed, of any thread: they stay open when the package is detached, and when it is attached again."""

_MODULE = "django.db.backends.signals"


class Connections:
    """The connections that carry a wrapper. `make(connection)` gives the wrapper of one that is open."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self._wrappers: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._lock = new_lock(reentrant=True)
        self._signal: Any = None
        self._add_guarded = guard("database", self._add)
        self._stop_waiting = when_imported(_MODULE, self._listen)

    def _listen(self, module: Any) -> None:
        self._signal = module.connection_created
        self._signal.connect(self._opened, weak=False)
        guard("database", self._add_open)()

    def _add_open(self) -> None:
        """Those of this thread, and those of others that carried a wrapper before; the rest cannot be reached before they open again."""
        with _lock:
            known = list(_known)
        for connection in known:
            self.observe(connection)
        from django.conf import settings
        from django.db import connections

        if settings.configured:
            for connection in connections.all(initialized_only=True):
                if connection.connection is not None:
                    self._add_guarded(connection)

    def _opened(self, connection: Any, **_: Any) -> None:
        self._add_guarded(connection)

    def observe(self, connection: Any) -> None:
        """Put the wrapper on one that is open already, of whichever thread."""
        if connection.connection is not None:
            self._add_guarded(connection)

    def _add(self, connection: Any) -> None:
        """First in the list, which is outermost. Django's own `execute_wrapper()` takes off whatever is last."""
        wrapper = self._make(connection)
        with _lock:
            _known.add(connection)
        with self._lock:
            before = self._wrappers.get(connection)
            self._wrappers[connection] = wrapper
        wrappers = connection.execute_wrappers
        if before in wrappers:
            wrappers[wrappers.index(before)] = wrapper  # it was opened anew, perhaps elsewhere
        else:
            wrappers.insert(0, wrapper)

    def counts(self) -> tuple[int, int]:
        """How many of this thread's open connections there are, and how many of them carry the wrapper."""
        if "django.db" not in sys.modules:
            return 0, 0
        from django.db import connections

        opened = [connection for connection in connections.all(initialized_only=True) if connection.connection is not None]
        return len(opened), sum(self._wrappers.get(connection) in connection.execute_wrappers for connection in opened)

    def detach(self) -> None:
        """Take the wrappers off, wherever in the list they stand by now."""
        self._stop_waiting()
        if self._signal is not None:
            self._signal.disconnect(self._opened)
        with self._lock:
            carrying = list(self._wrappers.items())
            self._wrappers.clear()
        for connection, wrapper in carrying:
            if wrapper in connection.execute_wrappers:
                connection.execute_wrappers.remove(wrapper)
