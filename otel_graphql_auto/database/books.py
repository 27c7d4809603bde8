"""Counts the statements that an operation has written down, and makes the spans of those that get one.

All of it is done for many rows at once, out of the way of the statements: in one tight loop it costs half of what it would in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Tracer

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import guard
from otel_graphql_auto.database.ledger import Entry, Executed, Ledger, Together
from otel_graphql_auto.database.options import Options
from otel_graphql_auto.database.spans import add_span
from otel_graphql_auto.database.telemetry import Instruments
from otel_graphql_auto.operation import Operation

__all__ = ["Books"]

_MAX_SEEN = 10_000
"""Statements of one operation that a later one is compared with."""


class Books:
    """`options()` are the settings in force."""

    def __init__(self, tracer: Tracer, instruments: Instruments, options: Callable[[], Options]) -> None:
        self._tracer = tracer
        self._instruments = instruments
        self._options = options
        # What cannot be made a span of is counted all the same, and the other way round.
        self._add_span = guard("database", add_span)
        self._measure = guard("database", self._record)

    def settle(self, operation: Operation, ledger: Ledger) -> None:
        """Count the rows that wait; one at a time does so for a ledger. Rows that come meanwhile are counted the next time."""
        options = self._options()
        # Rows are appended without a lock (list operations are atomic): what is taken is what is there now, from the list that stays.
        rows = ledger.rows[: len(ledger.rows)]
        del ledger.rows[: len(rows)]
        spans = [row for row in rows if self._count(ledger, row, options)]
        for row in rows:
            self._measure(row, options)
        for row in spans:
            self._add_span(self._tracer, operation, Executed._make(row), is_slow=row[5] - row[4] > options.slow_ns)

    def _count(self, ledger: Ledger, row: tuple[Any, ...], options: Options) -> bool:
        """Add a row to the sums; whether it gets a span of its own."""
        entry, _, _, _, started, ended, error, _, _, context, same = row
        elapsed = ended - started
        is_slow = elapsed > options.slow_ns
        sums = ledger.sums
        sums.count += 1
        sums.duration_ns += elapsed
        sums.slow_count += is_slow
        entry.count += 1
        entry.duration_ns += elapsed
        if same is not None:
            if same in ledger.seen:
                sums.duplicate_count += 1
            elif len(ledger.seen) < _MAX_SEEN:
                ledger.seen.add(same)
        if context is None:
            return False
        if entry.spans < options.spans_per_field:
            entry.spans += 1
            return True
        return _is_beyond(entry, row, elapsed, error, is_slow=is_slow, budget=options.spans_per_field)

    def _record(self, row: tuple[Any, ...], options: Options) -> None:
        """The durations of fast statements are counted; slow and failed ones are few, and worth a way from the metric to their trace."""
        entry, statement, server, _, started, ended, error, _, _, context, _ = row
        elapsed = ended - started
        is_slow = elapsed > options.slow_ns
        durations = self._instruments.durations
        if error is None and not is_slow:
            series = entry.series
            if series is None or series.server is not server:
                series = durations.series(server, statement, None)
                if entry.statement.fingerprint == statement.fingerprint:  # not the entry of all that are too many
                    entry.series = series
            series.add(elapsed)
            return
        labels = durations.record(server, statement, error, elapsed, context)
        if is_slow:
            kept = {name: labels[name] for name in semconv.METRIC_ATTRIBUTES[semconv.DB_SLOW_QUERIES.name] if name in labels}
            self._instruments.slow.add(1, kept, context)


def _is_beyond(entry: Entry, row: tuple[Any, ...], elapsed: int, error: str | None, *, is_slow: bool, budget: int) -> bool:
    """Slow and failed ones have a budget of their own; all others share a span."""
    if (is_slow or error is not None) and entry.further < budget:
        entry.further += 1
        return True
    if entry.together is None:
        entry.together = Together(Executed._make(row)._replace(statement=entry.statement))
    entry.together.add(row[5], elapsed, error, is_slow=is_slow)
    return False
