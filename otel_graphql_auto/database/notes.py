"""Writes each statement of an operation on its receipt: what it was, for which field it ran, and whether that field repeats itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar

from opentelemetry.context import get_current
from opentelemetry.trace import get_current_span

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import new_lock, swallow
from otel_graphql_auto.database.capture import report_write, text_of
from otel_graphql_auto.database.causes import find_cause
from otel_graphql_auto.database.errors import failure_of
from otel_graphql_auto.database.explain import Explain
from otel_graphql_auto.database.ledger import FLUSH_AFTER, Executed, Ledger
from otel_graphql_auto.database.options import Options
from otel_graphql_auto.database.places import find_place
from otel_graphql_auto.database.servers import Server
from otel_graphql_auto.database.statements import Statement, understand
from otel_graphql_auto.database.telemetry import Instruments
from otel_graphql_auto.operation import Operation

__all__ = ["Notes", "ledger_of"]

_MAX_PARAMETERS = 100
"""Parameters of a statement that is compared with earlier ones."""

_opening = new_lock()


def ledger_of(operation: Operation) -> Ledger:
    """The ledger on an operation's receipt, begun if there is none."""
    ledger: Ledger | None = operation.queries
    if ledger is None:
        with _opening:
            ledger = operation.queries = operation.queries or Ledger()
    return ledger


class Notes:
    """`flush(operation)` makes the spans that wait."""

    locates_all: ClassVar[bool] = False
    """For tests: every statement is looked for in the application's code, not only one that repeats itself."""

    def __init__(
        self, instruments: Instruments, options: Callable[[], Options], explain: Explain, flush: Callable[[Operation], Any]
    ) -> None:
        self._instruments = instruments
        self.options = options
        self._explain = explain
        self._flush = flush

    def note(
        self,
        operation: Operation,
        server: Server,
        connection: Any,
        sql: Any,
        params: Any,
        many: bool,
        started: int,
        ended: int,
        error: BaseException | None,
    ) -> None:
        """Write one statement down: what was executed, as Django handed it to the wrapper that calls this; when; and what it failed with.

        Positional, because it runs for every statement. Times are monotonic nanoseconds.
        """
        try:
            self._note(operation, server, connection, sql, params, many, started, ended, error)
        except Exception as raised:  # noqa: BLE001 - as `guard` does, without its price for each statement
            swallow("database", raised)

    def _note(
        self,
        operation: Operation,
        server: Server,
        connection: Any,
        sql: Any,
        params: Any,
        many: bool,
        started: int,
        ended: int,
        error: BaseException | None,
    ) -> None:
        options = self.options()
        text = sql if type(sql) is str else text_of(sql, connection)
        statement = understand(text, server.system)
        if not statement.is_read:
            report_write(server, statement.tables_written)  # before anything else of this can fail
        frame = sys._getframe(3)  # what called the wrapper
        coordinate, path = find_cause(operation, frame)
        elapsed = ended - started
        is_slow = elapsed > options.slow_ns
        kind, status = failure_of(error) if error is not None else (None, None)
        is_recorded = (operation.span or get_current_span()).is_recording()
        ledger = operation.queries or ledger_of(operation)
        same = _hash_of(text, params) if statement.is_read else None
        written = ledger.add(statement, coordinate, elapsed, ended, kind, is_slow, same, options.spans_per_field if is_recorded else 0)
        if written is None:
            return
        entry, has_span = written
        context = get_current() if is_recorded else None
        together = entry.together
        if has_span or (together is not None and together.first is None):
            batch = _batch_size(params) if many else None
            executed = Executed(statement, server, coordinate, path, started, ended, kind, status, batch, context)
            if has_span:
                ledger.pending.append(executed)
                if len(ledger.pending) >= FLUSH_AFTER:
                    self._flush(operation)
            elif together is not None:
                together.first = executed._replace(statement=entry.statement)
        if is_slow or kind is not None:
            self._record(server, statement, kind, elapsed, context, is_slow=is_slow)
            if is_slow and kind is None and options.explains and is_recorded and not many:
                self._explain.consider(connection, server, statement, sql, params, context)
        else:
            series = entry.series
            if series is None or series.server is not server:
                series = self._instruments.durations.series(server, statement, None)
                if entry.statement.fingerprint == statement.fingerprint:  # not the entry of all that are too many
                    entry.series = series
            series.add(elapsed)
        is_repeated = statement.is_read and entry.count >= options.n_plus_one
        if (is_repeated or self.locates_all) and entry.place is None and coordinate is not None:
            entry.place = find_place(operation, coordinate, frame)

    def _record(self, server: Server, statement: Statement, error: str | None, elapsed: int, context: Any, *, is_slow: bool) -> None:
        """Slow and failed statements are few, and worth a way from the metric to their trace."""
        labels = self._instruments.durations.record(server, statement, error, elapsed, context)
        if is_slow:
            kept = {name: labels[name] for name in semconv.METRIC_ATTRIBUTES[semconv.DB_SLOW_QUERIES.name] if name in labels}
            self._instruments.slow.add(1, kept, context)


def _batch_size(params: Any) -> int | None:
    """How many sets of parameters `executemany` was given; None where that is one, or cannot be told without using them up."""
    size = len(params) if hasattr(params, "__len__") else 1
    return size if size > 1 else None


def _hash_of(text: str, params: Any) -> int | None:
    """What tells whether the very same SELECT has run before. Only this hash is kept, and not beyond the operation."""
    kind = type(params)
    if (kind is not tuple and kind is not list) or len(params) > _MAX_PARAMETERS:
        return None
    try:
        return hash((text, *params))
    except Exception:  # noqa: BLE001 - a parameter may be of any class, and need not have a hash
        return None
