"""OpenTelemetry for Django GraphQL: `pip install otel-graphql-auto` and `opentelemetry-instrument python manage.py runserver`.

Under `opentelemetry-instrument` nothing has to be imported from here. Elsewhere `instrument()` attaches the package to the providers
given, or to the global ones, whoever set them up.

PYTEST_DONT_REWRITE: it brings a plugin of pytest, and pytest would warn where the package is imported before pytest can rewrite its asserts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from otel_graphql_auto.operation import Operation

__all__ = ["current_operation", "instrument", "logging_config", "uninstrument"]


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
) -> None:
    """Attach the package. A second call does nothing. With `OTEL_SDK_DISABLED=true` nothing is attached.

    Call it early: graphene-django's views and `Schema.execute` are reached at any time, but a module that has already done
    `from graphql import execute` keeps what it imported.
    """
    from otel_graphql_auto.instrumentor import GraphQLInstrumentor

    instrumentor = GraphQLInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument(
            skip_dep_check=True, tracer_provider=tracer_provider, meter_provider=meter_provider, logger_provider=logger_provider
        )


def uninstrument() -> None:
    """Detach it: every function and resolver is again the very object that it was before."""
    from otel_graphql_auto.instrumentor import GraphQLInstrumentor

    instrumentor = GraphQLInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def current_operation() -> Operation | None:
    """The operation that the calling code runs for, in a resolver, a coroutine or a thread that Django started; None outside of one.

    Use its `name`, `type`, `document_hash`, `duration` (seconds so far) and `set_attribute(key, value)`.
    """
    from otel_graphql_auto.operation import ENDED, current

    operation = current.get()
    return None if operation is None or operation.state == ENDED else operation


def logging_config(level: str = "INFO", *, stream: str = "ext://sys.stdout") -> dict[str, Any]:
    """A value for Django's LOGGING: JSON lines from `level` up to `stream`, each with the ids of its trace and span.

    A new dict at each call, in the form of `logging.config.dictConfig`: change it at will.
    """
    from otel_graphql_auto.logs import logging_config

    return logging_config(level, stream=stream)
