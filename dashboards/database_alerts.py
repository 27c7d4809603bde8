"""What is told about the SQL of operations: N+1 queries, too many statements, slow ones."""

from __future__ import annotations

from typing import Final

from dashboards import choices
from dashboards.alerts import (
    BY_OPERATION,
    BY_SERVICE,
    NAMED,
    OF_OPERATION,
    OF_SERVICE,
    TRACES_OF_OPERATION,
    TRACES_OF_SERVICE,
    WARNING,
    Alert,
)
from dashboards.events import events
from otel_graphql_auto import semconv
from otel_graphql_auto.queries import SERVICE, Scope, count, label, sum_of, total

_COORDINATE: Final = label(semconv.FIELD_SCHEMA_COORDINATE)
_TABLE: Final = label(semconv.DB_COLLECTION_NAME)
_QUARTER: Final = Scope("", "15m", BY_OPERATION)

ALERTS: Final = [
    Alert(
        name="GraphQLNPlusOne",
        severity=WARNING,
        value=events(Scope("", "30m", (*BY_SERVICE, _COORDINATE)), total(semconv.N_PLUS_ONE)),
        above=0,
        keep="30m",
        summary=f"{{{{ $labels.{_COORDINATE} }}}} of {{{{ $labels.{SERVICE} }}}} repeats a SQL statement (N+1)",
        description=(
            f"The field {{{{ $labels.{_COORDINATE} }}}} repeated a statement within one operation. Times in 30 minutes: {{{{ $value | humanize }}}}; allowed: 0."
            " (N_PLUS_ONE_THRESHOLD says what counts as repeated.) The event on the trace has the line of code and the remedy."
        ),
        page="graphql-database",
        panel="N+1 queries",
        variables=OF_SERVICE,
        traces=f"{{ {TRACES_OF_SERVICE} && span.{semconv.N_PLUS_ONE_COUNT} > 0 }}",
    ),
    Alert(
        name="GraphQLStatementsPerOperation",
        severity=WARNING,
        value=f"{events(_QUARTER, sum_of(semconv.OPERATION_DB_QUERIES))} / {events(_QUARTER, count(semconv.OPERATION_DB_QUERIES))}",
        above=choices.STATEMENTS_PER_OPERATION,
        guard=f"{events(_QUARTER, count(semconv.OPERATION_DB_QUERIES))} >= {choices.STATEMENTS_AT_LEAST}",
        lasting="5m",
        keep="10m",
        summary=f"{{{{ $value | humanize }}}} SQL statements for {NAMED}",
        description=(
            f"A run had {{{{ $value | humanize }}}} SQL statements, as a mean over 15 minutes; allowed: {choices.STATEMENTS_PER_OPERATION}."
        ),
        page="graphql-operation",
        panel="SQL statements: average and p95",
        variables=OF_OPERATION,
        traces=f"{{ {TRACES_OF_OPERATION} && span.{semconv.DB_QUERY_COUNT} > {choices.STATEMENTS_PER_OPERATION} }}",
    ),
    Alert(
        name="GraphQLSlowStatements",
        severity=WARNING,
        value=events(Scope("", "10m", (*BY_SERVICE, _TABLE)), total(semconv.DB_SLOW_QUERIES)),
        above=choices.SLOW_STATEMENTS,
        keep="10m",
        summary=f"SQL on {{{{ with $labels.{_TABLE} }}}}{{{{ . }}}}{{{{ else }}}}no table{{{{ end }}}} is slow in {{{{ $labels.{SERVICE} }}}}",
        description=(
            f"Statements in 10 minutes that took longer than SLOW_SQL_THRESHOLD: {{{{ $value | humanize }}}}; allowed: {choices.SLOW_STATEMENTS}."
        ),
        page="graphql-database",
        panel="Slow SQL statements",
        variables=OF_SERVICE,
        traces=f"{{ {TRACES_OF_SERVICE} && span.{semconv.DB_SLOW} = true }}",
    ),
]
