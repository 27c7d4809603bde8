"""What an operation's statements come to at its end: spans, metrics, attributes of its span, and findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Span, Tracer

from otel_graphql_auto import semconv
from otel_graphql_auto.database.findings import Finding, find
from otel_graphql_auto.database.ledger import Ledger
from otel_graphql_auto.database.options import Options
from otel_graphql_auto.database.reports import WarningLog, describe
from otel_graphql_auto.database.spans import add_span_for_all
from otel_graphql_auto.database.telemetry import Instruments
from otel_graphql_auto.operation import Operation

__all__ = ["Totals"]


class Totals:
    """Tells of one ledger at a time; `options()` are the settings in force."""

    def __init__(self, tracer: Tracer, instruments: Instruments, options: Callable[[], Options]) -> None:
        self._tracer = tracer
        self._instruments = instruments
        self._options = options
        self._warnings = WarningLog()

    def add_spans(self, operation: Operation, ledger: Ledger) -> None:
        """Make the spans of statements beyond the budget."""
        for entry in ledger.entries.values():
            if entry.together is not None:
                add_span_for_all(self._tracer, operation, entry.together)
                entry.together = None

    def record(self, operation: Operation, ledger: Ledger | None) -> None:
        """The metrics of the operation, of one without any statement too, and those of its fields."""
        labels = operation.labels
        if labels is None:
            labels = {} if operation.type is None else {semconv.OPERATION_TYPE: operation.type}
        context = operation.otel_context
        self._instruments.operation_queries.record(ledger.count if ledger is not None else 0, labels, context)
        if ledger is None:
            return
        self._instruments.operation_duration.record(ledger.duration_ns / 1e9, labels, context)
        for entry in ledger.entries.values():
            self._instruments.by_field.add((entry.coordinate or semconv.OTHER,), entry.count)

    def findings(self, ledger: Ledger) -> list[Finding]:
        """The N+1 queries so far."""
        return list(find(ledger.entries.values(), self._options().n_plus_one))

    def report(self, operation: Operation, findings: list[Finding], span: Span | None) -> None:
        """Count each finding, log it, and put it on `span` as an event."""
        for finding in findings:
            self._instruments.n_plus_one.add(1, {semconv.FIELD_SCHEMA_COORDINATE: finding.coordinate}, operation.otel_context)
            self._warnings.log(operation, finding, span)
            if span is not None and span.is_recording():
                span.add_event(semconv.EVENT_N_PLUS_ONE, describe(finding))

    def describe(self, span: Span | None, ledger: Ledger | None, findings: list[Finding]) -> None:
        """The attributes of an operation's span, or of a subscription event's."""
        if span is None or not span.is_recording():
            return
        attributes: dict[str, Any] = {semconv.DB_QUERY_COUNT: 0}
        if ledger is not None:
            attributes = {semconv.DB_QUERY_COUNT: ledger.count, semconv.DB_DURATION: ledger.duration_ns / 1e9}
            if ledger.duplicate_count:
                attributes[semconv.DB_DUPLICATE_COUNT] = ledger.duplicate_count
            if findings:
                attributes[semconv.N_PLUS_ONE_COUNT] = len(findings)
        span.set_attributes(attributes)
