"""Keeps the spans of the doctor's own requests, and tells how they hang together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from opentelemetry import propagate
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from otel_graphql_auto import semconv

__all__ = ["Kept", "Memory", "Parent", "sort_out"]

_MOST_SPANS = 1000


class Memory(SpanProcessor):
    """Keeps every span that ends while it is open. The SDK has no way to take a processor back."""

    is_the_doctors = True

    def __init__(self) -> None:
        self.is_open = False
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep it."""
        if self.is_open and len(self._spans) < _MOST_SPANS:
            self._spans.append(span)

    def take(self) -> list[ReadableSpan]:
        """Those since the last call."""
        taken, self._spans = self._spans, []
        return taken


class Parent:
    """The remote span that a request claims to come from: sampled, so that a sampler that heeds its parent keeps the trace."""

    def __init__(self) -> None:
        ids = RandomIdGenerator()
        self.span_context = SpanContext(
            ids.generate_trace_id(), ids.generate_span_id(), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
        )
        self.context: Any = set_span_in_context(NonRecordingSpan(self.span_context))

    def headers(self) -> dict[str, str]:
        """As the propagators in force write them, which are those that read them again."""
        written: dict[str, str] = {}
        propagate.inject(written, context=self.context)
        return written


class Kept(NamedTuple):
    """The spans of one request."""

    server: ReadableSpan | None
    """Of the HTTP request."""

    operations: Sequence[ReadableSpan]
    below: bool
    """Whether all of the operations are below that span."""


def sort_out(spans: Iterable[ReadableSpan], parent: Parent) -> Kept:
    """Those of the parent's trace; of all where none is, because the propagators in force read nothing that could be sent."""
    every = list(spans)
    ours = [span for span in every if span.context is not None and span.context.trace_id == parent.span_context.trace_id] or every
    by_id = {span.context.span_id: span for span in ours if span.context is not None}
    server = next((span for span in ours if span.kind is SpanKind.SERVER and not _is_ours(span)), None)
    operations = [span for span in ours if _is_ours(span) and (span.attributes or {}).get(semconv.PROCESSING_TYPE) == "request"]
    return Kept(server, operations, server is not None and all(_is_below(span, server, by_id) for span in operations))


def _is_ours(span: ReadableSpan) -> bool:
    return span.instrumentation_scope is not None and span.instrumentation_scope.name == semconv.SCOPE


def _is_below(span: ReadableSpan, server: ReadableSpan, by_id: dict[int, ReadableSpan]) -> bool:
    """By ids; spans of others may stand in between."""
    above: ReadableSpan | None = span
    for _ in range(len(by_id)):
        if above is None or above.parent is None:
            return False
        above = by_id.get(above.parent.span_id)
        if above is server:
            return True
    return False
