"""The page about telemetry itself: what the applications report, what the collector does with it, and what the stores take."""

from __future__ import annotations

from typing import Final

from dashboards import choices
from dashboards.pages import Page, Row
from dashboards.panels import figure, graph
from dashboards.scopes import ERROR_TYPE, SERVICE_VARIABLES, of_services
from dashboards.tables import Column, Name, numbers
from dashboards.targets import INTERVAL, RANGE, over_time, shown
from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import ENVIRONMENT, SERVICE, Scope, increase, label, rate, total

_ROOM: Final = label(semconv.ROOM)
_NO_COLLECTOR: Final = "No collector reports. It sends its own metrics straight to Prometheus (PROMETHEUS_OTLP_URL)"
_NO_TEMPO: Final = "Prometheus does not scrape Tempo (collector/prometheus/prometheus.yml)"
_NO_SELF: Final = "Prometheus does not scrape itself (collector/prometheus/prometheus.yml)"
_COLLECTOR: Final = "service_instance_id"
_FAILED: Final = ("spans", "metric_points")


def _figures() -> Row:
    whole, collector = of_services(window=RANGE), Scope(window=RANGE)
    lost = " + ".join(
        f"(sum(increase(otelcol_exporter_{how}_failed_{what}_total[{RANGE}])) or vector(0))"
        for how in ("send", "enqueue")
        for what in _FAILED
    )
    return Row(
        "In this time range",
        [
            figure(
                "Processes",
                "Processes of the chosen services that report now.",
                f"count({of_services().series(queries.gauge(semconv.OPERATION_NAMES))})",
                unit="short",
                limits=(1,),
                rising=False,
                missing="0",
                width=4,
            ),
            figure(
                "Our own errors",
                "Errors of this instrumentation, which it kept from the application. Each is logged once.",
                f"{increase(whole, total(semconv.INTERNAL_ERRORS))} or vector(0)",
                unit="short",
                decimals=0,
                limits=(1,),
                missing="0",
                width=4,
            ),
            figure(
                "Spans",
                "That collectors have taken.",
                increase(collector, "otelcol_receiver_accepted_spans_total"),
                unit="short",
                missing="no collector",
                width=4,
            ),
            figure(
                "Lost",
                "Spans and points that a store has refused for good, or that a queue had no room for.",
                lost,
                unit="short",
                decimals=0,
                limits=(1,),
                missing="no collector",
                width=4,
            ),
            figure(
                "Queue",
                f"Of its capacity, the fullest one. Red above {choices.QUEUE_RATIO:.0%}.",
                "max(otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)",
                unit="percentunit",
                decimals=1,
                limits=(choices.QUEUE_RATIO,),
                missing="no collector",
                width=4,
            ),
            figure(
                "Series",
                "Series that Prometheus holds in memory.",
                "sum(prometheus_tsdb_head_series)",
                unit="short",
                missing="not scraped",
                width=4,
            ),
        ],
    )


def _applications() -> Row:
    errors = of_services(SERVICE, _ROOM, ERROR_TYPE, window=RANGE)
    return Row(
        "Applications",
        [
            graph(
                "Processes by service",
                "That report. What falls to nothing has ended, or cannot reach the collector.",
                over_time(
                    f"count by ({SERVICE}, {ENVIRONMENT}) ({of_services().series(queries.gauge(semconv.OPERATION_NAMES))})",
                    shown(SERVICE, ENVIRONMENT),
                ),
                unit="short",
                missing="No process reports: see `manage.py graphql_auto doctor`",
                width=8,
            ),
            graph(
                "Our own errors by room",
                "In fifteen minutes. DISABLED switches a room off.",
                over_time(increase(of_services(SERVICE, _ROOM, window="15m"), total(semconv.INTERNAL_ERRORS)), shown(SERVICE, _ROOM)),
                unit="short",
                missing="None, as it should be",
                width=8,
            ),
            numbers(
                "Our own errors by type",
                "The application's log has the first of each kind with its traceback.",
                {SERVICE: Name("Service"), _ROOM: Name("Room", width=110), ERROR_TYPE: Name("Error")},
                [Column("Errors", increase(errors, total(semconv.INTERNAL_ERRORS)), "short", decimals=0, limits=(1,), width=80)],
                sort_by="Errors",
                missing="None, as it should be",
                width=8,
            ),
        ],
    )


def _collector() -> Row:
    def each(name: str, *by: str) -> str:
        return rate(Scope(window=INTERVAL, by=by), name)

    return Row(
        "Collector",
        [
            graph(
                "Taken",
                "Spans and points a second, by receiver.",
                over_time(each("otelcol_receiver_accepted_spans_total", "receiver"), f"{shown('receiver')} spans"),
                over_time(each("otelcol_receiver_accepted_metric_points_total", "receiver"), f"{shown('receiver')} points"),
                unit="cps",
                missing=_NO_COLLECTOR,
                width=8,
            ),
            graph(
                "Refused or failed",
                "Refused: it was near its memory limit, and the sender tries again. Failed: it could not be read, or a server could not be asked.",
                over_time(each("otelcol_receiver_refused_spans_total", "receiver"), f"{shown('receiver')} refused spans"),
                over_time(each("otelcol_receiver_refused_metric_points_total", "receiver"), f"{shown('receiver')} refused points"),
                over_time(each("otelcol_receiver_failed_spans_total", "receiver"), f"{shown('receiver')} failed spans"),
                over_time(each("otelcol_receiver_failed_metric_points_total", "receiver"), f"{shown('receiver')} failed points"),
                over_time(each("otelcol_scraper_errored_metric_points_total", "receiver"), f"{shown('receiver')} could not be asked"),
                unit="cps",
                missing=_NO_COLLECTOR,
                width=8,
            ),
            graph(
                "Sent",
                "Spans and points that the stores have taken, a second.",
                over_time(each("otelcol_exporter_sent_spans_total", "exporter"), f"{shown('exporter')} spans"),
                over_time(each("otelcol_exporter_sent_metric_points_total", "exporter"), f"{shown('exporter')} points"),
                unit="cps",
                missing=_NO_COLLECTOR,
                width=8,
            ),
            graph(
                "Queue on disk",
                "Of its capacity. While a store is away it fills; when it is full, telemetry is lost.",
                over_time(
                    f"max by (exporter, data_type, {_COLLECTOR}) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)",
                    shown("exporter", "data_type"),
                ),
                unit="percentunit",
                missing=_NO_COLLECTOR,
                limit=choices.QUEUE_RATIO,
                maximum=1,
                width=8,
            ),
            graph(
                "Queue, bytes",
                "What waits, and what there is room for.",
                over_time("sum by (exporter, data_type) (otelcol_exporter_queue_size)", shown("exporter", "data_type")),
                over_time("sum by (exporter, data_type) (otelcol_exporter_queue_capacity)", f"{shown('exporter', 'data_type')} capacity"),
                over_time(
                    "sum by (exporter, data_type) (otelcol_exporter_in_flight_requests)",
                    f"{shown('exporter', 'data_type')} requests under way",
                ),
                unit="bytes",
                missing=_NO_COLLECTOR,
                width=8,
            ),
            graph(
                "Lost telemetry",
                "A second. Refused for good by a store, or no room in the queue.",
                *(
                    over_time(
                        each(f"otelcol_exporter_{how}_failed_{what}_total", "exporter"),
                        f"{shown('exporter')} {what.replace('_', ' ')} {why}",
                    )
                    for how, why in (("send", "refused"), ("enqueue", "without room"))
                    for what in _FAILED
                ),
                unit="cps",
                missing="Nothing was lost",
                width=8,
            ),
            graph(
                "Dropped on purpose",
                "Spans a second that filters left out: health checks.",
                over_time(each("otelcol_processor_filter_spans_filtered_total", "filter"), shown("filter")),
                unit="cps",
                missing="Nothing was filtered",
                width=6,
            ),
            graph(
                "Into and out of processors",
                "Items a second. A limiter, a filter and sampling let fewer out than came in.",
                over_time(
                    each("otelcol_processor_incoming_items_total", "processor", "otel_signal"), f"{shown('processor', 'otel_signal')} in"
                ),
                over_time(
                    each("otelcol_processor_outgoing_items_total", "processor", "otel_signal"), f"{shown('processor', 'otel_signal')} out"
                ),
                unit="cps",
                missing=_NO_COLLECTOR,
                many=True,
                width=10,
            ),
            graph(
                "Limiter",
                "Spans and points a second that the memory limiter let pass.",
                over_time(each("otelcol_processor_memory_limiter_accepted_spans_total"), "spans"),
                over_time(each("otelcol_processor_memory_limiter_accepted_metric_points_total"), "points"),
                unit="cps",
                missing=_NO_COLLECTOR,
                width=8,
            ),
            graph(
                "Memory",
                "Resident, and of Go's heap.",
                over_time(f"max by ({_COLLECTOR}) (otelcol_process_memory_rss_bytes)", "resident"),
                over_time(f"max by ({_COLLECTOR}) (otelcol_process_runtime_heap_alloc_bytes)", "heap"),
                over_time(f"max by ({_COLLECTOR}) (otelcol_process_runtime_total_sys_memory_bytes)", "from the system"),
                unit="bytes",
                missing=_NO_COLLECTOR,
                width=8,
            ),
            graph(
                "CPU",
                "CPU time a second: 1 is one core.",
                over_time(each("otelcol_process_cpu_seconds_total", _COLLECTOR), shown(_COLLECTOR)),
                unit="short",
                missing=_NO_COLLECTOR,
                width=8,
            ),
            graph(
                "Up since",
                "How long each collector has been running. A fall to 0 is a restart.",
                over_time(f"max by ({_COLLECTOR}) (otelcol_process_uptime_seconds_total)", shown(_COLLECTOR)),
                unit="s",
                missing=_NO_COLLECTOR,
                width=8,
            ),
        ],
    )


def _stores() -> Row:
    def each(name: str, *by: str) -> str:
        return rate(Scope(window=INTERVAL, by=by), name)

    return Row(
        "Prometheus and Tempo",
        [
            graph(
                "Scraped",
                "1: the last scrape succeeded.",
                over_time("up", shown("job", "instance")),
                unit="short",
                missing=_NO_SELF,
                maximum=1,
                width=6,
            ),
            graph(
                "Samples",
                "That Prometheus has taken, a second.",
                over_time(each("prometheus_tsdb_head_samples_appended_total"), "taken"),
                over_time(each("prometheus_tsdb_too_old_samples_total"), "refused: too old"),
                over_time(each("prometheus_tsdb_exemplar_exemplars_appended_total"), "exemplars"),
                unit="cps",
                missing=_NO_SELF,
                width=6,
            ),
            graph(
                "Series in memory",
                "Grows with labels and with restarts of applications.",
                over_time("prometheus_tsdb_head_series", "series"),
                unit="short",
                missing=_NO_SELF,
                width=6,
            ),
            graph(
                "Rules that failed",
                "Evaluations a second, by group. An alert that cannot be evaluated does not fire.",
                over_time(each("prometheus_rule_evaluation_failures_total", "rule_group"), shown("rule_group")),
                unit="ops",
                missing="Prometheus evaluates no rules (Grafana may)",
                width=6,
            ),
            graph(
                "Spans that Tempo takes",
                "A second.",
                over_time(each("tempo_distributor_spans_received_total"), "spans"),
                unit="cps",
                missing=_NO_TEMPO,
            ),
            graph(
                "Spans that Tempo refuses",
                "A second, by reason.",
                over_time(each("tempo_discarded_spans_total", "reason"), shown("reason")),
                unit="cps",
                missing="Nothing was refused, or Tempo is not scraped",
            ),
        ],
    )


PAGE: Final = Page(
    uid="graphql-pipeline",
    title="GraphQL: Telemetry pipeline",
    description="From the applications through the collector into the stores: what arrives, what waits, what is lost.",
    rows=lambda: [_figures(), _applications(), _collector(), _stores()],
    variables=SERVICE_VARIABLES,
    has_traces=False,
)
