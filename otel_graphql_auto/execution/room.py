"""The room's observers: what they see of an operation becomes one span, a few records and, where something went wrong, events."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any, ClassVar, NamedTuple

from opentelemetry.context import attach, get_current
from opentelemetry.metrics import Meter
from opentelemetry.trace import Span, format_span_id, set_span_in_context

from otel_graphql_auto import semconv, settings
from otel_graphql_auto._providers import Providers
from otel_graphql_auto._safety import guard
from otel_graphql_auto.execution.attributes import request_attributes
from otel_graphql_auto.execution.failures import Failure
from otel_graphql_auto.execution.field_span import LiveFieldSpan
from otel_graphql_auto.execution.fields import Fields
from otel_graphql_auto.execution.options import Options
from otel_graphql_auto.execution.records import Records
from otel_graphql_auto.execution.slow import report_slow
from otel_graphql_auto.execution.spans import add_field_spans, add_phase_spans
from otel_graphql_auto.execution.telemetry import Instruments
from otel_graphql_auto.operation import Operation
from otel_graphql_auto.room import Room

__all__ = ["Execution"]

_MAX_TRACED = 100
"""Spans of marked fields in one operation or event; further calls are measured without."""

_instruments: weakref.WeakKeyDictionary[Meter, Instruments] = weakref.WeakKeyDictionary()


class _Event(NamedTuple):
    span: Span
    context: Any
    outer: Any
    started: int


class Execution(Room):
    """Observes operations; is told of them by `lifecycle`, never by the application."""

    name: ClassVar[str] = "execution"

    def __init__(self, providers: Providers) -> None:
        self._tracer = providers.tracer
        self._logger = providers.logger
        instruments = _instruments.get(providers.meter)
        if instruments is None:
            instruments = _instruments[providers.meter] = Instruments(providers.meter)
        self._fields = Fields(self._start_field_span)
        self._records = Records(instruments)
        # Guarded one by one: what cannot be described is recorded all the same, and the other way round.
        self._fail = guard(self.name, self._make_failure)
        self._label = guard(self.name, self._records.labels)
        self._record = guard(self.name, self._records.ended)
        self._record_event = guard(self.name, self._records.event_ended)
        self._report_slow = guard(self.name, report_slow)
        self._log = guard(self.name, self._log_failure)
        self._describe = guard(self.name, self._describe_span)
        self._options: Options | None = None
        settings.on_reload(self._forget_options)

    def detach(self) -> None:
        """Give the resolvers back and stop listening."""
        settings.off_reload(self._forget_options)
        self._fields.detach()

    def _forget_options(self) -> None:
        self._options = None

    def _read_options(self) -> Options:
        options = self._options
        if options is None:
            options = self._options = Options()
            self._records.use(options)
        return options

    def identified(self, operation: Operation) -> None:
        """Start the span, now that what a sampler wants to know of it is known; it began when the request did."""
        options = self._options or self._read_options()
        self._start(operation, options)
        self._records.began(operation)
        operation.otel_previous = get_current()
        attach(operation.otel_context)
        if options.request_hook is not None:
            guard("hooks", options.request_hook)(operation, operation.request)

    def _start(self, operation: Operation, options: Options) -> None:
        attributes: dict[str, Any] = {semconv.PROCESSING_TYPE: "request"}
        span_name = semconv.SPAN_OPERATION
        if operation.type is not None:
            attributes[semconv.OPERATION_TYPE] = span_name = operation.type
        if operation.name is not None:
            attributes[semconv.OPERATION_NAME] = operation.name[: semconv.MAX_NAME]
            if options.names_in_spans and operation.document_hash in options.manifest.by_hash:
                span_name = f"{span_name} {operation.name}"
        span = self._tracer.start_span(span_name, kind=options.span_kind, attributes=attributes, start_time=operation.started_at)
        operation.span = span
        operation.otel_context = set_span_in_context(span)

    def executing(self, operation: Operation) -> None:
        """Have resolvers measured, and find out what metrics may call the operation."""
        operation.labels = self._label(operation)
        operation.measure_fields()
        if operation.schema is not None:
            self._fields.attach(operation.schema)

    def suspended(self, operation: Operation) -> None:
        """Take the span out of the current context. Not by token: a token belongs to one task, an operation may go on in another."""
        if operation.otel_context is not None and get_current() is operation.otel_context:
            attach(operation.otel_previous)

    def resumed(self, operation: Operation) -> None:
        """Put it back."""
        now = get_current()
        if operation.otel_context is not None and now is not operation.otel_context:
            operation.otel_previous = now
            attach(operation.otel_context)

    def ended(self, operation: Operation) -> None:
        """Record what is known now, and end the span, whatever of the rest may fail."""
        options = self._options or self._read_options()
        if operation.span is None:
            self._start(operation, options)  # it never got as far as a document
        else:
            self._records.left(operation)
            self.suspended(operation)
        span: Any = operation.span
        try:
            errors = operation.errors
            failure = self._fail(operation, errors, operation.result, operation.failed_in, options) if errors else None
            threshold = options.threshold_by_name.get(operation.name or "", options.threshold_ns)
            # A subscription lasts as long as its subscriber likes.
            slow = operation.duration_ns > threshold and operation.type != "subscription"
            self._record(operation, failure, slow=slow)
            if options.response_hook is not None:
                guard("hooks", options.response_hook)(operation, operation.result)
            if slow:
                self._report_slow(operation, span, threshold)
            if failure is not None:
                self._log(failure, operation.otel_context)
            if span.is_recording():
                self._describe(operation, span, failure, options)
        finally:
            span.end(operation.at(operation.started + operation.duration_ns))

    def _log_failure(self, failure: Failure, context: Any) -> None:
        failure.log(self._logger, context)

    def _make_failure(
        self, operation: Operation, errors: Sequence[BaseException], result: Any, failed_in: str | None, options: Options
    ) -> Failure:
        return Failure(operation, errors, result, failed_in, options)

    def _describe_span(self, operation: Operation, span: Span, failure: Failure | None, options: Options) -> None:
        span.set_attributes(request_attributes(operation, options))
        if failure is not None:
            failure.mark(span)
        inner = add_phase_spans(self._tracer, operation, options.phase_spans)
        self._add_field_spans(operation, inner or operation.otel_context, options)

    def _add_field_spans(self, operation: Operation, context: Any, options: Options) -> None:
        if operation.slow_fields and options.field_spans == "slow":
            add_field_spans(self._tracer, operation, operation.slow_fields, context)

    def event_begins(self, operation: Operation) -> _Event:
        """Start the span of a subscription event."""
        attributes: dict[str, Any] = {semconv.PROCESSING_TYPE: "subscription_event", semconv.OPERATION_TYPE: "subscription"}
        if operation.name is not None:
            attributes[semconv.OPERATION_NAME] = operation.name[: semconv.MAX_NAME]
        if operation.document_hash is not None:
            attributes[semconv.DOCUMENT_HASH] = operation.document_hash
        if operation.span is not None:
            attributes[semconv.SUBSCRIPTION_ID] = format_span_id(operation.span.get_span_context().span_id)
        started = perf_counter_ns()
        span = self._tracer.start_span(
            semconv.SPAN_SUBSCRIPTION_EVENT, operation.otel_context, attributes=attributes, start_time=operation.at(started)
        )
        # What the subscriber had before the operation was resumed for this event.
        outer = operation.otel_previous if get_current() is operation.otel_context else get_current()
        context = set_span_in_context(span, operation.otel_context)
        attach(context)
        operation.measure_fields()
        return _Event(span, context, outer, started)

    def event_ends(self, operation: Operation, event: _Event | None, result: Any, error: BaseException | None) -> None:
        """Record the event and end its span. Its errors are its own, not the subscription's."""
        if event is None:
            return
        ended = perf_counter_ns()
        if get_current() is event.context:
            attach(event.outer)  # not where it was closed from elsewhere, in the middle of something else
        options = self._options or self._read_options()
        errors: Sequence[BaseException] = [error] if error is not None else (getattr(result, "errors", None) or ())
        try:
            failure = self._fail(operation, errors, result, "execute", options) if errors else None
            self._record_event(operation, ended - event.started, failure, event.context)
            if failure is not None:
                self._log(failure, event.context)
                failure.mark(event.span)
            if event.span.is_recording():
                self._add_field_spans(operation, event.context, options)
        finally:
            operation.measure_fields()  # what the event noted is recorded; the subscription's end must not record it again
            event.span.end(operation.at(ended))

    def _start_field_span(self, operation: Operation, info: Any, coordinate: str) -> LiveFieldSpan | None:
        options = self._options or self._read_options()
        if options.field_spans == "never" or operation.span is None or not operation.span.is_recording() or operation.traced >= _MAX_TRACED:
            return None
        operation.traced += 1
        return LiveFieldSpan(self._tracer, info, coordinate)
