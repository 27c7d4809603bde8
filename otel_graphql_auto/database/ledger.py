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

    __slots__ = ("coordinate", "count", "duration_ns", "further", "place", "series", "spans", "statement", "together")

    def __init__(self, coordinate: str | None, statement: Statement) -> None:
        self.coordinate = coordinate
        self.statement = statement
        self.count = 0
        self.duration_ns = 0
        self.spans = 0
        self.further = 0
        self.together: Together | None = None
        self.place: Place | None = None
        self.series: Any = None

    def __repr__(self) -> str:
        return f"<{self.count} x {self.statement.summary} for {self.coordinate}>"


class Together:
    """Statements beyond the budget of spans, which share one."""

    __slots__ = ("count", "duration_ns", "ended", "error", "first", "is_slow")

    def __init__(self) -> None:
        self.first: Executed | None = None
        self.error: str | None = None
        self.count = 0
        self.duration_ns = 0
        self.ended = 0
        self.is_slow = False


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

    def add(
        self,
        statement: Statement,
        coordinate: str | None,
        elapsed: int,
        ended: int,
        error: str | None,
        is_slow: bool,
        same: int | None,
        budget: int,
    ) -> tuple[Entry, bool] | None:
        """Write one statement down. Returns its entry and whether it shall have a span of its own; None where the operation is over.

        `same` is a hash of the text and parameters of a SELECT. `budget` is 0 where there are no spans. All of it is positional: this
        runs for every statement.
        """
        with self._lock:
            if self.is_closed:
                return None
            self.count += 1
            self.duration_ns += elapsed
            key = coordinate, statement.fingerprint
            entry = self.entries.get(key)
            if entry is None:
                entry = self._new_entry(key, statement)
            entry.count += 1
            entry.duration_ns += elapsed
            if same is not None:
                if same in self._seen:
                    self.duplicate_count += 1
                elif len(self._seen) < _MAX_SEEN:
                    self._seen.add(same)
            if is_slow:
                self.slow_count += 1
            if entry.spans < budget:
                entry.spans += 1
                return entry, True
            if not budget:
                return entry, False
            return entry, self._beyond(entry, elapsed, ended, error, is_slow=is_slow, budget=budget)

    def _new_entry(self, key: tuple[str | None, str], statement: Statement) -> Entry:
        if len(self.entries) >= _MAX_ENTRIES:
            key = None, semconv.OTHER
            if key in self.entries:
                return self.entries[key]
            statement = statement._replace(
                fingerprint=semconv.OTHER, summary=semconv.OTHER, collection=None, text=semconv.OTHER, is_read=False
            )
        entry = self.entries[key] = Entry(key[0], statement)
        return entry

    def _beyond(self, entry: Entry, elapsed: int, ended: int, error: str | None, *, is_slow: bool, budget: int) -> bool:
        """Slow and failed ones have a budget of their own; all others share a span."""
        if (is_slow or error is not None) and entry.further < budget:
            entry.further += 1
            return True
        together = entry.together
        if together is None:
            together = entry.together = Together()
        together.count += 1
        together.duration_ns += elapsed
        together.ended = max(together.ended, ended)
        together.is_slow = together.is_slow or is_slow
        together.error = together.error or error
        return False

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
