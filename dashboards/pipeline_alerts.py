"""What is told about telemetry itself: our own errors, silence, and a collector that fills up or loses."""

from __future__ import annotations

from typing import Final

from dashboards import choices
from dashboards.alerts import BY_SERVICE, CRITICAL, OF_SERVICE, TRACES_OF_SERVICE, WARNING, Alert
from dashboards.collector import FILLED, LOSSES, lost
from dashboards.events import events
from otel_graphql_auto import semconv
from otel_graphql_auto.queries import INSTANCE, SERVICE, Scope, gauge, label, total

_ROOM: Final = label(semconv.ROOM)
_ERROR_TYPE: Final = label(semconv.ERROR_TYPE)
_REPORTS: Final = gauge(semconv.OPERATION_NAMES)


def _silent() -> str:
    """Services that were there for more than ten of the sixty minutes before, and are not now; and, where nobody reports at all, that.

    What ran for a moment (a command, a shell) has not fallen silent when it ends; a sample shows for five minutes. The second begins before the first
    has forgotten the last service.
    """
    by = ", ".join(BY_SERVICE)
    return (
        f"(count_over_time((count by ({by}) ({_REPORTS}))[1h:1m] offset 5m) > 10 unless count by ({by}) (count_over_time({_REPORTS}[5m])))"
        f" or absent_over_time({_REPORTS}[45m])"
    )


def _lost() -> str:
    """Spans, points and logs, by exporter and reason. Each counter by itself, because a sum is not defined where one of them has no series."""
    parts = []
    for counter, (what, reason) in LOSSES.items():
        named = f'label_replace({lost(Scope("", "10m", ("exporter", INSTANCE)), counter)}, "reason", "{reason}", "", "")'
        parts.append(f'label_replace({named}, "what", "{what}", "", "")')
    return " or ".join(parts)


ALERTS: Final = [
    Alert(
        name="GraphQLNoTelemetry",
        severity=CRITICAL,
        value=_silent(),
        above=0,
        lasting="5m",
        summary=f"{{{{ with $labels.{SERVICE} }}}}{{{{ . }}}} has stopped reporting{{{{ else }}}}No service reports{{{{ end }}}}",
        description=(
            "No process has sent metrics for more than five minutes. Either it is down, or telemetry does not get through; until then nothing else here can"
            " fire. After an hour this takes it for granted that a service is gone, unless all are."
        ),
        page="graphql-pipeline",
        panel="Processes by service",
        variables=OF_SERVICE,
        tells_of_silence=True,
    ),
    Alert(
        name="GraphQLInternalErrors",
        severity=WARNING,
        value=events(Scope("", "15m", (*BY_SERVICE, _ROOM, _ERROR_TYPE)), total(semconv.INTERNAL_ERRORS)),
        above=0,
        keep="15m",
        summary=f"This instrumentation fails in {{{{ $labels.{SERVICE} }}}} ({{{{ $labels.{_ROOM} }}}}: {{{{ $labels.{_ERROR_TYPE} }}}})",
        description=(
            f"Errors in 15 minutes in the room {{{{ $labels.{_ROOM} }}}}: {{{{ $value | humanize }}}}; allowed: 0. The application did not notice; its"
            " telemetry lacks something. The log has the first of each kind with its traceback."
        ),
        page="graphql-pipeline",
        panel="Our own errors by room",
        variables=OF_SERVICE,
        traces=f"{{ {TRACES_OF_SERVICE} }}",
    ),
    Alert(
        name="CollectorQueueFilling",
        severity=WARNING,
        value=f"max by (exporter, data_type, {INSTANCE}) ({FILLED})",
        above=choices.QUEUE_RATIO,
        lasting="5m",
        keep="5m",
        summary="The collector's queue of {{ $labels.data_type }} is {{ $value | humanizePercentage }} full",
        description=(
            f"{{{{ $labels.exporter }}}} takes less than arrives: {{{{ $value | humanizePercentage }}}} of the queue is used, {choices.QUEUE_RATIO:.0%} is"
            " allowed. When it is full, telemetry is lost."
        ),
        page="graphql-pipeline",
        panel="Queue on disk",
    ),
    Alert(
        name="CollectorLosesTelemetry",
        severity=CRITICAL,
        value=_lost(),
        above=0,
        keep="10m",
        summary="The collector has lost {{ $labels.what }}: {{ $labels.reason }}",
        description="Lost {{ $labels.what }} for {{ $labels.exporter }} in 10 minutes: {{ $value | humanize }}; allowed: 0. Why: {{ $labels.reason }}.",
        page="graphql-pipeline",
        panel="Lost telemetry",
    ),
]
