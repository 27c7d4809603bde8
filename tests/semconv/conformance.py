"""Holds spans, events and metrics against model.json, the project's own copy of the facts in the GraphQL conventions; pure.

A deviation is one sentence; no deviation is an empty list. What cannot be decided from the telemetry alone (was there a trusted document,
is the port the default one) is left to the tests that know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import Gauge, Histogram, MetricsData, Sum
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from .model import MODEL, check_values

__all__ = ["check_metrics", "check_spans", "span_type"]

NAMESPACES = ("graphql.", "graphql_auto.")
BY_IDENTITY = {"db.system.name": "database"}
"""Spans without a processing type: the draft does not know them."""


def check_spans(spans: Iterable[ReadableSpan], *, kind: str = "INTERNAL", name_with_operation: bool = False) -> list[str]:
    """Every deviation of the package's spans and their events; `kind` and `name_with_operation` are what the settings ask for."""
    every = list(spans)
    ours = [span for span in every if span.instrumentation_scope and span.instrumentation_scope.name == MODEL["scope"]]
    known = {span.context.span_id: span for span in every if span.context}
    found: list[str] = []
    for span in every:
        if span not in ours:
            found += [
                f"span {span.name!r} of another scope carries {name}" for name in span.attributes or {} if name.startswith(NAMESPACES)
            ]
    for span in ours:
        found += [f"span {span.name!r}: {deviation}" for deviation in _check_span(span, known, kind, name_with_operation)]
    return found


def span_type(span: ReadableSpan) -> str | None:
    """The entry of the model that describes this span, found by its processing type."""
    attributes = span.attributes or {}
    for name, which in BY_IDENTITY.items():
        if name in attributes:
            return which
    processing = attributes.get("graphql.processing.type")
    return str(processing) if processing in MODEL["spans"] else None


def _check_span(span: ReadableSpan, known: Mapping[int, ReadableSpan], kind: str, name_with_operation: bool) -> Iterable[str]:
    if not span.instrumentation_scope or not span.instrumentation_scope.schema_url:
        yield "no schema URL"
    attributes = span.attributes or {}
    which = span_type(span)
    yield from check_values(attributes)
    if which is None:
        yield f"no span of the model has graphql.processing.type {attributes.get('graphql.processing.type')!r}"
        return
    model = MODEL["spans"][which]
    expected_kind = kind if which == "request" else model["kinds"][0]
    if span.kind.name != expected_kind:
        yield f"kind {span.kind.name} instead of {expected_kind}"
    if span.name != (wanted := _name(model["names"], attributes, name_with_operation)):
        yield f"the name should be {wanted!r}"
    yield from _check_presence(attributes, model["attributes"])
    yield from _check_parent(span, model["parents"], known)
    yield from _check_outcome(span, which)
    for event in span.events:
        if event.name not in model["events"]:
            yield f"event {event.name!r} does not belong on this span"
            continue
        for deviation in _check_event(event.name, event.attributes or {}, span):
            yield f"event {event.name!r}: {deviation}"


def _name(patterns: Sequence[str], attributes: Mapping[str, Any], name_with_operation: bool) -> str:
    """The first pattern whose attributes are all there; the form with the operation's name only where it is asked for."""
    ordered = sorted(patterns, key=lambda pattern: -pattern.count("{"))
    for pattern in ordered:
        names = re.findall(r"{([^}]+)}", pattern)
        if "graphql.operation.name" in names and not name_with_operation:
            continue
        if all(name in attributes for name in names):
            return re.sub(r"{([^}]+)}", lambda match: str(attributes[match[1]]), pattern)
    return ordered[-1]


def _check_presence(attributes: Mapping[str, Any], levels: Mapping[str, str]) -> Iterable[str]:
    for name in attributes:
        if name not in levels and name in MODEL["attributes"]:
            yield f"attribute {name} does not belong here"
    for name, level in levels.items():
        if level == "required" and name not in attributes:
            yield f"required attribute {name} is missing"


def _check_parent(span: ReadableSpan, allowed: Sequence[str], known: Mapping[int, ReadableSpan]) -> Iterable[str]:
    parent = known.get(span.parent.span_id) if span.parent else None
    ours = parent is not None and parent.instrumentation_scope is not None and parent.instrumentation_scope.name == MODEL["scope"]
    which = (span_type(parent) or "") if ours and parent else ""
    if which not in allowed:
        yield f"its parent is {which or 'no span of an operation'}, allowed are {', '.join(filter(None, allowed))}"


def _check_outcome(span: ReadableSpan, which: str) -> Iterable[str]:
    attributes = span.attributes or {}
    failed = span.status.status_code is StatusCode.ERROR
    if failed and "error.type" not in attributes:
        yield "status Error without error.type"
    if not failed and "error.type" in attributes:
        yield "error.type without status Error"
    if which == "request" and failed != ("graphql_auto.error.fault" in attributes):
        yield "graphql_auto.error.fault must be there when it failed, and only then"
    if which == "request" and not failed and "graphql.operation.type" not in attributes:
        yield "graphql.operation.type is missing although parsing succeeded"
    if attributes.get("error.type") == "GRAPHQL_PARSE_FAILED" and "graphql.operation.type" in attributes:
        yield "graphql.operation.type although parsing failed"
    if span.status.description:
        messages = [str((event.attributes or {}).get("graphql.error.message", "")) for event in span.events]
        if any(text and text in span.status.description for text in [str(attributes.get("error.type", "")), *messages]):
            yield "the status description repeats error.type or a message"
    yield from _check_error_count(span, which)


def _check_error_count(span: ReadableSpan, which: str) -> Iterable[str]:
    attributes = span.attributes or {}
    events = sum(event.name == "graphql.error" for event in span.events)
    total = attributes.get("graphql.error.count")
    if total is None:
        if events:
            yield "graphql.error events without graphql.error.count"
        elif which == "request" and "error.type" in attributes and attributes.get("graphql.operation.type") != "subscription":
            yield "failed without a graphql.error event"
    elif not isinstance(total, int) or total < 1:
        yield f"graphql.error.count is {total!r}; it is left out when there are no errors"
    elif events != min(total, MODEL["error_events_limit"]):
        yield f"{events} graphql.error events for a graphql.error.count of {total}"


def _check_event(name: str, attributes: Mapping[str, Any], span: ReadableSpan) -> Iterable[str]:
    yield from check_values(attributes)
    yield from _check_presence(attributes, MODEL["events"][name]["attributes"])
    if name != "graphql.error":
        return
    carried = span.attributes or {}
    if ("graphql.field.path" in attributes) != ("graphql.field.schema_coordinate" in attributes):
        yield "graphql.field.path and graphql.field.schema_coordinate belong together"
    if ("exception.type" in attributes) != ("exception.message" in attributes):
        yield "exception.type and exception.message belong together"
    if (
        carried.get("error.type") in ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")
        and "graphql.document.locations" not in attributes
    ):
        yield "graphql.document.locations is missing although a place in the document is wrong"
    if carried.get("graphql.operation.name") != attributes.get("graphql.operation.name"):
        yield "graphql.operation.name differs from that of its span"
    if attributes.get("graphql.operation.type", carried.get("graphql.operation.type")) != carried.get("graphql.operation.type"):
        yield "graphql.operation.type differs from that of its span"


def check_metrics(data: MetricsData | None) -> list[str]:
    """Every deviation of the package's metrics, one sentence each."""
    found: list[str] = []
    for resource_metrics in data.resource_metrics if data else ():
        for scope_metrics in resource_metrics.scope_metrics:
            ours = scope_metrics.scope.name == MODEL["scope"]
            for metric in scope_metrics.metrics:
                if not ours:
                    found += [f"metric {metric.name} comes from another scope"] if metric.name.startswith(NAMESPACES) else []
                    continue
                if not scope_metrics.scope.schema_url:
                    found.append(f"metric {metric.name}: no schema URL")
                found += [f"metric {metric.name}: {deviation}" for deviation in _check_metric(metric)]
    return found


def _check_metric(metric: Any) -> Iterable[str]:
    model = MODEL["metrics"].get(metric.name)
    if model is None:
        yield "unknown"
        return
    if metric.unit != model["unit"]:
        yield f"unit {metric.unit!r} instead of {model['unit']!r}"
    if (instrument := _instrument(metric.data)) != model["instrument"]:
        yield f"{instrument} instead of {model['instrument']}"
    for point in metric.data.data_points:
        attributes = point.attributes or {}
        if isinstance(metric.data, Histogram):
            yield from _check_buckets(list(point.explicit_bounds), model)
        for name in attributes:
            if name in MODEL["never_on_metrics"]:
                yield f"attribute {name} must never be on a metric"
            elif name not in model["attributes"]:
                yield f"attribute {name} is not one of this metric"
        yield from check_values(attributes)
        for name, values in model.get("values", {}).items():
            if name in attributes and attributes[name] not in values:
                yield f"attribute {name} has the value {attributes[name]!r}, which this metric does not use"
        yield from _check_point(attributes, model["attributes"])


def _check_point(attributes: Mapping[str, Any], levels: Mapping[str, str]) -> Iterable[str]:
    for name, level in levels.items():
        if level == "required" and name not in attributes:
            yield f"required attribute {name} is missing"
    parsed = levels.get("graphql.operation.type") == "conditionally_required: parsed"
    if parsed and not attributes.keys() & {"error.type", "graphql.operation.type"}:
        yield "graphql.operation.type is missing although nothing failed"
    if "graphql_auto.error.fault" in levels and ("graphql_auto.error.fault" in attributes) != ("error.type" in attributes):
        yield "graphql_auto.error.fault and error.type belong together"


def _instrument(data: object) -> str:
    if isinstance(data, Histogram):
        return "histogram"
    if isinstance(data, Sum):
        return "counter" if data.is_monotonic else "updowncounter"
    return "gauge" if isinstance(data, Gauge) else type(data).__name__


def _check_buckets(bounds: list[float], model: Mapping[str, Any]) -> Iterable[str]:
    if "buckets" in model and bounds != model["buckets"]:
        yield f"buckets {bounds} instead of {model['buckets']}"
    if "bucket_range" in model and [bounds[0], bounds[-1]] != model["bucket_range"]:
        yield f"buckets from {bounds[0]} to {bounds[-1]} instead of {model['bucket_range']}"
