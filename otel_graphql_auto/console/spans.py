"""What can be asked of a span: its place in the trace, its time, how it went, and what to call it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.semconv.attributes.url_attributes import URL_PATH
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id

from otel_graphql_auto import semconv

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = [
    "attribute",
    "cleaned",
    "duration_text",
    "in_time",
    "is_error",
    "is_foreign",
    "is_operation",
    "is_slow",
    "operation_label",
    "parent_id",
    "seconds",
    "span_id",
    "span_label",
    "trace_id",
]

TEXT_LENGTH: Final = 160


def trace_id(span: ReadableSpan) -> str:
    """The id of its trace in hexadecimal digits, empty where it has none."""
    return format_trace_id(span.context.trace_id) if span.context else ""


def span_id(span: ReadableSpan) -> int:
    """Its own id, 0 where it has none."""
    return span.context.span_id if span.context else 0


def parent_id(span: ReadableSpan) -> int | None:
    """None where the request came into this process: without a parent, or with one elsewhere."""
    return None if span.parent is None or span.parent.is_remote else span.parent.span_id


def in_time(spans: Iterable[ReadableSpan]) -> list[ReadableSpan]:
    """Spans in the order in which they began."""
    return sorted(spans, key=lambda span: span.start_time or 0)


def seconds(span: ReadableSpan) -> float:
    """How long it took."""
    return ((span.end_time or 0) - (span.start_time or 0)) / 1e9


def duration_text(duration: float) -> str:
    """Seconds in the unit that a person would say them in."""
    if duration >= 1:
        return f"{duration:.2f} s"
    milliseconds = duration * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.1f} ms" if milliseconds >= 1 else f"{milliseconds:.2f} ms"


def attribute(span: ReadableSpan, name: str) -> Any:
    """The value of one attribute, None where it has none."""
    return span.attributes.get(name) if span.attributes else None


def is_operation(span: ReadableSpan) -> bool:
    """Whether it stands for a whole GraphQL operation."""
    return bool(attribute(span, semconv.PROCESSING_TYPE) == "request")


def is_foreign(span: ReadableSpan) -> bool:
    """Whether another library made it: an HTTP span, a statement, a call of a cache or of another service."""
    return span.instrumentation_scope is None or span.instrumentation_scope.name != semconv.SCOPE


def is_error(span: ReadableSpan) -> bool:
    """Whether it failed."""
    return span.status.status_code is StatusCode.ERROR


def is_slow(span: ReadableSpan) -> bool:
    """Whether it took longer than its threshold: an operation, or a SQL statement."""
    return attribute(span, semconv.SLOW) is True or attribute(span, semconv.DB_SLOW) is True


def span_label(span: ReadableSpan) -> str:
    """Phases by the name of the phase, operations by type and name, events by their subscription's, everything else as it calls itself."""
    if is_operation(span):
        return operation_label(span)
    if span.name == semconv.SPAN_SUBSCRIPTION_EVENT:
        return cleaned(f"event of {attribute(span, semconv.OPERATION_NAME) or '(no name)'}")
    phase = attribute(span, semconv.PROCESSING_TYPE)
    if phase in semconv.SPAN_BY_PHASE:
        return str(phase)
    # A request that no route was found for is called by its method alone.
    path = attribute(span, URL_PATH) if span.kind is SpanKind.SERVER and " " not in span.name else None
    return cleaned(f"{span.name} {path}" if path else span.name)


def operation_label(span: ReadableSpan) -> str:
    """The type and name of an operation, as far as they were understood."""
    type_ = attribute(span, semconv.OPERATION_TYPE)
    return cleaned(f"{type_} {attribute(span, semconv.OPERATION_NAME) or '(no name)'}") if type_ else "operation not known"


def cleaned(value: object) -> str:
    """Cut, and without what would move a terminal's cursor or change its colours."""
    text = str(value)
    text = text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 3] + "..."
    return text if text.isprintable() else "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
