"""Attaches a listener for the length of a block of test code, and the package with it where nothing has attached it yet.

What is attached here emits nothing: its providers are OpenTelemetry's own that do nothing, and the global ones stay as they are.
"""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider

import otel_graphql_auto
from otel_graphql_auto import settings
from otel_graphql_auto._safety import new_lock
from otel_graphql_auto.database import Database
from otel_graphql_auto.database.notes import Notes
from otel_graphql_auto.instrumentor import GraphQLInstrumentor
from otel_graphql_auto.room import Room

__all__ = ["attach", "detach", "obstacle"]

_lock = new_lock()
_listeners: list[Room] = []
_ours: Any = None
"""A part of what was attached here, which is there as long as nobody else has detached it."""

_was_instrumented = False
_located_all = False


def attach(listener: Room) -> None:
    """Let it hear of operations from now on."""
    global _located_all
    with _lock:
        if not GraphQLInstrumentor().parts():
            _instrument()
        if not _listeners:
            _located_all, Notes.locates_all = Notes.locates_all, True
        _listeners.append(listener)
        GraphQLInstrumentor().add_room(listener)
        _reach_every_thread()


def detach(listener: Room) -> bool:
    """Take it back, and with the last one what was attached for it. False where somebody has done so before."""
    global _ours
    instrumentor = GraphQLInstrumentor()
    with _lock:
        was_there = listener in instrumentor.parts()
        instrumentor.remove_room(listener)
        _listeners.remove(listener)
        if not _listeners:
            Notes.locates_all = _located_all
            if _ours is not None and _ours in instrumentor.parts():
                instrumentor.uninstrument()
                if _was_instrumented:
                    otel_graphql_auto.instrument()
            _ours = None
    return was_there


def _instrument() -> None:
    global _ours, _was_instrumented
    instrumentor = GraphQLInstrumentor()
    # With OTEL_SDK_DISABLED it says that it is instrumented, and nothing is attached.
    _was_instrumented = instrumentor.is_instrumented_by_opentelemetry
    otel_graphql_auto.uninstrument()
    instrumentor.instrument(
        skip_dep_check=True,
        for_tests=True,
        tracer_provider=NoOpTracerProvider(),
        meter_provider=NoOpMeterProvider(),
        logger_provider=NoOpLoggerProvider(),
    )
    _ours = next(iter(instrumentor.parts()), None)


def obstacle() -> str | None:
    """Why statements cannot be counted now; None where they are."""
    values = settings.get()
    if not values.PERFORMANCE_MONITORING:
        return "PERFORMANCE_MONITORING is False"
    if Database.name in values.DISABLED:
        return f'DISABLED has "{Database.name}"'
    if not any(isinstance(part, Database) for part in GraphQLInstrumentor().parts()):
        return "room database is not attached"
    return None


def _reach_every_thread() -> None:
    """Observe what other threads have opened before: connections of async tests and of live servers stay open from test to test."""
    if "django.db" not in sys.modules:
        return
    from django.db.backends.signals import connection_created

    if not _connections.is_complete:
        connection_created.connect(_connections.add, weak=False)
        _connections.search()
    for room in GraphQLInstrumentor().parts():
        if isinstance(room, Database):
            for connection in _connections.read():
                room.observe(connection)


class _Connections:
    """All connections of Django. It is empty until the first block, and complete from then on."""

    def __init__(self) -> None:
        self.is_complete = False
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = new_lock()

    def add(self, connection: Any, **_: Any) -> None:
        with self._lock:
            self._known.add(connection)

    def search(self) -> None:
        """Find those that exist. This takes some milliseconds, once in a process."""
        from django.db.backends.base.base import BaseDatabaseWrapper

        for found in gc.get_objects():
            # By its type: `isinstance` would make a lazy object look up what it stands for.
            if issubclass(type(found), BaseDatabaseWrapper):
                self.add(found)
        self.is_complete = True

    def read(self) -> list[Any]:
        with self._lock:
            return list(self._known)


_connections = _Connections()
