"""Why a request made no span: the variables and settings that switch things off, and what else may stand in the way."""

from __future__ import annotations

import os
import sys
from typing import Any, NamedTuple

from opentelemetry.instrumentation.environment_variables import OTEL_PYTHON_DISABLED_INSTRUMENTATIONS

from otel_graphql_auto import settings
from otel_graphql_auto.doctor import launch
from otel_graphql_auto.doctor.pipelines import provider_of
from otel_graphql_auto.doctor.spans import Parent
from otel_graphql_auto.finding import ERROR, WARNING

__all__ = ["Obstacle", "both", "of_failure", "of_http_span", "of_operation", "of_sampling"]

_MIDDLEWARE = "opentelemetry.instrumentation.django.middleware.otel_middleware"


class Obstacle(NamedTuple):
    """What stands in the way. A switch that somebody has thrown is a warning, anything else an error."""

    level: str
    reason: str
    """Goes on from "no span"."""

    advice: str


def of_http_span(path: str) -> Obstacle:
    """Why there is no span of the HTTP request."""
    if os.environ.get("OTEL_PYTHON_DJANGO_INSTRUMENT") == "False":
        return Obstacle(WARNING, ": OTEL_PYTHON_DJANGO_INSTRUMENT is False", "Take it out.")
    disabled = [name.strip() for name in os.environ.get(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS, "").split(",")]
    if "django" in disabled:
        return Obstacle(WARNING, f": {OTEL_PYTHON_DISABLED_INSTRUMENTATIONS} names django", "Take it out.")
    middleware = getattr(sys.modules.get(_MIDDLEWARE), "_DjangoMiddleware", None)
    excluded = getattr(middleware, "_excluded_urls", None)
    if excluded is not None and excluded.url_disabled(f"https://localhost{path}"):
        variable = next(
            (name for name in ("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS") if os.environ.get(name)), "a setting"
        )
        return Obstacle(WARNING, f": {variable} excludes this address", "Make its pattern narrower; it matches anywhere in the URL.")
    if middleware is None or not _is_installed(middleware):
        advice = "Start with opentelemetry-instrument, or call DjangoInstrumentor().instrument() before Django loads its middleware."
        return Obstacle(ERROR, ": Django is not instrumented", advice)
    return Obstacle(ERROR, "", "Does a middleware before opentelemetry's answer by itself? Set OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION=0.")


def _is_installed(middleware: Any) -> bool:
    from django.conf import settings as django_settings

    return f"{middleware.__module__}.{middleware.__name__}" in django_settings.MIDDLEWARE


def both(one: Obstacle, other: Obstacle) -> Obstacle:
    """Two that stand in the way at the same time; an error is the worse of two levels."""
    reasons = [obstacle.reason.removeprefix(": ") for obstacle in (one, other) if obstacle.reason]
    level = ERROR if ERROR in (one.level, other.level) else WARNING
    return Obstacle(level, f": {', and '.join(reasons)}" if reasons else "", f"{one.advice} {other.advice}")


def of_failure() -> str:
    """Advice where the application raised."""
    if "none" in [name.strip().lower() for name in os.environ.get("OTEL_PROPAGATORS", "").split(",")]:
        return "Take OTEL_PROPAGATORS=none out: the Django instrumentation of OpenTelemetry raises in every request with it."
    return "Does it fail with OTEL_SDK_DISABLED=true too? Then it is nothing of telemetry."


def of_sampling() -> Obstacle | None:
    """Whether the sampler drops even a request whose caller has sampled it."""
    tracer = provider_of("traces").get_tracer("otel_graphql_auto.doctor")
    probe = tracer.start_span("otel_graphql_auto doctor", context=Parent().context)  # never ended, so never exported
    if probe.is_recording():
        return None
    return Obstacle(
        WARNING, ": it was not sampled", "See the row sampler; begin its name with parentbased_ to have sampled callers heeded."
    )


def of_operation() -> Obstacle:
    """Why there is no span of an operation where the view has answered."""
    values = settings.get()
    if not launch.is_attached():
        return Obstacle(WARNING, ": the instrumentor is not attached", "See the row instrumentor.")
    if not values.PERFORMANCE_MONITORING:
        return Obstacle(WARNING, ": PERFORMANCE_MONITORING is False", "Make it True to have operations seen.")
    if "execution" in values.DISABLED:
        return Obstacle(WARNING, ": DISABLED names execution", "Take it out to have operations seen.")
    return Obstacle(ERROR, "", "See the rows view and functions; does this address answer GraphQL with graphql-core?")
