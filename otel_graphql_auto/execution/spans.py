"""Spans made after the fact, with explicit times: a phase or a field that turns out to be fast costs two looks at the clock."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context

from otel_graphql_auto import semconv
from otel_graphql_auto.execution.errors import error_type
from otel_graphql_auto.execution.notes import FieldCall
from otel_graphql_auto.operation import Operation, Phase

__all__ = ["add_field_spans", "add_phase_spans", "field_attributes"]

_SLOW_PHASE_NS = 1_000_000
"""A phase that takes this long gets a span under PHASE_SPANS = "slow"."""

_OPERATION_PHASES = ("variable_coercion", "execute")
"""Phases of an operation rather than of a document: their spans carry its type and name."""


def add_phase_spans(tracer: Tracer, operation: Operation, wish: str) -> Any:
    """Make the phase spans that PHASE_SPANS asks for. Returns the context for children of the execution, where that has a span."""
    inner = None
    if wish == "never":
        return inner
    for phase in operation.phases:
        if wish == "slow" and phase.error is None and phase.ended - phase.started < _SLOW_PHASE_NS:
            continue
        span = tracer.start_span(
            semconv.SPAN_BY_PHASE[phase.type],
            operation.otel_context,
            attributes=_phase_attributes(operation, phase),
            start_time=operation.at(phase.started),
        )
        if phase.error is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end(operation.at(phase.ended))
        if phase.type == "execute":
            inner = set_span_in_context(span, operation.otel_context)
    return inner


def _phase_attributes(operation: Operation, phase: Phase) -> dict[str, Any]:
    attributes: dict[str, Any] = {semconv.PROCESSING_TYPE: phase.type}
    if phase.type in _OPERATION_PHASES:
        if operation.type is not None:
            attributes[semconv.OPERATION_TYPE] = operation.type
        if operation.name is not None:
            attributes[semconv.OPERATION_NAME] = operation.name[: semconv.MAX_NAME]
    if operation.document_hash is not None:
        attributes[semconv.DOCUMENT_HASH] = operation.document_hash
    if phase.error is not None:
        attributes[semconv.ERROR_TYPE] = error_type([phase.error], phase.type)
    return attributes


def add_field_spans(tracer: Tracer, operation: Operation, calls: list[FieldCall], context: Any) -> None:
    """Make a span for each of these calls, as children of the span in `context`."""
    for call in calls:
        attributes = field_attributes(call.coordinate, call.field_name, call.parent_type, call.alias, call.path)
        if call.error is not None:
            attributes[semconv.ERROR_TYPE] = error_type([call.error], None)
        span = tracer.start_span(call.coordinate, context, attributes=attributes, start_time=operation.at(call.started))
        if call.error is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end(operation.at(call.ended))


def field_attributes(coordinate: str, name: str, parent_type: str, alias: str, path: str) -> dict[str, Any]:
    """The attributes of a field span."""
    return {
        semconv.PROCESSING_TYPE: "resolve",
        semconv.FIELD_SCHEMA_COORDINATE: coordinate,
        semconv.FIELD_NAME: name,
        semconv.FIELD_PARENT_TYPE: parent_type,
        semconv.FIELD_ALIAS: alias,
        semconv.FIELD_PATH: path,
    }
