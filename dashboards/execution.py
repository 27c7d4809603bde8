"""The page of one operation: how long it takes, what it does meanwhile, and what fails."""

from __future__ import annotations

from typing import Final

from dashboards import choices, database_rows
from dashboards.execution_rows import speed
from dashboards.pages import Page, Row
from dashboards.panels import figure, graph, ranking, spread
from dashboards.scopes import (
    COORDINATE,
    ERROR_TYPE,
    NEW_VERSIONS,
    OPERATION,
    OPERATION_TRACES,
    OPERATION_TYPE,
    OPERATION_VARIABLES,
    at_present,
    by_operation,
    most,
    of_operations,
    of_services,
)
from dashboards.tables import Column, Name, found_spans, numbers
from dashboards.targets import RANGE, distribution, named, over_time, shown, whole
from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import SERVICE, bucket, count, increase, label, mean, rate, sum_of, total

NO_OPERATIONS: Final = "No operations in this time range"
_FAULT: Final = label(semconv.FAULT)
_PHASE: Final = label(semconv.PROCESSING_TYPE)


def _figures() -> Row:
    time_range = of_operations(window=RANGE)
    return Row(
        "$operation in this time range",
        [
            figure("Operations", "How often it ran.", queries.operations(time_range), unit="short", counted=True, missing="none"),
            figure(
                "Server errors",
                f"Runs that failed by the server's fault. What clients do wrong is not in it. Red above {choices.ERROR_RATIO:.0%}.",
                queries.server_error_ratio(time_range),
                unit="percentunit",
                limits=(choices.ERROR_RATIO,),
                missing="none",
            ),
            *speed(time_range),
            figure(
                "SQL, average",
                f"Of one run, as a mean. Red above {choices.STATEMENTS_PER_OPERATION}.",
                queries.statements_mean(time_range),
                unit="short",
                decimals=1,
                limits=(choices.STATEMENTS_PER_OPERATION,),
                missing="none",
            ),
        ],
    )


def _durations() -> Row:
    scope = of_operations()
    return Row(
        "How long",
        [
            spread(
                "Duration",
                "How many runs took how long. Points lead to traces.",
                increase(of_operations("le"), bucket(semconv.REQUEST_DURATION), queries.ANSWERED),
                unit="s",
                missing=NO_OPERATIONS,
                width=8,
            ),
            graph(
                "Average and percentiles",
                "Duration of one run, without subscriptions. Points lead to traces.",
                *distribution(scope, semconv.REQUEST_DURATION, queries.ANSWERED),
                unit="s",
                missing=NO_OPERATIONS,
                limit=choices.LATENCY_SECONDS,
                width=8,
            ),
            graph(
                "p95 by operation",
                "The slowest ten of the time range.",
                over_time(
                    most(
                        queries.duration_quantile(of_operations(OPERATION), 0.95),
                        queries.duration_quantile(of_operations(OPERATION, window=RANGE, at_end=True), 0.95),
                        OPERATION,
                    ),
                    shown(OPERATION),
                ),
                unit="s",
                missing=NO_OPERATIONS,
                limit=choices.LATENCY_SECONDS,
                width=8,
            ),
            graph(
                "Runs",
                "Operations a second, by type.",
                over_time(
                    named(rate(of_operations(OPERATION_TYPE), count(semconv.REQUEST_DURATION)), OPERATION_TYPE, "not parsed"),
                    shown(OPERATION_TYPE),
                ),
                unit="ops",
                missing=NO_OPERATIONS,
                stacked=True,
                width=6,
            ),
            graph(
                "Slow operations",
                f"Runs over their threshold in {choices.SLOW_WINDOW}. What is slow, the application says: SLOW_QUERY_THRESHOLD.",
                over_time(
                    by_operation(whole(increase(of_operations(OPERATION, window=choices.SLOW_WINDOW), total(semconv.SLOW_OPERATIONS)))),
                    shown(OPERATION),
                ),
                unit="short",
                missing="Nothing was slow",
                limit=choices.SLOW_OPERATIONS or None,
                width=6,
            ),
            found_spans(
                "Slow operations, traces",
                "Operations over their threshold, and how many SQL statements they had.",
                f"{OPERATION_TRACES} && span.{semconv.SLOW} = true",
                {semconv.OPERATION_NAME: Name("Operation"), semconv.DB_QUERY_COUNT: Name("SQL", width=60)},
            ),
        ],
    )


def _causes() -> Row:
    fields = of_services(COORDINATE, window=RANGE)
    return Row(
        "Where the time goes",
        [
            graph(
                "Phases",
                "Mean duration of parsing, validation, coercion of variables and execution. For all operations of the service: phases know no names.",
                over_time(mean(of_services(_PHASE), semconv.PROCESSING_DURATION), shown(_PHASE)),
                unit="s",
                missing=NO_OPERATIONS,
                width=8,
            ),
            graph(
                "Phases, p95",
                "95 % of the phases took no longer. For all operations of the service.",
                over_time(queries.quantile(of_services(_PHASE), 0.95, semconv.PROCESSING_DURATION), shown(_PHASE), exemplars=True),
                unit="s",
                missing=NO_OPERATIONS,
                width=8,
            ),
            graph(
                "In the database",
                "Mean time of one run in the database, beside its mean duration.",
                over_time(queries.duration_mean(of_operations()), "whole run"),
                over_time(queries.database_mean(of_operations()), "in the database"),
                unit="s",
                missing=NO_OPERATIONS,
                width=8,
            ),
            numbers(
                "Fields",
                "Resolvers by the time that they took in all operations of the service. Fields without a resolver of their own are not measured; those that wait for one DataLoader each count the wait.",
                {COORDINATE: Name("Field")},
                [
                    Column("Total", increase(fields, sum_of(semconv.FIELD_DURATION)), "s", width=110),
                    Column("Operations", increase(fields, count(semconv.FIELD_DURATION)), "short", counted=True, width=110),
                    Column("Average", mean(fields, semconv.FIELD_DURATION), "s", width=110),
                    Column("p95", queries.quantile(fields, 0.95, semconv.FIELD_DURATION), "s", width=110),
                    Column("SQL", increase(fields, total(semconv.FIELD_DB_QUERIES)), "short", counted=True, width=90),
                    Column("Errors", increase(fields, total(semconv.FIELD_ERRORS)), "short", counted=True, limits=(1,), width=90),
                    Column("N+1", increase(fields, total(semconv.N_PLUS_ONE)), "short", counted=True, limits=(1,), width=90),
                ],
                sort_by="Total",
                missing="No field with a resolver ran",
                width=16,
            ),
            ranking(
                "Deprecated fields",
                "Operations that used one, so that it cannot be removed yet. For all operations of the service.",
                f"topk(10, {whole(increase(fields, total(semconv.FIELD_DEPRECATED)))} > 0)",
                shown(COORDINATE),
                unit="short",
                missing="Nobody used a deprecated field",
            ),
        ],
    )


def _errors() -> Row:
    scope = of_operations()
    return Row(
        "What fails",
        [
            graph(
                "Errors by type",
                "Operations a second that failed, by `extensions.code` or exception, and whose fault it was.",
                over_time(
                    rate(of_operations(ERROR_TYPE, _FAULT), count(semconv.REQUEST_DURATION), f'{ERROR_TYPE}!=""'),
                    f"{shown(ERROR_TYPE)} ({shown(_FAULT)})",
                ),
                unit="ops",
                missing="Nothing failed",
            ),
            graph(
                "Errors by field",
                "Errors in responses a second, by the field that caused them. For all operations of the service.",
                over_time(rate(of_services(COORDINATE, ERROR_TYPE), total(semconv.FIELD_ERRORS)), shown(COORDINATE, ERROR_TYPE)),
                unit="ops",
                missing="No field failed",
            ),
            graph(
                "Errors in one response",
                "Mean number of errors in a response; 95 % of the responses had no more.",
                *distribution(scope, semconv.ERROR_COUNT, shares=(0.95,)),
                unit="short",
                missing=NO_OPERATIONS,
            ),
            found_spans(
                "Failed operations",
                "Operations that failed by the server's fault, and what went wrong.",
                f'{OPERATION_TRACES} && span.{semconv.FAULT} = "{semconv.FAULT_SERVER}"',
                {semconv.OPERATION_NAME: Name("Operation"), semconv.ERROR_TYPE: Name("Error")},
            ),
        ],
    )


def _subscriptions() -> Row:
    operations = of_operations(OPERATION)
    return Row(
        "Subscriptions, names and concurrency",
        [
            graph(
                "Events",
                "Events of subscriptions a second, by operation; failed ones beside them.",
                over_time(by_operation(rate(operations, total(semconv.SUBSCRIPTION_EVENT_COUNT))), shown(OPERATION)),
                over_time(
                    by_operation(rate(operations, total(semconv.SUBSCRIPTION_EVENT_COUNT), f'{ERROR_TYPE}!=""')),
                    f"{shown(OPERATION)} failed",
                ),
                unit="ops",
                missing="No subscription had an event",
                width=8,
            ),
            graph(
                "Duration of an event",
                "Mean and p95.",
                *distribution(of_operations(), semconv.SUBSCRIPTION_EVENT_DURATION, shares=(0.95,)),
                unit="s",
                missing="No subscription had an event",
                width=8,
            ),
            graph(
                "Under way",
                "Operations that have begun and not ended, by type. For all operations of the service.",
                over_time(of_services(OPERATION_TYPE).sum(at_present(queries.gauge(semconv.REQUEST_ACTIVE))), shown(OPERATION_TYPE)),
                unit="short",
                missing=NO_OPERATIONS,
                width=8,
            ),
            graph(
                "Operation names",
                "Names that are labels of metrics, in the process that has most of them (at most OPERATION_NAMES_LIMIT).",
                over_time(f"max by ({SERVICE}) ({of_services().series(queries.gauge(semconv.OPERATION_NAMES))})", shown(SERVICE)),
                unit="short",
                missing="No process reports",
            ),
            graph(
                "Counted as _OTHER",
                f"Share of the operations that have a name which is no label (yet). Its alert begins at {choices.OVERFLOW_RATIO:.0%}.",
                over_time(
                    queries.ratio(
                        rate(of_services(SERVICE), total(semconv.OPERATION_NAMES_OVERFLOW)), queries.requests(of_services(SERVICE))
                    ),
                    shown(SERVICE),
                ),
                unit="percentunit",
                missing="Every name is a label",
                limit=choices.OVERFLOW_RATIO,
            ),
        ],
        folded=True,
    )


PAGE: Final = Page(
    uid="graphql-operation",
    title="GraphQL: Operation",
    description="One operation, or several: how long it takes, what it does meanwhile, what fails, and the traces that show it.",
    rows=lambda: [_figures(), _durations(), database_rows.of_one_operation(), _causes(), _errors(), _subscriptions()],
    variables=OPERATION_VARIABLES,
    marks=(NEW_VERSIONS,),
)
