"""Lets tests look at what is emitted: GraphQL in, spans, metrics and receipts out, through the public door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_graphql_auto
from otel_graphql_auto import lifecycle, semconv
from otel_graphql_auto.instrumentor import GraphQLInstrumentor
from otel_graphql_auto.operation import Operation
from otel_graphql_auto.room import Room

__all__ = ["Captured", "capture"]


class _Receipts(Room):
    """Keeps every operation that ends."""

    name: ClassVar[str] = "receipts"

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def ended(self, operation: Operation) -> None:
        self.operations.append(operation)


class Captured:
    """What was emitted while captured."""

    def __init__(self, exporter: InMemorySpanExporter, reader: InMemoryMetricReader, receipts: _Receipts, tracer_provider: Any) -> None:
        self._exporter = exporter
        self._reader = reader
        self._receipts = receipts
        self.tracer_provider = tracer_provider

    @property
    def spans(self) -> list[ReadableSpan]:
        """All spans that have ended, in the order of their ends."""
        lifecycle.settle()
        return list(self._exporter.get_finished_spans())

    @property
    def operations(self) -> list[Operation]:
        """The receipts of all operations that have ended."""
        lifecycle.settle()
        return list(self._receipts.operations)

    @property
    def operation_spans(self) -> list[ReadableSpan]:
        """The spans of operations alone."""
        return [span for span in self.spans if (span.attributes or {}).get(semconv.PROCESSING_TYPE) == "request"]

    def metrics_data(self) -> Any:
        """The SDK's MetricsData of all metrics so far, or None."""
        lifecycle.settle()
        return self._reader.get_metrics_data()

    def metrics(self) -> dict[str, list[Any]]:
        """The data points of each metric by its name."""
        data = self.metrics_data()
        found: dict[str, list[Any]] = {}
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found.setdefault(metric.name, []).extend(metric.data.data_points)
        return found


@contextmanager
def capture() -> Iterator[Captured]:
    """Attach the package to in-memory providers for the length of a block. What was attached before is detached for good."""
    otel_graphql_auto.uninstrument()
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracer_provider = TracerProvider(resource=Resource.get_empty(), shutdown_on_exit=False)
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    meter_provider = MeterProvider([reader], resource=Resource.get_empty(), shutdown_on_exit=False)
    otel_graphql_auto.instrument(tracer_provider=tracer_provider, meter_provider=meter_provider)
    receipts = _Receipts()
    GraphQLInstrumentor().add_room(receipts)
    try:
        yield Captured(exporter, reader, receipts, tracer_provider)
    finally:
        otel_graphql_auto.uninstrument()
        meter_provider.shutdown()
