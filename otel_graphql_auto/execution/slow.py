"""Says that an operation was slow: on its span, in a counter and in one line of log."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry.trace import Span, format_trace_id

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import text
from otel_graphql_auto.operation import Operation
from otel_graphql_auto.room import Number

__all__ = ["report_slow"]

_logger = logging.getLogger("otel_graphql_auto.slow")


def report_slow(operation: Operation, span: Span, threshold_ns: int) -> None:
    """Mark `span` and log one WARNING with the operation, its document, its numbers and where to find its trace."""
    if span.is_recording():
        span.set_attribute(semconv.SLOW, True)
        span.add_event(semconv.EVENT_SLOW, {semconv.DURATION: operation.duration_ns / 1e9, semconv.THRESHOLD: threshold_ns / 1e9})
    name = text(operation.name or "(anonymous)", semconv.MAX_NAME)
    trace_id = format_trace_id(span.get_span_context().trace_id)
    numbers: dict[str, Any] = {
        "operation_name": name,
        "operation_type": operation.type,
        "document_hash": operation.document_hash,
        "duration_ms": round(operation.duration_ns / 1e6, 1),
        "threshold_ms": threshold_ns / 1e6,
        "error_count": len(operation.errors),
        "trace_id": trace_id,
    }
    parts = [f"{phase.type} {(phase.ended - phase.started) / 1e6:.1f} ms" for phase in operation.phases]
    for number in (number for ask in operation.moments.numbers for number in ask(operation) or ()):
        numbers |= {f"{number.name}_count": number.amount, f"{number.name}_ms": _milliseconds(number)}
        parts.append(_words(number))
    _logger.warning(
        "Slow GraphQL %s %s: %.1f ms, threshold %g ms (%s); errors %d; document %s; trace_id=%s",
        operation.type or "operation",
        name,
        numbers["duration_ms"],
        numbers["threshold_ms"],
        ", ".join(parts),
        numbers["error_count"],
        operation.document_hash,
        trace_id,
        extra=numbers,
    )


def _milliseconds(number: Number) -> float | None:
    return None if number.duration_ns is None else round(number.duration_ns / 1e6, 1)


def _words(number: Number) -> str:
    amount = "" if number.amount is None else f" {number.amount}"
    return f"{number.name}{amount}" + ("" if number.duration_ns is None else f" in {_milliseconds(number)} ms")
