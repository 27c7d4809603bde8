"""Decodes OTLP messages into the shapes of `telemetry`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from .telemetry import Event, Exemplar, Point, Span


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """Spans of one export, flattened."""
    for of_resource in request.resource_spans:
        resource = attributes_of(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Span(
                    name=span.name,
                    kind=span.kind,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    attributes=attributes_of(span.attributes),
                    events=tuple(Event(event.name, event.time_unix_nano, attributes_of(event.attributes)) for event in span.events),
                    status=span.status.code,
                    status_message=span.status.message,
                    resource=resource,
                    scope=of_scope.scope.name,
                    schema_url=of_scope.schema_url,
                )


def points_of(request: ExportMetricsServiceRequest) -> Iterator[Point]:
    """Metric points of one export, flattened."""
    for of_resource in request.resource_metrics:
        resource = attributes_of(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind)
                for point in data.data_points:
                    is_number = kind in ("gauge", "sum")
                    yield Point(
                        name=metric.name,
                        unit=metric.unit,
                        kind=kind,
                        temporality=getattr(data, "aggregation_temporality", 0),
                        attributes=attributes_of(point.attributes),
                        value=(point.as_double if point.HasField("as_double") else point.as_int) if is_number else point.sum,
                        count=0 if is_number else point.count,
                        bounds=tuple(getattr(point, "explicit_bounds", ())),
                        exemplars=tuple(Exemplar(one.trace_id.hex(), one.span_id.hex(), one.as_double) for one in point.exemplars),
                        time=point.time_unix_nano,
                        resource=resource,
                        scope=of_scope.scope.name,
                    )


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """OTLP key-value pairs as a dict of Python values."""
    return {pair.key: value_of(pair.value) for pair in pairs}


def value_of(value: AnyValue) -> Any:
    """One OTLP value as a Python value."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value_of(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values)
    return getattr(value, kind)
