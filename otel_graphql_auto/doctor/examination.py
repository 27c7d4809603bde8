"""All looks of the doctor in their order, each with a limit of its own and all of them within one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from otel_graphql_auto import settings
from otel_graphql_auto.doctor import configuration, delivery, endpoint, environment, pipelines, project, request, signals
from otel_graphql_auto.doctor.bounded import look
from otel_graphql_auto.doctor.options import Options
from otel_graphql_auto.finding import ERROR, OK, WARNING, Finding
from otel_graphql_auto.instrumentor import GraphQLInstrumentor

__all__ = ["examine"]

_ALL_SECONDS = 18.0
_LOOK_SECONDS = 3.0
_REQUESTS_SECONDS = 8.0
_ENDPOINTS_SECONDS = 8.0

_Look = Callable[[], Iterable[Finding]]


class _Clock:
    def __init__(self) -> None:
        self._end = time.monotonic() + _ALL_SECONDS

    def look(self, subject: str, function: _Look, seconds: float = _LOOK_SECONDS, failure: str = WARNING) -> list[Finding]:
        return look(subject, function, min(seconds, self._end - time.monotonic()), failure)


def examine(options: Options) -> Sequence[Sequence[Finding]]:
    """The findings in groups: environment, signals, hooks, requests, endpoints, settings."""
    clock = _Clock()
    surroundings = clock.look("versions", environment.versions) + clock.look("Django", environment.django_project)
    if settings.sdk_is_disabled():
        advice = "Take it out to have telemetry; the application answers the same with it."
        disabled = Finding(WARNING, "OpenTelemetry", "OTEL_SDK_DISABLED is true: nothing is emitted", advice)
        return [[*surroundings, disabled], clock.look("settings", configuration.given_settings)]
    surroundings += clock.look("distro", environment.parts) + clock.look("instrumentor", environment.instrumentor)
    sent = clock.look("signals", signals.signals)
    for subject, function in (("sampler", signals.sampler), ("service", signals.service), ("variables", signals.late_variables)):
        sent += clock.look(subject, function)
    broken = clock.look("Django", project.urlconf)
    surroundings += broken
    requests, hooks = ([], []) if broken else _requests_and_hooks(clock, options)
    endpoints = clock.look("endpoint", lambda: endpoint.endpoints(pipelines.otlp()), _ENDPOINTS_SECONDS)
    answered = not any(finding.level == ERROR for finding in endpoints)
    if endpoints and answered and any(finding.level == OK for finding in requests):
        endpoints += clock.look("export", delivery.delivery, 4.0)
    endpoints += clock.look("console", lambda: delivery.end_console(flush=answered))
    return [surroundings, sent, hooks, requests, endpoints, clock.look("settings", configuration.given_settings)]


def _requests_and_hooks(clock: _Clock, options: Options) -> tuple[list[Finding], list[Finding]]:
    """The request comes first: the Django instrumentation attaches when a handler loads."""
    # Without it nothing is proven, so that its failure is no mere warning.
    requests = clock.look(
        "request", lambda: request.requests(options.paths, options.headers, _REQUESTS_SECONDS - 1), _REQUESTS_SECONDS, failure=ERROR
    )
    hooks = [finding for part in GraphQLInstrumentor().parts() for finding in clock.look(part.name, getattr(part, "diagnose", tuple))]
    return requests, hooks
