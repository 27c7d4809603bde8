"""What the variables of a page choose, as PromQL and TraceQL; and the variables themselves."""

from __future__ import annotations

from typing import Final

from dashboards.pages import Mark, Variable
from dashboards.targets import INTERVAL, named, shown
from otel_graphql_auto import semconv
from otel_graphql_auto.queries import ENVIRONMENT, SERVICE, Scope, count, gauge, label

OPERATION: Final = label(semconv.OPERATION_NAME)
OPERATION_TYPE: Final = label(semconv.OPERATION_TYPE)
COORDINATE: Final = label(semconv.FIELD_SCHEMA_COORDINATE)
ERROR_TYPE: Final = label(semconv.ERROR_TYPE)

_ALIVE: Final = gauge(semconv.OPERATION_NAMES)
"""Every process that runs GraphQL has it, from its start on."""

SERVICES: Final = f'{ENVIRONMENT}=~"$environment", {SERVICE}=~"$service"'
OPERATIONS: Final = f'{SERVICES}, {OPERATION}=~"$operation"'

SERVICE_VARIABLES: Final = (
    Variable("environment", "Environment", _ALIVE, ENVIRONMENT),
    Variable("service", "Service", f'{_ALIVE}{{{ENVIRONMENT}=~"$environment"}}', SERVICE),
)
OPERATION_VARIABLES: Final = (
    *SERVICE_VARIABLES,
    Variable("operation", "Operation", f"{count(semconv.REQUEST_DURATION)}{{{SERVICES}}}", OPERATION),
)

_PRESENT: Final = "90s"
"""Several exports, also where an application has one each thirty seconds."""

_VERSION: Final = label(semconv.SERVICE_VERSION)
_BY_VERSION: Final = f"group by ({SERVICE}, {_VERSION})"
_VERSIONS: Final = f'{_ALIVE}{{{SERVICES}, {_VERSION}!=""}}'

NEW_VERSIONS: Final = Mark(
    "New version",
    f"{_BY_VERSION} ({_VERSIONS}) unless {_BY_VERSION} (last_over_time({_VERSIONS}[1h] offset 5m))",
    f"{shown(SERVICE)} {shown(_VERSION)}",
)
"""The first five minutes of a version that was not there in the hour before: what changed may be why."""

_NAME: Final = f"span.{semconv.OPERATION_NAME}"
_PLACE: Final = f"resource.{semconv.DEPLOYMENT_ENVIRONMENT_NAME}"

# Nothing matches an attribute that is not there, not even `.*`, and `= nil` empties an `||`: so where all are chosen, nothing is asked of the span.
# Several values are to be `Feed|Post`, whatever Grafana makes of them by itself.
SERVICE_TRACES: Final = (
    f'resource.{semconv.SERVICE_NAME} =~ "${{service:pipe}}" && ({_PLACE} =~ "${{environment:pipe}}" || "${{environment:pipe}}" = ".*")'
)
OPERATION_TRACES: Final = f'{SERVICE_TRACES} && ({_NAME} =~ "${{operation:pipe}}" || "${{operation:pipe}}" =~ "([.][*]|{semconv.OTHER}|)")'
"""What is `_OTHER` in metrics has its own name in traces: then all of the service are shown."""


def of_services(*by: str, window: str = INTERVAL, at_end: bool = False) -> Scope:
    """The chosen services."""
    return Scope(SERVICES, window, by, at_end)


def of_operations(*by: str, window: str = INTERVAL, at_end: bool = False) -> Scope:
    """The chosen operations of the chosen services."""
    return Scope(OPERATIONS, window, by, at_end)


def at_present(name: str) -> str:
    """The latest value of each process of the chosen services, without those that have ended: Prometheus would remember them for five minutes."""
    return f"last_over_time({of_services(window=_PRESENT).over(name)})"


def by_operation(expression: str) -> str:
    """With something to read where an operation has no name."""
    return named(expression, OPERATION, "(without a name)")


def most(expression: str, rank: str, *by: str, number: int = 10) -> str:
    """Of an expression over time the series that are at the top of the whole time range: not others at each point, as `topk` alone would have.

    `rank` looks back over the whole range from its end (`Scope.at_end`).
    """
    found = f"({expression}) and on ({', '.join(by)}) topk({number}, {rank})"
    return by_operation(found) if OPERATION in by else found
