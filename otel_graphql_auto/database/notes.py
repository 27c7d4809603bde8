"""Writes each statement of an operation on its receipt: what it was, for which field it ran, and whether that field repeats itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar

from opentelemetry.context import get_current
from opentelemetry.trace import get_current_span

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import new_lock, swallow
from otel_graphql_auto.database.capture import Call, report_write, text_of
from otel_graphql_auto.database.causes import find_cause
from otel_graphql_auto.database.errors import failure_of
from otel_graphql_auto.database.explain import Explain
from otel_graphql_auto.database.ledger import FLUSH_AFTER, Executed, Ledger
from otel_graphql_auto.database.options import Options
from otel_graphql_auto.database.places import find_place
from otel_graphql_auto.database.servers import Server
from otel_graphql_auto.database.statements import understand
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
    """For tests: every SELECT is looked for in the application's code, not only one that repeats itself."""

    def __init__(
        self, instruments: Instruments, options: Callable[[], Options], explain: Explain, flush: Callable[[Operation], Any]
    ) -> None:
        self._instruments = instruments
        self.options = options
        self._explain = explain
        self._flush = flush

    def note(self, operation: Operation, server: Server, call: Call) -> None:
        """Write one statement down."""
        try:
            self._note(operation, server, call)
        except Exception as error:  # noqa: BLE001 - as `guard` does, without its price for each statement
            swallow("database", error)

    def _note(self, operation: Operation, server: Server, call: Call) -> None:
        options = self.options()
        text = call.sql if type(call.sql) is str else text_of(call.sql, call.connection)
        statement = understand(text, server.system)
        frame = sys._getframe(3)  # what called the wrapper
        coordinate, path = find_cause(operation, frame)
        elapsed = call.ended - call.started
        is_slow = elapsed > options.slow_ns
        kind, status = failure_of(call.error) if call.error is not None else (None, None)
        span = operation.span or get_current_span()
        is_recorded = span.is_recording()
        executed = Executed(
            statement,
            server,
            coordinate,
            path,
            call.started,
            call.ended,
            kind,
            status,
            _batch_size(call),
            get_current() if is_recorded else None,
        )
        ledger = operation.queries or ledger_of(operation)
        entry = ledger.add(executed, is_slow=is_slow, wants_spans=is_recorded, budget=options.spans_per_field)
        if entry is None:
            return
        if is_slow or kind is not None:
            self._record(executed, call, elapsed, is_slow=is_slow, explains=options.explains and is_recorded)
        else:
            self._instruments.durations.add(server, statement, None, elapsed)
        if statement.is_read:
            _compare(ledger, text, call.params)
            if entry.place is None and coordinate is not None and (entry.count >= options.n_plus_one or self.locates_all):
                entry.place = find_place(operation, coordinate, frame)
        elif statement.tables_written is None or statement.tables_written:
            report_write(server, statement.tables_written)
        if len(ledger.pending) >= FLUSH_AFTER:
            self._flush(operation)

    def _record(self, executed: Executed, call: Call, elapsed: int, *, is_slow: bool, explains: bool) -> None:
        """Slow and failed statements are few, and worth a way from the metric to their trace."""
        labels = self._instruments.durations.record(executed.server, executed.statement, executed.error, elapsed, executed.context)
        if not is_slow:
            return
        kept = {name: labels[name] for name in semconv.METRIC_ATTRIBUTES[semconv.DB_SLOW_QUERIES.name] if name in labels}
        self._instruments.slow.add(1, kept, executed.context)
        if explains and not call.many and executed.error is None:
            self._explain.consider(call.connection, executed.server, executed.statement, call.sql, call.params, executed.context)


def _batch_size(call: Call) -> int | None:
    """How many sets of parameters `executemany` was given; None where that is one, or cannot be told without using them up."""
    if not call.many or not hasattr(call.params, "__len__"):
        return None
    size = len(call.params)
    return size if size > 1 else None


def _compare(ledger: Ledger, text: str, params: Any) -> None:
    """Count a SELECT whose text and parameters have run before in this operation. Only their hash is kept."""
    kind = type(params)
    if (kind is not tuple and kind is not list) or len(params) > _MAX_PARAMETERS:
        return
    try:
        ledger.repeats(hash((text, *params)))
    except Exception:  # noqa: BLE001 - a parameter may be of any class, and need not have a hash
        return
