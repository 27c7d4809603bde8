"""The wrapper that stands around every statement of a connection: it looks at the clock, and passes on what it was given.

What it does for itself cannot raise into the application; the statement runs outside of that, and its exception leaves unchanged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, Protocol

from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_graphql_auto import lifecycle
from otel_graphql_auto._safety import guard
from otel_graphql_auto.database.comments import commented
from otel_graphql_auto.database.options import Options
from otel_graphql_auto.database.servers import Server
from otel_graphql_auto.database.statements import understand
from otel_graphql_auto.operation import ENDED, current

__all__ = ["Observer", "make_wrapper", "report_write", "text_of"]

_MAX_CURSORS = 100

_plain_cursors: set[type] = set()
"""Classes of cursors right inside of Django's that are no instrumentation's and have none in them."""


class Observer(Protocol):
    """Who is told of statements."""

    def options(self) -> Options:
        """The settings in force."""

    @property
    def note(self) -> Callable[..., None]:
        """`note(operation, server, connection, sql, params, many, started, ended, error)`: a statement has run. Must not raise."""


def make_wrapper(observer: Observer, server: Server) -> Callable[..., Any]:
    """A wrapper for `connection.execute_wrappers` (Django's documentation, "Database instrumentation") of a connection to `server`."""
    note, options_now, now, operation_now = observer.note, observer.options, perf_counter_ns, current.get
    comment, notice_write, is_traced = guard("database", commented), guard("database", _notice_write), guard("database", _is_traced)

    def observe_statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        operation = operation_now()
        if operation is None or operation.state == ENDED or not (options := options_now()).is_active:
            if not lifecycle.writes_are_observed():
                return execute(sql, params, many, context)
            try:
                return execute(sql, params, many, context)
            finally:
                notice_write(server, context.get("connection"), sql)
        given, error = sql, None
        if options.comments:
            sql = comment(sql, operation.span) or sql
        if is_traced(context.get("cursor")):
            execute = _untraced(execute)
        started = now()
        try:
            return execute(sql, params, many, context)
        except BaseException as raised:
            error = raised
            raise
        finally:
            note(operation, server, context.get("connection"), given, params, many, started, now(), error)
            error = None  # it holds this frame, and this frame would hold it

    return observe_statement


def _is_traced(cursor: Any) -> bool:
    """Whether the driver's cursor in Django's makes spans by itself. Some backends put one of their own in between."""
    inner = getattr(cursor, "cursor", None)
    if type(inner) in _plain_cursors:
        return False
    for depth in range(3):
        if inner is None or callable(inner):
            if depth == 1 and len(_plain_cursors) < _MAX_CURSORS:
                _plain_cursors.add(type(cursor))
            return False
        kind: Any = type(inner)
        if _is_of_opentelemetry(kind):
            return True
        cursor, inner = inner, getattr(inner, "cursor", None)
    return False


@functools.lru_cache(maxsize=_MAX_CURSORS)
def _is_of_opentelemetry(cursor: Any) -> bool:
    """OpenTelemetry's instrumentations put a class of their own before the driver's."""
    return any(kind.__module__.startswith("opentelemetry.") for kind in cursor.__mro__)


def _untraced(execute: Callable[..., Any]) -> Callable[..., Any]:
    """`execute`, in which instrumentations of drivers do nothing: the statement gets a span here, which knows its field."""

    def execute_untraced(*args: Any) -> Any:
        with suppress_instrumentation():
            return execute(*args)

    return execute_untraced


def text_of(sql: Any, connection: Any) -> str:
    """The text of a statement: psycopg takes composed objects and bytes too."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    as_string = getattr(sql, "as_string", None)
    return as_string(connection.connection) if as_string is not None else str(sql)


def report_write(server: Server, tables: frozenset[str] | None) -> None:
    """Tell whoever wants to know that these tables have been written."""
    if (tables is None or tables) and lifecycle.writes_are_observed():
        lifecycle.tables_written(server.alias, tables)


def _notice_write(server: Server, connection: Any, sql: Any) -> None:
    report_write(server, understand(text_of(sql, connection), server.system).tables_written)
