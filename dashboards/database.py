"""The page about the SQL of operations, and what the other pages show of it."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import stat

from dashboards import choices
from dashboards.links import to_page
from dashboards.pages import Page, Row
from dashboards.panels import figure, graph, spread
from dashboards.scopes import COORDINATE, ERROR_TYPE, SERVICE_VARIABLES, of_services
from dashboards.scopes import OPERATION as OPERATION_NAME
from dashboards.scopes import SERVICE_TRACES as CHOSEN_SERVICES
from dashboards.tables import Column, Link, Name, found_traces, numbers
from dashboards.targets import RANGE, over_time, shown
from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import bucket, count, increase, label, mean, quantile, rate, sum_of, total

NO_SQL: Final = "No SQL in this time range"
NO_TRACES: Final = "No such trace in this time range. Traces are in Tempo: choose it above"
_TABLE: Final = label(semconv.DB_COLLECTION_NAME)
_VERB: Final = label(semconv.DB_OPERATION_NAME)
_SYSTEM: Final = label(semconv.DB_SYSTEM_NAME)
_NAMESPACE: Final = label(semconv.DB_NAMESPACE)


def figures(*, width: int = 3) -> list[stat.Panel]:
    """For the overview too: what operations ask of the database."""
    time_range = of_services(window=RANGE)
    return [
        figure(
            "SQL, average",
            f"Statements of one operation, as a mean. Red above {choices.STATEMENTS_PER_OPERATION}.",
            queries.statements_mean(time_range),
            unit="short",
            decimals=1,
            limits=(choices.STATEMENTS_PER_OPERATION,),
            missing="none",
            width=width,
        ),
        figure(
            "SQL, total",
            "Statements of all operations.",
            queries.statements(time_range),
            unit="short",
            counted=True,
            missing="none",
            width=width,
        ),
        figure(
            "DB average",
            "Time of one operation in the database, as a mean.",
            queries.database_mean(time_range),
            unit="s",
            missing="none",
            width=width,
        ),
        figure(
            "DB total",
            "Time of all operations in the database.",
            queries.database_seconds(time_range),
            unit="s",
            missing="none",
            width=width,
        ),
        figure(
            "N+1",
            "Times that a field repeated a statement within one operation. The Database page says which.",
            increase(time_range, total(semconv.N_PLUS_ONE)),
            unit="short",
            counted=True,
            limits=(1,),
            missing="none",
            width=width,
        ),
        figure(
            "Slow SQL",
            "Statements over SLOW_SQL_THRESHOLD.",
            increase(time_range, total(semconv.DB_SLOW_QUERIES)),
            unit="short",
            counted=True,
            limits=(1,),
            missing="none",
            width=width,
        ),
    ]


def _figures() -> Row:
    return Row("$service in this time range", figures(width=4))


def _statements() -> Row:
    scope = of_services()
    tables = of_services(_TABLE, window=RANGE)
    return Row(
        "Statements",
        [
            graph(
                "Statements",
                "SQL statements of operations a second, by their first word.",
                over_time(rate(of_services(_VERB, _SYSTEM), count(semconv.DB_OPERATION_DURATION)), shown(_VERB, _SYSTEM)),
                unit="ops",
                missing=NO_SQL,
                stacked=True,
                width=8,
            ),
            spread(
                "Duration of a statement",
                "How many statements took how long. Points lead to traces.",
                increase(of_services("le"), bucket(semconv.DB_OPERATION_DURATION)),
                unit="s",
                missing=NO_SQL,
                width=8,
            ),
            graph(
                "Statement: average and percentiles",
                "Points lead to traces. (Fast statements are counted together, so that only slow and failed ones have a point.)",
                over_time(mean(scope, semconv.DB_OPERATION_DURATION), "average"),
                over_time(quantile(scope, 0.5, semconv.DB_OPERATION_DURATION), "median"),
                over_time(quantile(scope, 0.95, semconv.DB_OPERATION_DURATION), "p95", exemplars=True),
                over_time(quantile(scope, 0.99, semconv.DB_OPERATION_DURATION), "p99"),
                unit="s",
                missing=NO_SQL,
                width=8,
            ),
            numbers(
                "Tables",
                "By the first table of a statement.",
                {_TABLE: Name("Table", absent="(none)")},
                [
                    Column("Total", increase(tables, sum_of(semconv.DB_OPERATION_DURATION)), "s", width=100),
                    Column("Statements", increase(tables, count(semconv.DB_OPERATION_DURATION)), "short", counted=True, width=110),
                    Column("Average", mean(tables, semconv.DB_OPERATION_DURATION), "s", width=100),
                    Column("p95", quantile(tables, 0.95, semconv.DB_OPERATION_DURATION), "s", width=100),
                    Column("Slow", increase(tables, total(semconv.DB_SLOW_QUERIES)), "short", counted=True, limits=(1,), width=80),
                    Column(
                        "Errors",
                        increase(tables, count(semconv.DB_OPERATION_DURATION), f'{ERROR_TYPE}!=""'),
                        "short",
                        decimals=0,
                        limits=(1,),
                        width=80,
                    ),
                ],
                sort_by="Total",
                missing=NO_SQL,
                width=12,
            ),
            graph(
                "Slow SQL statements",
                "Statements over SLOW_SQL_THRESHOLD in ten minutes, by their first table.",
                over_time(increase(of_services(_SYSTEM, _TABLE, window="10m"), total(semconv.DB_SLOW_QUERIES)), shown(_TABLE)),
                unit="short",
                missing="No slow SQL",
                limit=choices.SLOW_STATEMENTS,
                width=6,
            ),
            graph(
                "Errors of the database",
                "Failed statements a second, by exception and database.",
                over_time(
                    rate(of_services(ERROR_TYPE, _NAMESPACE), count(semconv.DB_OPERATION_DURATION), f'{ERROR_TYPE}!=""'),
                    shown(ERROR_TYPE, _NAMESPACE),
                ),
                unit="ops",
                missing="No statement failed",
                width=6,
            ),
        ],
    )


def _who() -> Row:
    operations = of_services(OPERATION_NAME, window=RANGE)
    fields = of_services(COORDINATE, window=RANGE)
    return Row(
        "Who asks",
        [
            numbers(
                "Operations",
                "By their time in the database.",
                {
                    OPERATION_NAME: Name(
                        "Operation",
                        Link("Open this operation", to_page("graphql-operation", operation="Operation")),
                        absent="(without a name)",
                    )
                },
                [
                    Column("Total", queries.database_seconds(operations), "s", width=100),
                    Column("Average", queries.database_mean(operations), "s", width=100),
                    Column("Statements", queries.statements(operations), "short", counted=True, width=110),
                    Column(
                        "Of one run",
                        queries.statements_mean(operations),
                        "short",
                        decimals=1,
                        limits=(choices.STATEMENTS_PER_OPERATION,),
                        width=110,
                    ),
                    Column("p95 of one run", quantile(operations, 0.95, semconv.OPERATION_DB_QUERIES), "short", counted=True, width=130),
                ],
                sort_by="Total",
                missing=NO_SQL,
                width=14,
            ),
            numbers(
                "Fields",
                "Statements by the field that caused them, and how often one repeated a statement within one operation.",
                {COORDINATE: Name("Field")},
                [
                    Column("Statements", increase(fields, total(semconv.FIELD_DB_QUERIES)), "short", counted=True, width=110),
                    Column("N+1", increase(fields, total(semconv.N_PLUS_ONE)), "short", counted=True, limits=(1,), width=80),
                ],
                sort_by="Statements",
                missing=NO_SQL,
                width=10,
            ),
            graph(
                "N+1 queries",
                "Detections in thirty minutes, by field. Each is a field that repeated a statement within one operation.",
                over_time(increase(of_services(COORDINATE, window="30m"), total(semconv.N_PLUS_ONE)), shown(COORDINATE)),
                unit="short",
                missing="No N+1 queries",
                many=True,
            ),
            graph(
                "Time in the database",
                "Of one operation that has any: average and percentiles.",
                over_time(mean(of_services(), semconv.OPERATION_DB_DURATION), "average"),
                over_time(quantile(of_services(), 0.95, semconv.OPERATION_DB_DURATION), "p95", exemplars=True),
                over_time(quantile(of_services(), 0.99, semconv.OPERATION_DB_DURATION), "p99"),
                unit="s",
                missing=NO_SQL,
            ),
            found_traces(
                "Slow SQL, traces",
                "Traces with a statement over SLOW_SQL_THRESHOLD.",
                f"{{ {CHOSEN_SERVICES} && span.{semconv.DB_SLOW} = true }}",
                missing=NO_TRACES,
            ),
            found_traces(
                "N+1 queries, traces",
                "Their spans have an event for each field, with the line of code and the remedy.",
                f"{{ {CHOSEN_SERVICES} && span.{semconv.N_PLUS_ONE_COUNT} > 0 }}",
                missing=NO_TRACES,
            ),
        ],
    )


PAGE: Final = Page(
    uid="graphql-database",
    title="GraphQL: Database",
    description="SQL as the application sees it: how much, how slow, for which operation and which field.",
    rows=lambda: [_figures(), _statements(), _who()],
    variables=SERVICE_VARIABLES,
)
