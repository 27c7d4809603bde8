"""Spans of statements, made after the fact with explicit times: what a statement costs while it runs is one tuple."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from otel_graphql_auto import semconv
from otel_graphql_auto.database.ledger import Executed, Together
from otel_graphql_auto.operation import Operation, path_text

__all__ = ["add_span", "add_span_for_all"]


def add_span(tracer: Tracer, operation: Operation, executed: Executed, *, is_slow: bool) -> Span:
    """The span of one statement, as a child of what was current when it ran."""
    attributes = _attributes(executed)
    if is_slow:
        attributes[semconv.DB_SLOW] = True
    return _make(tracer, operation, executed, attributes, executed.ended)


def add_span_for_all(tracer: Tracer, operation: Operation, together: Together) -> Span:
    """The one span of statements beyond the budget: from the beginning of the first to the end of the last."""
    first = together.first._replace(error=together.error)
    attributes = _attributes(first)
    attributes[semconv.DB_FOLDED_COUNT] = together.count
    attributes[semconv.DB_DURATION] = together.duration_ns / 1e9
    if together.is_slow:
        attributes[semconv.DB_SLOW] = True
    return _make(tracer, operation, first, attributes, together.ended)


def _make(tracer: Tracer, operation: Operation, executed: Executed, attributes: dict[str, Any], ended: int) -> Span:
    span = tracer.start_span(
        executed.statement.summary, executed.context, SpanKind.CLIENT, attributes, start_time=operation.at(executed.started)
    )
    if executed.error is not None:
        span.set_status(Status(StatusCode.ERROR))
    span.end(operation.at(ended))
    return span


def _attributes(executed: Executed) -> dict[str, Any]:
    statement, coordinate = executed.statement, executed.entry.coordinate
    attributes = {
        **executed.server.attributes,
        semconv.DB_OPERATION_NAME: statement.operation,
        semconv.DB_QUERY_SUMMARY: statement.summary,
        semconv.DB_QUERY_TEXT: statement.text,
        semconv.DB_FINGERPRINT: statement.fingerprint,
    }
    if statement.collection is not None:
        attributes[semconv.DB_COLLECTION_NAME] = statement.collection
    if coordinate is None:
        attributes[semconv.DB_UNATTRIBUTED] = True
    else:
        attributes[semconv.FIELD_SCHEMA_COORDINATE] = coordinate
        attributes[semconv.FIELD_PATH] = path_text(executed.path.as_list())
    if executed.batch is not None:
        attributes[semconv.DB_OPERATION_BATCH_SIZE] = executed.batch
    if executed.error is not None:
        attributes[semconv.ERROR_TYPE] = executed.error
    if executed.status is not None:
        attributes[semconv.DB_RESPONSE_STATUS_CODE] = executed.status
    return attributes
