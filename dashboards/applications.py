"""HTTP and processes of the applications, as the instrumentations beside ours see them: folded rows of the overview."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import timeseries

from dashboards.pages import Row
from dashboards.panels import graph
from dashboards.scopes import at_present, of_services
from dashboards.targets import over_time, shown
from otel_graphql_auto.queries import INSTANCE, SERVICE, count, mean, quantile, rate
from otel_graphql_auto.semconv import HTTP_BUCKETS, Metric

_DURATION: Final = Metric("http.server.request.duration", "s", "Duration of HTTP server requests.", HTTP_BUCKETS)
_NO_HTTP: Final = "No HTTP request: is opentelemetry-instrumentation-django switched off?"
_NO_PROCESS: Final = "No process reports: is system_metrics in OTEL_PYTHON_DISABLED_INSTRUMENTATIONS?"
_PROCESS: Final = "process"


def requests() -> Row:
    """All requests of the applications, GraphQL or not."""
    return Row(
        "HTTP",
        [
            graph(
                "Requests by status",
                "HTTP requests a second, GraphQL or not. A GraphQL operation that fails is mostly a 200.",
                over_time(rate(of_services("http_response_status_code"), count(_DURATION)), shown("http_response_status_code")),
                unit="reqps",
                missing=_NO_HTTP,
                stacked=True,
                width=8,
            ),
            graph(
                "Duration by route",
                "Mean and p95 of HTTP requests.",
                over_time(mean(of_services("http_route"), _DURATION), f"{shown('http_route')} average"),
                over_time(quantile(of_services("http_route"), 0.95, _DURATION), f"{shown('http_route')} p95", exemplars=True),
                unit="s",
                missing=_NO_HTTP,
                width=8,
            ),
            graph(
                "Requests under way",
                "Requests that have begun and not ended.",
                over_time(of_services(SERVICE).sum(at_present("http_server_active_requests")), shown(SERVICE)),
                unit="short",
                missing=_NO_HTTP,
                width=8,
            ),
        ],
        folded=True,
    )


def _each(expression: str) -> str:
    """With the end of the instance's id, which is enough to tell processes apart."""
    return f'label_replace({expression}, "{_PROCESS}", "$1", "{INSTANCE}", ".*?(.{{1,8}})")'


def _of_each(title: str, description: str, expression: str, *, unit: str, width: int) -> timeseries.Panel:
    return graph(title, description, over_time(_each(expression), shown(SERVICE, _PROCESS)), unit=unit, missing=_NO_PROCESS, width=width)


def processes() -> Row:
    """What each process of the applications takes."""
    scope = of_services()
    cpu = rate(of_services(SERVICE, INSTANCE), "process_cpu_time_seconds_total")
    return Row(
        "Processes",
        [
            _of_each("Memory", "Resident memory of each process.", scope.series("process_memory_usage_bytes"), unit="bytes", width=8),
            _of_each(
                "Virtual memory",
                "Address space of each process, used or not.",
                scope.series("process_memory_virtual_bytes"),
                unit="bytes",
                width=8,
            ),
            _of_each("CPU", "CPU time a second of each process: 1 is one core.", cpu, unit="short", width=8),
            _of_each(
                "CPU utilization",
                "Of each process, as it says itself: its share of all cores.",
                scope.series("process_cpu_utilization_ratio"),
                unit="percentunit",
                width=6,
            ),
            _of_each("Threads", "Of each process.", scope.series("process_thread_count"), unit="short", width=6),
            _of_each(
                "Open files",
                "File descriptors of each process, sockets included.",
                scope.series("process_open_file_descriptor_count"),
                unit="short",
                width=6,
            ),
            graph(
                "Context switches",
                "A second, of all processes of a service. Involuntary ones: there is too little CPU.",
                over_time(rate(of_services(SERVICE, "type"), "process_context_switches_total"), shown(SERVICE, "type")),
                unit="ops",
                missing=_NO_PROCESS,
                width=6,
            ),
        ],
        folded=True,
    )
