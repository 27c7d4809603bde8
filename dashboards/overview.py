"""The page to begin with: whether the promise is kept, how much, how fast, what fails, and which operation to look at."""

from __future__ import annotations

from typing import Final

from dashboards import applications, choices, database_rows
from dashboards.alerts import BUDGET, PRODUCT
from dashboards.execution_rows import speed
from dashboards.links import to_page
from dashboards.pages import TAG, Page, Row
from dashboards.panels import figure, firing, graph
from dashboards.scopes import NEW_VERSIONS, OPERATION, OPERATION_TYPE, SERVICE_VARIABLES, at_present, most, of_services
from dashboards.tables import Column, Link, Name, numbers
from dashboards.targets import RANGE, distribution, named, over_time, shown
from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import ENVIRONMENT, SERVICE, count, label, rate

NO_OPERATIONS: Final = "No operations: is the application under opentelemetry-instrument? `manage.py graphql_auto doctor` tells"
_FAULT: Final = label(semconv.FAULT)


def _figures() -> Row:
    time_range = of_services(window=RANGE)
    return Row(
        "$service in this time range",
        [
            figure("Operations", "How many ran.", queries.operations(time_range), unit="short", counted=True, missing="none"),
            figure(
                "Server errors",
                f"Share of operations that failed by the server's fault. What clients do wrong is not in it. Red above {choices.ERROR_RATIO:.0%}.",
                queries.server_error_ratio(time_range),
                unit="percentunit",
                limits=(1 - choices.OBJECTIVE, choices.ERROR_RATIO),
                missing="none",
            ),
            figure(
                "Budget left",
                f"Of the errors that {choices.OBJECTIVE:.1%} allows for as many operations as ran in this time range. Negative: the promise is broken.",
                f"1 - ({queries.server_error_ratio(time_range)}) / {BUDGET}",
                unit="percentunit",
                decimals=0,
                limits=(0, 0.5),
                rising=False,
                missing="none",
            ),
            *speed(time_range),
            *database_rows.figures(),
            figure(
                "Under way",
                "Operations that have begun and not ended, now.",
                f"sum({at_present(queries.gauge(semconv.REQUEST_ACTIVE))})",
                unit="short",
                missing="none",
            ),
            figure(
                "Services",
                "Services that report now.",
                f"count(count by ({SERVICE}) ({at_present(queries.gauge(semconv.OPERATION_NAMES))}))",
                unit="short",
                limits=(1,),
                rising=False,
                missing="0",
            ),
        ],
    )


def _signals() -> Row:
    scope = of_services()
    return Row(
        "Rate, errors, duration",
        [
            graph(
                "Operations by type",
                "A second.",
                over_time(
                    named(rate(of_services(OPERATION_TYPE), count(semconv.REQUEST_DURATION)), OPERATION_TYPE, "not parsed"),
                    shown(OPERATION_TYPE),
                ),
                unit="ops",
                missing=NO_OPERATIONS,
                stacked=True,
                width=8,
            ),
            graph(
                "Errors by fault",
                "Share of operations that failed: by the server's fault (somebody is told about these above the dashed line), or by the client's.",
                over_time(queries.server_error_ratio(scope), semconv.FAULT_SERVER),
                over_time(
                    queries.ratio(
                        rate(scope, count(semconv.REQUEST_DURATION), f'{_FAULT}="{semconv.FAULT_CLIENT}"'), queries.requests(scope)
                    ),
                    semconv.FAULT_CLIENT,
                ),
                unit="percentunit",
                missing=NO_OPERATIONS,
                limit=choices.ERROR_RATIO,
                colours={semconv.FAULT_SERVER: "red", semconv.FAULT_CLIENT: "blue"},
                width=8,
            ),
            graph(
                "Duration",
                "Without subscriptions. Points lead to traces.",
                *distribution(scope, semconv.REQUEST_DURATION, queries.ANSWERED),
                unit="s",
                missing=NO_OPERATIONS,
                limit=choices.LATENCY_SECONDS,
                width=8,
            ),
        ],
    )


def _operations() -> Row:
    time_range = of_services(OPERATION_TYPE, OPERATION, window=RANGE)
    return Row(
        "Operations",
        [
            numbers(
                "By operation",
                "Those that took the most time first. Errors: by the server's fault. A name leads to its page. `_OTHER`: names that are no labels (yet).",
                {
                    OPERATION: Name(
                        "Operation",
                        Link("Open this operation", to_page("graphql-operation", operation="Operation")),
                        absent="(without a name)",
                    ),
                    OPERATION_TYPE: Name("Type", width=100, absent="not parsed"),
                },
                [
                    Column("Total", queries.duration_seconds(time_range), "s", width=75),
                    Column("Runs", queries.operations(time_range), "short", counted=True, width=75),
                    Column(
                        "Errors",
                        queries.server_error_ratio(time_range),
                        "percentunit",
                        decimals=1,
                        limits=(choices.ERROR_RATIO,),
                        width=80,
                    ),
                    Column("Slow", queries.slow_operations(time_range), "short", counted=True, limits=(1,), width=60),
                    Column("Average", queries.duration_mean(time_range), "s", width=85),
                    Column("Median", queries.duration_quantile(time_range, 0.5), "s", width=85),
                    Column("p95", queries.duration_quantile(time_range, 0.95), "s", limits=(choices.LATENCY_SECONDS,), width=85),
                    Column("p99", queries.duration_quantile(time_range, 0.99), "s", width=85),
                    Column(
                        "SQL avg",
                        queries.statements_mean(time_range),
                        "short",
                        decimals=1,
                        limits=(choices.STATEMENTS_PER_OPERATION,),
                        width=80,
                    ),
                    Column("SQL total", queries.statements(time_range), "short", counted=True, width=85),
                    Column("DB avg", queries.database_mean(time_range), "s", width=85),
                    Column("DB total", queries.database_seconds(time_range), "s", width=85),
                ],
                sort_by="Total",
                missing=NO_OPERATIONS,
                height=10,
            )
        ],
    )


def _promise() -> Row:
    def burn(window: str) -> str:
        return f"({queries.server_error_ratio(of_services(SERVICE, ENVIRONMENT, window=window))}) / {BUDGET}"

    return Row(
        f"The promise: {choices.OBJECTIVE:.1%} of operations do not fail by the server's fault",
        [
            graph(
                "Burn rate",
                f"How many times faster than allowed the error budget is spent. At {choices.FAST_BURN:g} over an hour, or {choices.SLOW_BURN:g} over six,"
                " somebody is woken up.",
                over_time(burn("1h"), f"{shown(SERVICE, ENVIRONMENT)} 1 h"),
                over_time(burn("6h"), f"{shown(SERVICE, ENVIRONMENT)} 6 h"),
                unit="short",
                missing=NO_OPERATIONS,
                limit=choices.FAST_BURN,
                width=8,
            ),
            graph(
                "Server errors by operation",
                "Operations a second that failed by the server's fault: the ten with the most of them.",
                over_time(
                    most(
                        queries.server_errors(of_services(OPERATION)),
                        queries.server_errors(of_services(OPERATION, window=RANGE, at_end=True)),
                        OPERATION,
                    ),
                    shown(OPERATION),
                ),
                unit="ops",
                missing="Nothing failed by the server's fault",
                width=8,
            ),
            firing(
                "Alerts",
                "What fires now, or is about to: rules that Grafana evaluates, and those of Prometheus.",
                f'{{{PRODUCT}="{TAG}"}}',
                width=8,
            ),
        ],
    )


_ROOMS: Final = (database_rows.on_overview,)
"""What each room of the package has to say here. (That of `execution` is all of the above.)"""

PAGE: Final = Page(
    uid="graphql-overview",
    title="GraphQL: Overview",
    description="Where to begin: the promise, rate, errors, duration, and the operations with their numbers.",
    rows=lambda: [
        _figures(),
        _signals(),
        _operations(),
        _promise(),
        *(row() for row in _ROOMS),
        applications.requests(),
        applications.processes(),
    ],
    variables=SERVICE_VARIABLES,
    marks=(NEW_VERSIONS,),
)
