"""The page about the SQL of operations: how much, how slow, and who asks."""

from __future__ import annotations

from typing import Final

from dashboards import choices
from dashboards.database_rows import NO_SQL, figures
from dashboards.links import to_page
from dashboards.pages import Page, Row
from dashboards.panels import graph, spread
from dashboards.scopes import COORDINATE, ERROR_TYPE, NEW_VERSIONS, OPERATION, SERVICE_TRACES, SERVICE_VARIABLES, of_services
from dashboards.tables import Column, Link, Name, found_spans, numbers
from dashboards.targets import RANGE, distribution, over_time, shown, whole
from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import ENVIRONMENT, SERVICE, bucket, count, increase, label, mean, quantile, rate, sum_of, total

_TABLE: Final = label(semconv.DB_COLLECTION_NAME)
_VERB: Final = label(semconv.DB_OPERATION_NAME)
_SYSTEM: Final = label(semconv.DB_SYSTEM_NAME)
_NAMESPACE: Final = label(semconv.DB_NAMESPACE)


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
                *distribution(scope, semconv.DB_OPERATION_DURATION),
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
                over_time(
                    whole(increase(of_services(SERVICE, ENVIRONMENT, _TABLE, window="10m"), total(semconv.DB_SLOW_QUERIES))),
                    shown(SERVICE, ENVIRONMENT, _TABLE),
                ),
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
    operations = of_services(OPERATION, window=RANGE)
    fields = of_services(COORDINATE, window=RANGE)
    return Row(
        "Who asks",
        [
            numbers(
                "Operations",
                "By their time in the database.",
                {
                    OPERATION: Name(
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
                over_time(
                    whole(increase(of_services(SERVICE, ENVIRONMENT, COORDINATE, window="30m"), total(semconv.N_PLUS_ONE))),
                    shown(SERVICE, ENVIRONMENT, COORDINATE),
                ),
                unit="short",
                missing="No N+1 queries",
                many=True,
            ),
            graph(
                "Time in the database",
                "Of one operation that has any: average and percentiles.",
                *distribution(of_services(), semconv.OPERATION_DB_DURATION, shares=(0.95, 0.99)),
                unit="s",
                missing=NO_SQL,
            ),
            found_spans(
                "Slow SQL, traces",
                "Statements over SLOW_SQL_THRESHOLD, and the field that each was for.",
                f"{SERVICE_TRACES} && span.{semconv.DB_SLOW} = true",
                {semconv.DB_QUERY_SUMMARY: Name("Statement"), semconv.FIELD_SCHEMA_COORDINATE: Name("Field")},
            ),
            found_spans(
                "N+1 queries, traces",
                "Their spans have an event for each field, with the line of code and the remedy.",
                f"{SERVICE_TRACES} && span.{semconv.N_PLUS_ONE_COUNT} > 0",
                {
                    semconv.OPERATION_NAME: Name("Operation"),
                    semconv.N_PLUS_ONE_COUNT: Name("N+1", width=60),
                    semconv.DB_QUERY_COUNT: Name("SQL", width=60),
                },
            ),
        ],
    )


PAGE: Final = Page(
    uid="graphql-database",
    title="GraphQL: Database",
    description="SQL as the application sees it: how much, how slow, for which operation and which field.",
    rows=lambda: [_figures(), _statements(), _who()],
    variables=SERVICE_VARIABLES,
    marks=(NEW_VERSIONS,),
)
