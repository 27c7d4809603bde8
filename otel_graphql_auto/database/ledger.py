"""What one operation has asked of databases: counts that lose nothing, and the statements that get a span of their own."""

from __future__ import annotations

from threading import Lock
from typing import Any, NamedTuple

from otel_graphql_auto import semconv
from otel_graphql_auto.database.findings import Finding
from otel_graphql_auto.database.places import Place
from otel_graphql_auto.database.servers import Server
from otel_graphql_auto.database.statements import Statement

__all__ = ["FLUSH_AFTER", "Entry", "Executed", "Ledger"]

FLUSH_AFTER = 256
"""Statements that wait for their span: an operation of any length keeps no more."""

_MAX_ENTRIES = 1000
"""Pairs of field and fingerprint of one operation; further ones are counted together."""

_MAX_SEEN = 10_000
"""Statements of one operation that a later one is compared with."""


class Executed(NamedTuple):
    """One statement that has run. Times are monotonic nanoseconds, `context` is the OpenTelemetry context that it ran in."""

    statement: Statement
    server: Server
    coordinate: str | None
    path: Any
    started: int
    ended: int
    error: str | None
    status: str | None
    batch: int | None
    context: Any


class Entry:
    """The statements of one fingerprint that one field ran. `coordinate` is None where the field is not known."""

    __slots__ = ("coordinate", "count", "duration_ns", "further", "place", "spans", "statement", "together")

    def __init__(self, coordinate: str | None, statement: Statement) -> None:
        self.coordinate = coordinate
        self.statement = statement
        self.count = 0
        self.duration_ns = 0
        self.spans = 0
        self.further = 0
        self.together: Together | None = None
        self.place: Place | None = None

    def __repr__(self) -> str:
        return f"<{self.count} x {self.statement.summary} for {self.coordinate}>"


class Together:
    """Statements beyond the budget of spans, which share one."""

    __slots__ = ("count", "duration_ns", "ended", "first", "is_slow")

    def __init__(self, first: Executed) -> None:
        self.first = first
        self.count = 0
        self.duration_ns = 0
        self.ended = 0
        self.is_slow = False

    def add(self, executed: Executed, *, is_slow: bool) -> None:
        """Count one more."""
        self.count += 1
        self.duration_ns += executed.ended - executed.started
        self.ended = max(self.ended, executed.ended)
        self.is_slow = self.is_slow or is_slow
        if executed.error is not None and self.first.error is None:
            self.first = self.first._replace(error=executed.error, status=executed.status)


class Ledger:
    """What a receipt keeps as `operation.queries`.

    `count` statements took `duration_ns` in all, `slow_count` of them longer than SLOW_SQL_THRESHOLD; `duplicate_count` were SELECTs with
    the very text and parameters of an earlier one. `inner_*` are those of operations that ran inside this one, which have their own receipts.
    `entries` are the same by field and fingerprint, `findings` the N+1 queries, known at the end. Several threads may add at once.
    """

    __slots__ = (
        "_lock",
        "_seen",
        "count",
        "duplicate_count",
        "duration_ns",
        "entries",
        "findings",
        "inner_count",
        "inner_duration_ns",
        "is_closed",
        "pending",
        "slow_count",
    )

    def __init__(self) -> None:
        self.count = self.duration_ns = self.slow_count = self.duplicate_count = self.inner_count = self.inner_duration_ns = 0
        self.entries: dict[tuple[str | None, str], Entry] = {}
        self.findings: list[Finding] = []
        self.pending: list[Executed] = []
        self.is_closed = False
        self._seen: set[int] = set()
        self._lock = Lock()

    def add(self, executed: Executed, *, is_slow: bool, wants_spans: bool, budget: int) -> Entry | None:
        """Write one statement down. Returns its entry, or None where the operation is over."""
        statement, elapsed = executed.statement, executed.ended - executed.started
        key = executed.coordinate, statement.fingerprint
        with self._lock:
            if self.is_closed:
                return None
            self.count += 1
            self.duration_ns += elapsed
            self.slow_count += is_slow
            entry = self.entries.get(key)
            if entry is None:
                entry = self._new_entry(key, executed)
            entry.count += 1
            entry.duration_ns += elapsed
            if wants_spans:
                self._plan_span(entry, executed, is_slow=is_slow, budget=budget)
        return entry

    def _new_entry(self, key: tuple[str | None, str], executed: Executed) -> Entry:
        statement = executed.statement
        if len(self.entries) >= _MAX_ENTRIES:
            key = None, semconv.OTHER
            if key in self.entries:
                return self.entries[key]
            statement = statement._replace(
                fingerprint=semconv.OTHER, summary=semconv.OTHER, collection=None, text=semconv.OTHER, is_read=False
            )
        entry = self.entries[key] = Entry(key[0], statement)
        return entry

    def _plan_span(self, entry: Entry, executed: Executed, *, is_slow: bool, budget: int) -> None:
        """A span of its own for the first ones, for as many again that are slow or fail; one for all others together."""
        if entry.spans < budget:
            entry.spans += 1
        elif (is_slow or executed.error is not None) and entry.further < budget:
            entry.further += 1
        else:
            if entry.together is None:
                entry.together = Together(executed._replace(statement=entry.statement))
            entry.together.add(executed, is_slow=is_slow)
            return
        self.pending.append(executed)

    def repeats(self, fingerprint: int) -> None:
        """A SELECT with this hash of its text and parameters has run."""
        with self._lock:
            if fingerprint in self._seen:
                self.duplicate_count += 1
            elif len(self._seen) < _MAX_SEEN:
                self._seen.add(fingerprint)

    def take_pending(self) -> list[Executed]:
        """The statements that wait for a span."""
        with self._lock:
            pending, self.pending = self.pending, []
        return pending

    def close(self) -> None:
        """The operation is over: nothing more is written down."""
        with self._lock:
            self.is_closed = True
            self._seen = set()
