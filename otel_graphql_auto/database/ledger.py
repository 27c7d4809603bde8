"""What one operation has asked of databases: every statement as one row while it runs, counts that lose nothing when somebody looks."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, NamedTuple

from otel_graphql_auto import semconv
from otel_graphql_auto.database.findings import Finding
from otel_graphql_auto.database.places import Place
from otel_graphql_auto.database.servers import Server
from otel_graphql_auto.database.statements import Statement

__all__ = ["SETTLE_AFTER", "Entry", "Executed", "Ledger", "Together"]

SETTLE_AFTER = 256
"""Rows that wait to be counted: an operation of any length keeps no more."""

_MAX_ENTRIES = 1000
"""Pairs of field and fingerprint of one operation; further ones are counted together."""


class Entry:
    """The statements of one fingerprint that one field ran on one database. `coordinate` is None where the field is not known.

    `met` is how many have run, `count` and `duration_ns` are of those that have been counted.
    """

    __slots__ = ("coordinate", "count", "duration_ns", "further", "met", "place", "series", "spans", "statement", "together")

    def __init__(self, coordinate: str | None, statement: Statement) -> None:
        self.coordinate = coordinate
        self.statement = statement
        self.met = 0
        self.count = 0
        self.duration_ns = 0
        self.spans = 0
        self.further = 0
        self.together: Together | None = None
        self.place: Place | None = None
        self.series: Any = None

    def __repr__(self) -> str:
        return f"<{self.count} x {self.statement.summary} for {self.coordinate}>"


class Executed(NamedTuple):
    """One statement that has run. Times are monotonic nanoseconds.

    `context` is the OpenTelemetry context that it ran in, None where there are no spans; `same` a hash of the text and parameters of a
    SELECT.
    """

    entry: Entry
    statement: Statement
    server: Server
    path: Any
    started: int
    ended: int
    error: str | None
    status: str | None
    batch: int | None
    context: Any
    same: int | None


class Together:
    """Statements beyond the budget of spans, which share one."""

    __slots__ = ("count", "duration_ns", "ended", "error", "first", "is_slow")

    def __init__(self, first: Executed) -> None:
        self.first = first
        self.error: str | None = None
        self.count = 0
        self.duration_ns = 0
        self.ended = 0
        self.is_slow = False

    def add(self, ended: int, elapsed: int, error: str | None, *, is_slow: bool) -> None:
        """Count one more."""
        self.count += 1
        self.duration_ns += elapsed
        self.ended = max(self.ended, ended)
        self.is_slow = self.is_slow or is_slow
        self.error = self.error or error


class Ledger:
    """What a receipt keeps as `operation.queries`.

    `count` statements took `duration_ns` in all, `slow_count` of them longer than SLOW_SQL_THRESHOLD; `duplicate_count` were SELECTs with
    the very text and parameters of an earlier one. `inner_*` are those of operations that ran inside this one, which have their own receipts.
    `entries` are the same by field, fingerprint and alias, `findings` the N+1 queries, known at the end. Several threads may write at once.

    While a statement runs, a row is written and nothing else: `settle(ledger)` counts the rows, in one go, when there are many or when
    somebody looks. No lock is held while a row is written, and the one for counting is reentrant: the garbage collector may run a
    finalizer of the application anywhere, and that may execute a statement.
    """

    __slots__ = ("_entries", "_is_settling", "_lock", "_settle", "findings", "inner_count", "inner_duration_ns", "rows", "seen", "sums")

    def __init__(self, settle: Callable[[Ledger], Any]) -> None:
        self._settle: Callable[[Ledger], Any] | None = settle
        self._entries: dict[tuple[str | None, str, str], Entry] = {}
        self._is_settling = False
        self._lock = RLock()
        self.rows: list[tuple[Any, ...]] = []
        self.seen: set[int] = set()
        self.sums = Sums()
        self.findings: list[Finding] = []
        self.inner_count = self.inner_duration_ns = 0

    @property
    def is_closed(self) -> bool:
        """Whether the operation is over."""
        return self._settle is None

    def entry(self, coordinate: str | None, statement: Statement, server: Server) -> Entry:
        """The entry of a statement that a field runs, begun if there is none."""
        key = coordinate, statement.fingerprint, server.alias
        found = self._entries.get(key)
        if found is not None:
            return found
        if len(self._entries) >= _MAX_ENTRIES:
            key = None, semconv.OTHER, semconv.OTHER
            statement = statement._replace(
                fingerprint=semconv.OTHER, summary=semconv.OTHER, collection=None, text=semconv.OTHER, is_read=False
            )
        return self._entries.setdefault(key, Entry(key[0], statement))

    def settle(self) -> None:
        """Count the rows that wait. Who looks while another thread counts waits for it."""
        with self._lock:
            if self._is_settling or self._settle is None:
                return  # from inside of the counting
            self._is_settling = True
            try:
                if self.rows:
                    self._settle(self)
            finally:
                self._is_settling = False

    def close(self) -> None:
        """The operation is over: nothing more is written down."""
        with self._lock:
            self.settle()
            self._settle = None
            self.rows.clear()
            self.seen = set()

    @property
    def count(self) -> int:
        """Statements."""
        self.settle()
        return self.sums.count

    @property
    def duration_ns(self) -> int:
        """Their time."""
        self.settle()
        return self.sums.duration_ns

    @property
    def slow_count(self) -> int:
        """Those that were slow."""
        self.settle()
        return self.sums.slow_count

    @property
    def duplicate_count(self) -> int:
        """SELECTs that had run before."""
        self.settle()
        return self.sums.duplicate_count

    @property
    def entries(self) -> dict[tuple[str | None, str, str], Entry]:
        """By field, fingerprint and alias, as it is now."""
        self.settle()
        return dict(self._entries)


class Sums:
    """The sums of a ledger."""

    __slots__ = ("count", "duplicate_count", "duration_ns", "slow_count")

    def __init__(self) -> None:
        self.count = self.duration_ns = self.slow_count = self.duplicate_count = 0
