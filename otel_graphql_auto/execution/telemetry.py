"""The metrics of room execution, made once for each meter.

Counts that change on every operation are plain integers that observable instruments read: a synchronous record costs 25 times as much.
"""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from otel_graphql_auto import lifecycle, semconv
from otel_graphql_auto._safety import Tally
from otel_graphql_auto.execution.names import OperationNames

__all__ = ["Instruments"]


class Instruments:
    """Every instrument of the room, on one meter. A meter keeps them for good: they outlive `uninstrument()` and serve again."""

    def __init__(self, meter: Meter) -> None:
        def histogram(metric: semconv.Metric) -> Histogram:
            return meter.create_histogram(
                metric.name, metric.unit, metric.description, explicit_bucket_boundaries_advisory=list(metric.buckets)
            )

        self.request_duration = histogram(semconv.REQUEST_DURATION)
        self.processing_duration = histogram(semconv.PROCESSING_DURATION)
        self.error_count = histogram(semconv.ERROR_COUNT)
        self.event_duration = histogram(semconv.SUBSCRIPTION_EVENT_DURATION)
        self.field_duration = histogram(semconv.FIELD_DURATION)
        self.event_count = meter.create_counter(*semconv.SUBSCRIPTION_EVENT_COUNT[:3])
        self.slow = meter.create_counter(*semconv.SLOW_OPERATIONS[:3])
        self.field_errors = meter.create_counter(*semconv.FIELD_ERRORS[:3])
        self.field_deprecated = meter.create_counter(*semconv.FIELD_DEPRECATED[:3])
        self.active = Tally()
        self.overflow = Tally()
        self.names: OperationNames | None = None

        def observe_active(_options: CallbackOptions) -> Iterable[Observation]:
            lifecycle.settle()
            return [Observation(count, {semconv.OPERATION_TYPE: kind} if kind else {}) for (kind,), count in self.active.read().items()]

        def observe_names(_options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(len(self.names))] if self.names is not None else []

        def observe_overflow(_options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(self.overflow.read().get((), 0))] if self.names is not None else []

        active, names, overflow = semconv.REQUEST_ACTIVE, semconv.OPERATION_NAMES, semconv.OPERATION_NAMES_OVERFLOW
        meter.create_observable_up_down_counter(active.name, [observe_active], active.unit, active.description)
        meter.create_observable_gauge(names.name, [observe_names], names.unit, names.description)
        meter.create_observable_counter(overflow.name, [observe_overflow], overflow.unit, overflow.description)
