"""An application's traffic towards a collector under test: it knows which spans and points were acknowledged, and what became of the others."""

from __future__ import annotations

import http.client
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.services.collector import Collector
from tests.services.prometheus import Prometheus

RETRYABLE = {429, 502, 503, 504}
"""After these an SDK sends the same again: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes"""

OPERATIONS = tuple(f"Operation{number}" for number in range(5))
COUNTER = "graphql_auto_operation_slow_total"
HISTOGRAM = "graphql_server_request_duration_seconds_count"
"""What they are called in Prometheus."""

Samples = dict[tuple[str, str], list[tuple[int, float]]]
"""(series, operation) -> (time in ms, value) of each sample, oldest first."""


class Traffic:
    """Sends until it is stopped. What nobody answered is not sent again, so that whatever arrives twice is the collector's doing."""

    def __init__(self, address: str, name: str, *, spans_of_a_message: int = 50, pause: float = 0.1, export_interval: float = 1) -> None:
        self.name = name
        self.prefix = os.urandom(4).hex()
        """Of the ids of all its spans."""
        self.spans: set[str] = set()
        """Ids of those that were acknowledged."""
        self.exports: list[tuple[int, int]] = []
        """Time (ms) and number of each export of metrics that was acknowledged."""
        self.refusals: Counter[tuple[str, int]] = Counter()
        """How often each signal was refused with each status."""
        self.unanswered: Counter[str] = Counter()
        """How many messages of each signal got no answer: nobody knows whether they were taken."""
        self._address = address
        self._spans_of_a_message, self._pause, self._export_interval = spans_of_a_message, pause, export_interval
        # Where a series begins Prometheus puts a zero: it must not be in the place of the first sample.
        self._started = time.time_ns() - 60 * 10**9
        self._ended = threading.Event()
        self._ids = (f"{self.prefix}{number:08x}" for number in count(1))
        self._pool = ThreadPoolExecutor(2)
        self._senders = [self._pool.submit(self._send_spans), self._pool.submit(self._send_metrics)]

    def stop(self) -> None:
        """Send no more; what is refused just now stays so."""
        self._ended.set()
        for sender in self._senders:
            sender.result()
        self._pool.shutdown()

    def send_message(self) -> bool:
        """Send one message of spans, as often as it is refused; tells whether it was acknowledged."""
        ids = list(islice(self._ids, self._spans_of_a_message))
        delivered = self._deliver("traces", self._message(ids))
        if delivered:
            self.spans.update(ids)
        return delivered

    def forget_spans(self) -> None:
        """From now on only those count that are sent from now on."""
        self.spans = set()

    def expected(self) -> Samples:
        """The samples of each series in Prometheus, if every acknowledged export arrived."""
        return {
            (series, operation): [(when, number * (place + 1)) for when, number in self.exports]
            for series in (COUNTER, HISTOGRAM)
            for place, operation in enumerate(OPERATIONS)
        }

    def _send_spans(self) -> None:
        while not self._ended.wait(self._pause):
            self.send_message()

    def _send_metrics(self) -> None:
        for number in count(1):
            now = time.time_ns()
            if self._deliver("metrics", self._export(number, now)):
                self.exports.append((now // 1_000_000, number))
            if self._ended.wait(self._export_interval):
                return

    def _deliver(self, signal: str, body: bytes) -> bool:
        backoff = 0.25
        while True:
            try:
                status = self._post(signal, body)
            except (OSError, http.client.HTTPException):
                self.unanswered[signal] += 1
                return False
            if status == 200:
                return True
            self.refusals[signal, status] += 1
            if status not in RETRYABLE or self._ended.wait(backoff):
                return False
            backoff = min(2 * backoff, 2)

    def _post(self, signal: str, body: bytes) -> int:
        connection = http.client.HTTPConnection(self._address, timeout=10)
        try:
            connection.request("POST", f"/v1/{signal}", body, {"Content-Type": "application/x-protobuf"})
            return connection.getresponse().status
        finally:
            connection.close()

    def _message(self, ids: list[str]) -> bytes:
        message = ExportTraceServiceRequest()
        group = message.resource_spans.add()
        group.resource.attributes.extend(_pairs({"service.name": self.name}))
        scope = group.scope_spans.add()
        now = time.time_ns()
        for place, span_id in enumerate(ids):
            attributes = {
                "graphql.operation.name": OPERATIONS[place % len(OPERATIONS)],
                "db.system.name": "postgresql",
                "db.query.text": 'SELECT "blog_post"."id", "blog_post"."title" FROM "blog_post" WHERE "blog_post"."author_id" = %s LIMIT 20',
                "db.query.summary": "SELECT blog_post",
            }
            scope.spans.add(
                trace_id=int(ids[0], 16).to_bytes(16, "big"),
                span_id=bytes.fromhex(span_id),
                name="SELECT blog_post",
                kind=Span.SPAN_KIND_CLIENT,
                start_time_unix_nano=now - 5_000_000,
                end_time_unix_nano=now,
                attributes=_pairs(attributes),
            )
        return message.SerializeToString()

    def _export(self, number: int, now: int) -> bytes:
        export = ExportMetricsServiceRequest()
        group = export.resource_metrics.add()
        group.resource.attributes.extend(_pairs({"service.name": self.name, "service.instance.id": "one"}))
        scope = group.scope_metrics.add()
        slow = scope.metrics.add(name="graphql_auto.operation.slow", unit="{operation}")
        duration = scope.metrics.add(name="graphql.server.request.duration", unit="s")
        slow.sum.is_monotonic = True
        for data in (slow.sum, duration.histogram):
            data.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        for place, operation in enumerate(OPERATIONS):
            seen = number * (place + 1)
            common: dict[str, Any] = {
                "start_time_unix_nano": self._started,
                "time_unix_nano": now,
                "attributes": _pairs({"graphql.operation.name": operation}),
            }
            slow.sum.data_points.add(as_int=seen, **common)
            duration.histogram.data_points.add(
                count=seen, sum=seen * 0.05, bucket_counts=[0, seen, 0], explicit_bounds=[0.01, 0.1], **common
            )
        return export.SerializeToString()


@contextmanager
def traffic(server: Collector, name: str = "shop", **changes: Any) -> Iterator[Traffic]:
    """Traffic for the length of a `with` block, and from `stop()` on no more."""
    sender = Traffic(f"127.0.0.1:{server.http_port}", name, **changes)
    try:
        yield sender
    finally:
        sender.stop()


class Arrivals:
    """An application's spans in a trace backend's file; what was read once is not read again."""

    def __init__(self, sent: Traffic, store: Collector) -> None:
        self._sent = sent
        self._file = store.file
        self._position = 0
        self._pattern = re.compile(rb'"spanId":"(%s[0-9a-f]{8})"' % sent.prefix.encode())
        self._seen: Counter[str] = Counter()

    def missing(self) -> set[str]:
        """The acknowledged spans that are not there (yet)."""
        self._read()
        return self._sent.spans - self._seen.keys()

    @property
    def duplicates(self) -> int:
        """How many arrived although they had been there."""
        return self._seen.total() - len(self._seen)

    def _read(self) -> None:
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(self._position)
            # The last line may be half written.
            whole, newline, _ = file.read().rpartition(b"\n")
        self._position += len(whole) + len(newline)
        self._seen.update(found.decode() for found in self._pattern.findall(whole))


def samples(server: Prometheus, name: str) -> Samples:
    """What Prometheus has of an application's traffic, as `Traffic.expected` says it should be."""
    found: Samples = {}
    for series in (COUNTER, HISTOGRAM):
        for result in server.query(f'{series}{{job="{name}"}}[2h]'):
            values = [(round(when * 1000), float(value)) for when, value in result["values"]]
            # Without the zero of its beginning.
            found[series, result["metric"]["graphql_operation_name"]] = [(when, value) for when, value in values if value]
    return found


def _pairs(attributes: dict[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in attributes.items()]
