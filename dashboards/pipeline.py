"""The page about telemetry itself: what the applications report, what the collector does with it, and what the stores take."""

from __future__ import annotations

from typing import Final

from dashboards import choices
from dashboards.collector import FILLED, LOSSES, collector, lost
from dashboards.pages import Page, Row
from dashboards.panels import figure, graph
from dashboards.scopes import ERROR_TYPE, NEW_VERSIONS, SERVICE_VARIABLES, at_present, of_services
from dashboards.tables import Column, Name, numbers
from dashboards.targets import INTERVAL, RANGE, over_time, shown, whole
from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import ENVIRONMENT, SERVICE, Scope, increase, label, rate, total

_ROOM: Final = label(semconv.ROOM)
_NO_TEMPO: Final = "Prometheus does not scrape Tempo (collector/prometheus/prometheus.yml)"
_NO_SELF: Final = "Prometheus does not scrape itself (collector/prometheus/prometheus.yml)"


def _figures() -> Row:
    everywhere = Scope(window=RANGE)
    losses = " + ".join(f"({lost(everywhere, counter)} or vector(0))" for counter in LOSSES)
    return Row(
        "In this time range",
        [
            figure(
                "Processes",
                "Processes of the chosen services that report now.",
                f"count({at_present(queries.gauge(semconv.OPERATION_NAMES))})",
                unit="short",
                limits=(1,),
                rising=False,
                missing="0",
                width=4,
            ),
            figure(
                "Our own errors",
                "Errors of this instrumentation, which it kept from the application. Each is logged once.",
                f"{increase(of_services(window=RANGE), total(semconv.INTERNAL_ERRORS))} or vector(0)",
                unit="short",
                counted=True,
                limits=(1,),
                missing="0",
                width=4,
            ),
            figure(
                "Spans",
                "That collectors have taken.",
                increase(everywhere, "otelcol_receiver_accepted_spans_total"),
                unit="short",
                missing="no collector",
                width=4,
            ),
            figure(
                "Lost",
                "Spans, points and logs that a store has refused for good, or that a queue had no room for.",
                losses,
                unit="short",
                counted=True,
                limits=(1,),
                missing="no collector",
                width=4,
            ),
            figure(
                "Queue",
                f"Of its capacity, the fullest one. Red above {choices.QUEUE_RATIO:.0%}.",
                f"max({FILLED})",
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
                    f"count by ({SERVICE}, {ENVIRONMENT}) ({at_present(queries.gauge(semconv.OPERATION_NAMES))})",
                    shown(SERVICE, ENVIRONMENT),
                ),
                unit="short",
                missing="No process reports: see `manage.py graphql_auto doctor`",
                width=8,
            ),
            graph(
                "Our own errors by room",
                "In fifteen minutes. DISABLED switches a room off.",
                over_time(
                    whole(increase(of_services(SERVICE, _ROOM, window="15m"), total(semconv.INTERNAL_ERRORS))), shown(SERVICE, _ROOM)
                ),
                unit="short",
                missing="None, as it should be",
                width=8,
            ),
            numbers(
                "Our own errors by type",
                "The application's log has the first of each kind with its traceback.",
                {SERVICE: Name("Service"), _ROOM: Name("Room", width=110), ERROR_TYPE: Name("Error")},
                [Column("Errors", increase(errors, total(semconv.INTERNAL_ERRORS)), "short", counted=True, limits=(1,), width=80)],
                sort_by="Errors",
                missing="None, as it should be",
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
                "Evaluations a second. An alert that cannot be evaluated does not fire.",
                over_time(each("prometheus_rule_evaluation_failures_total"), "failed"),
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
    rows=lambda: [_figures(), _applications(), collector(), _stores()],
    variables=SERVICE_VARIABLES,
    marks=(NEW_VERSIONS,),
    has_traces=False,
)
