"""The tracer, logger and meter that rooms write to: those of the providers given to `instrument()`, else the global ones."""

from __future__ import annotations

from importlib.metadata import version

from opentelemetry._logs import LoggerProvider, get_logger
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import TracerProvider, get_tracer

from otel_graphql_auto import semconv

__all__ = ["Providers"]


class Providers:
    """What a room gets when it is attached."""

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
    ) -> None:
        release = version("otel-graphql-auto")
        self.tracer = get_tracer(semconv.SCOPE, release, tracer_provider, semconv.SCHEMA_URL)
        self.logger = get_logger(semconv.SCOPE, release, logger_provider, semconv.SCHEMA_URL)
        self.meter = get_meter(semconv.SCOPE, release, meter_provider, semconv.SCHEMA_URL)
