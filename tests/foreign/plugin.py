"""Instruments the process before anything else is imported, as opentelemetry-instrument would. A pytest plugin; instrumented.py uses it too."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

import otel_graphql_auto


class SpanCounter(SpanProcessor):
    """Counts ended spans of ours by what they are: thousands of tests are run, and the spans themselves are read by nobody."""

    def __init__(self) -> None:
        self.spans: Counter[str] = Counter()

    def on_end(self, span: ReadableSpan) -> None:
        if span.instrumentation_scope is not None and span.instrumentation_scope.name == "otel_graphql_auto":
            attributes = span.attributes or {}
            kind = "statement" if "db.system.name" in attributes else attributes.get("graphql.processing.type", "other")
            self.spans[str(kind)] += 1

    @property
    def operations(self) -> int:
        return self.spans["request"]


executed: list[None] = []
"""One entry for each statement that an operation handed to Django, where instrumented.py counts them."""

counter = SpanCounter()
reader = InMemoryMetricReader()
tracer_provider = TracerProvider(shutdown_on_exit=False)
tracer_provider.add_span_processor(counter)

# Here, not in a hook: test modules bind `from graphql import execute` when they are imported, and must bind ours.
otel_graphql_auto.instrument(
    tracer_provider=tracer_provider,
    meter_provider=MeterProvider(metric_readers=[reader], shutdown_on_exit=False),
)


def write() -> dict[str, Any]:
    """Write down, after all tests, what was seen of them."""
    numbers = {"operations": counter.operations, "spans": dict(counter.spans), "executed": len(executed), **_metrics(), "probe": _probe()}
    Path(os.environ["FOREIGN_TELEMETRY"]).write_text(json.dumps(numbers), encoding="utf-8")
    return numbers


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line(f"otel_graphql_auto saw {write()}")


def _metrics() -> dict[str, int]:
    """How often the duration of an operation was recorded, how many statements were, and how often our own code failed."""
    measured = failed = statements = 0
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data is not None else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if metric.name == "graphql.server.request.duration":
                    measured += sum(point.count for point in metric.data.data_points)
                if metric.name == "graphql_auto.operation.db.queries":
                    statements += sum(point.sum for point in metric.data.data_points)
                if metric.name == "graphql_auto.internal_errors":
                    failed += sum(point.value for point in metric.data.data_points)
    return {"measured": measured, "statements": statements, "internal_errors": failed}


def _probe() -> int:
    """Operation spans of one operation that this plugin runs itself: 1, if the process is still instrumented after all tests."""
    from graphql import build_schema, graphql_sync  # after the tests, which may not find it imported by us

    before = counter.operations
    result = graphql_sync(build_schema("type Query { hello: String }"), "{ hello }", {"hello": "you"})
    if result.errors or result.data != {"hello": "you"}:
        raise AssertionError(f"the probe was answered with {result}")
    return counter.operations - before
