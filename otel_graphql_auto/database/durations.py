"""A histogram of many values at little cost: they are counted by bucket in plain integers, and recorded when metrics are collected.

One record in place costs more than everything else that is done for a statement. Nothing is lost but exemplars, which fast statements
do without: of n values in one bucket n are recorded, each their mean, so that counts and sums are exact.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import new_lock
from otel_graphql_auto.database.servers import Server
from otel_graphql_auto.database.statements import Statement

__all__ = ["Durations", "Series"]

_MAX_SERIES = 1000
"""Sets of labels in one process. Table names in raw SQL may be made up; further ones go without a table."""

_BOUNDS_NS = [int(bound * 1e9) for bound in semconv.DB_BUCKETS]

_NOWHERE = Context({semconv.SCOPE: None})
"""Not empty: an empty context is falsy, and stands for the current one."""


class Series:
    """The values of one set of labels, by bucket, since they were last recorded."""

    __slots__ = ("counts", "labels", "lock", "server", "sums")

    def __init__(self, labels: dict[str, Any], server: Server, lock: Any) -> None:
        self.labels = labels
        self.server = server
        self.lock = lock
        self.counts = [0] * (len(_BOUNDS_NS) + 1)
        self.sums = [0] * (len(_BOUNDS_NS) + 1)

    def add(self, duration_ns: int) -> None:
        """Count one value, to be recorded later."""
        bucket = bisect_left(_BOUNDS_NS, duration_ns)
        with self.lock:
            self.counts[bucket] += 1
            self.sums[bucket] += duration_ns


class Durations:
    """`db.client.operation.duration`."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._series: dict[tuple[Any, ...], Series] = {}
        self._lock = new_lock(reentrant=True)

    def series(self, server: Server, statement: Statement, error: str | None) -> Series:
        """Where the values of such statements go."""
        key = server, statement.operation, statement.collection, error
        with self._lock:
            return self._series.get(key) or self._new_series(key)

    def record(self, server: Server, statement: Statement, error: str | None, duration_ns: int, context: Any) -> dict[str, Any]:
        """Record one statement now, with the trace in `context` as exemplar. Returns its labels, of which there is a bounded number."""
        labels = self.series(server, statement, error).labels
        self._histogram.record(duration_ns / 1e9, labels, context)
        return labels

    def _new_series(self, key: tuple[Any, ...]) -> Series:
        server, operation, collection, error = key
        if len(self._series) >= _MAX_SERIES:
            collection, error = semconv.OTHER, error and semconv.OTHER
            key = server.system, operation, collection, error
            if key in self._series:
                return self._series[key]
        labels = {semconv.DB_SYSTEM_NAME: server.system, semconv.DB_OPERATION_NAME: operation}
        if collection is not None:
            labels[semconv.DB_COLLECTION_NAME] = collection
        if server.namespace is not None and key[0] is server:
            labels[semconv.DB_NAMESPACE] = server.namespace
        if error is not None:
            labels[semconv.ERROR_TYPE] = error
        series = self._series[key] = Series(labels, server, self._lock)
        return series

    def settle(self) -> None:
        """Record what was counted since the last time."""
        with self._lock:
            counted = []
            for series in self._series.values():
                if any(series.counts):
                    counted.append((series.labels, series.counts, series.sums))
                    series.counts, series.sums = [0] * len(series.counts), [0] * len(series.sums)
        for labels, counts, sums in counted:
            for count, total in zip(counts, sums, strict=True):
                for _ in range(count):
                    self._histogram.record(total / count / 1e9, labels, _NOWHERE)
