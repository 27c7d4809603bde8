"""What several pages show of SQL: numbers, rows of the overview and of the page of one operation."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import stat

from dashboards import choices
from dashboards.pages import Row
from dashboards.panels import figure, graph, ranking, spread
from dashboards.scopes import COORDINATE, OPERATION, OPERATION_TRACES, most, of_operations, of_services
from dashboards.tables import Name, found_spans
from dashboards.targets import RANGE, distribution, over_time, shown, whole
from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import bucket, increase, total

NO_SQL: Final = "No SQL in this time range"


def figures(*, width: int = 3) -> list[stat.Panel]:
    """What operations ask of the database."""
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


def on_overview() -> Row:
    """What operations ask of the database, over time."""
    return Row(
        "Database",
        [
            graph(
                "SQL statements of one operation",
                "As a mean, of the ten operations with most of them. Where there is no SQL at all, see whether DISABLED has the room.",
                over_time(
                    most(
                        queries.statements_mean(of_services(OPERATION)),
                        queries.statements_mean(of_services(OPERATION, window=RANGE, at_end=True)),
                        OPERATION,
                    ),
                    shown(OPERATION),
                ),
                unit="short",
                missing=NO_SQL,
                limit=choices.STATEMENTS_PER_OPERATION,
                width=8,
            ),
            graph(
                "Duration and database",
                "Mean duration of an operation, and what of it was spent in the database.",
                over_time(queries.duration_mean(of_services()), "operation"),
                over_time(queries.database_mean(of_services()), "in the database"),
                unit="s",
                missing=NO_SQL,
                width=8,
            ),
            ranking(
                "N+1 by field",
                "Times that a field repeated a statement within one operation.",
                f"topk(5, {whole(increase(of_services(COORDINATE, window=RANGE), total(semconv.N_PLUS_ONE)))} > 0)",
                shown(COORDINATE),
                unit="short",
                missing="No N+1 queries",
            ),
        ],
    )


def of_one_operation() -> Row:
    """For the page of one operation."""
    scope = of_operations()
    return Row(
        "SQL",
        [
            spread(
                "SQL statements of one run",
                "How many runs had how many statements.",
                increase(of_operations("le"), bucket(semconv.OPERATION_DB_QUERIES)),
                unit="short",
                missing=NO_SQL,
                width=6,
            ),
            graph(
                "SQL statements: average and p95",
                "Of one run, those without any counted too. The percentile is estimated within a bucket, such as 200 to 500.",
                *distribution(scope, semconv.OPERATION_DB_QUERIES, shares=(0.95,)),
                unit="short",
                missing=NO_SQL,
                limit=choices.STATEMENTS_PER_OPERATION,
                width=6,
            ),
            found_spans(
                "Operations with N+1 queries",
                "Their spans have an event for each field, with the line of code and the remedy.",
                f"{OPERATION_TRACES} && span.{semconv.N_PLUS_ONE_COUNT} > 0",
                {
                    semconv.OPERATION_NAME: Name("Operation"),
                    semconv.N_PLUS_ONE_COUNT: Name("N+1", width=60),
                    semconv.DB_QUERY_COUNT: Name("SQL", width=60),
                },
            ),
        ],
    )
