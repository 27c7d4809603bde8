"""The metrics of room database, made once for each meter."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import Tally
from otel_graphql_auto.database.durations import Durations

__all__ = ["Instruments"]

_MAX_FIELDS = 5000
"""Coordinates of a schema that run SQL; as many as a large schema has fields."""


class Instruments:
    """Every instrument of the room, on one meter. A meter keeps them for good: they outlive `uninstrument()` and serve again."""

    def __init__(self, meter: Meter) -> None:
        def histogram(metric: semconv.Metric) -> Histogram:
            return meter.create_histogram(
                metric.name, metric.unit, metric.description, explicit_bucket_boundaries_advisory=list(metric.buckets)
            )

        self.durations = Durations(histogram(semconv.DB_OPERATION_DURATION))
        self.operation_queries = histogram(semconv.OPERATION_DB_QUERIES)
        self.operation_duration = histogram(semconv.OPERATION_DB_DURATION)
        self.slow = meter.create_counter(*semconv.DB_SLOW_QUERIES[:3])
        self.n_plus_one = meter.create_counter(*semconv.N_PLUS_ONE[:3])
        self.by_field = Tally(_MAX_FIELDS)

        def observe_fields(_options: CallbackOptions) -> Iterable[Observation]:
            self.durations.settle()  # here because callbacks are asked before anything is collected
            return [Observation(count, {semconv.FIELD_SCHEMA_COORDINATE: field}) for (field,), count in self.by_field.read().items()]

        fields = semconv.FIELD_DB_QUERIES
        meter.create_observable_counter(fields.name, [observe_fields], fields.unit, fields.description)
