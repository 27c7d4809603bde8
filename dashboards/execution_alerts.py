"""What wakes people up about operations: slow ones first, then errors, percentiles, the error budget, and names that are no labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dashboards import choices
from dashboards.alerts import (
    BUDGET,
    BY_OPERATION,
    BY_SERVICE,
    CRITICAL,
    NAMED,
    OF_OPERATION,
    OF_SERVICE,
    TRACES_OF_OPERATION,
    TRACES_OF_SERVICE,
    WARNING,
    Alert,
)
from dashboards.events import events
from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import SERVICE, Scope, count, label, total

_NAME: Final = label(semconv.OPERATION_NAME)
_FAILED: Final = f'span.{semconv.FAULT} = "{semconv.FAULT_SERVER}"'
_REQUESTS: Final = count(semconv.REQUEST_DURATION)


def _slow(selector: str = "", *, but: Iterable[str] = (), above: int = choices.SLOW_OPERATIONS) -> Alert:
    name = total(semconv.SLOW_OPERATIONS)
    happened = events(Scope(selector, choices.SLOW_WINDOW, BY_OPERATION), name)
    # Over the window, because what a process counted that has ended since is counted here too.
    others = " or ".join(f"last_over_time({Scope(other, choices.SLOW_WINDOW).over(name)})" for other in but)
    return Alert(
        name="GraphQLSlowOperations",
        severity=WARNING,
        value=f"{happened} unless on ({SERVICE}, {_NAME}) ({others})" if others else happened,
        above=above,
        keep="10m",
        summary=f"{NAMED} was slow",
        description=(
            f"Runs in {choices.SLOW_WINDOW} that took longer than the threshold that the application has for this operation (SLOW_QUERY_THRESHOLD,"
            f" SLOW_QUERY_THRESHOLDS): {{{{ $value | humanize }}}}; allowed: {above}."
        ),
        page="graphql-operation",
        panel="Slow operations",
        variables=OF_OPERATION,
        traces=f"{{ {TRACES_OF_OPERATION} && span.{semconv.SLOW} = true }}",
    )


def slow_operations(of: Mapping[tuple[str, str], int]) -> list[Alert]:
    """The alert on slow operations, and one for each service or operation that is allowed another number of them."""
    selectors = {}
    for (service, operation), above in of.items():
        matchers = [queries.one_of(SERVICE, [service]), *([queries.one_of(_NAME, [operation])] if operation else [])]
        selectors[", ".join(matchers)] = above
    # An operation of a service that has a number of its own too keeps its own.
    narrower = {selector: [other for other in selectors if other.startswith(f"{selector}, ")] for selector in selectors}
    return [_slow(but=selectors), *(_slow(selector, above=above, but=narrower[selector]) for selector, above in selectors.items())]


def _error_ratio(window: str) -> str:
    scope = Scope("", window, BY_SERVICE)
    return f"{events(scope, _REQUESTS, queries.SERVER_FAULT)} / {events(scope, _REQUESTS)}"


def _errors(window: str) -> str:
    return events(Scope("", window, BY_SERVICE), _REQUESTS, queries.SERVER_FAULT)


def _burn(name: str, factor: float, long: str, short: str, *, lasting: str) -> Alert:
    return Alert(
        name=name,
        severity=CRITICAL,
        value=f"({_error_ratio(long)}) / {BUDGET}",
        above=factor,
        guard=f"({_error_ratio(short)}) / {BUDGET} > {factor:g} and {_errors(short)} >= {choices.BURN_AT_LEAST}",
        lasting=lasting,
        keep="5m",
        summary=f"{{{{ $labels.{SERVICE} }}}} spends its month's error budget {{{{ $value | humanize }}}} times too fast",
        description=(
            f"Of the operations of the last {long}, and of the last {short} too, more than {factor * (1 - choices.OBJECTIVE):.2%} failed by the server's"
            f" fault ({{{{ $value | humanize }}}} times what {choices.OBJECTIVE:.1%} allows; limit {factor:g}). At this pace it is gone in {30 / factor:.0f} days."
        ),
        page="graphql-overview",
        panel="Burn rate",
        variables=OF_SERVICE,
        traces=f"{{ {TRACES_OF_SERVICE} && {_FAILED} }}",
        every="30s",
    )


ALERTS: Final = [
    *slow_operations(choices.SLOW_OPERATIONS_OF),
    Alert(
        name="GraphQLServerErrors",
        severity=WARNING,
        value=_error_ratio("10m"),
        above=choices.ERROR_RATIO,
        guard=f"{_errors('10m')} >= {choices.ERRORS_AT_LEAST}",
        lasting="1m",
        keep="5m",
        summary=f"{{{{ $value | humanizePercentage }}}} of the operations of {{{{ $labels.{SERVICE} }}}} fail",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the operations of the last 10 minutes failed by the server's fault; allowed: {choices.ERROR_RATIO:.0%}."
            " What clients do wrong is not counted (ERROR_CLASSIFIER decides)."
        ),
        page="graphql-overview",
        panel="Errors by fault",
        variables=OF_SERVICE,
        traces=f"{{ {TRACES_OF_SERVICE} && {_FAILED} }}",
    ),
    Alert(
        name="GraphQLLatencyP95",
        severity=WARNING,
        value=queries.duration_quantile(Scope("", "10m", BY_OPERATION), 0.95),
        above=choices.LATENCY_SECONDS,
        guard=f"{queries.increase(Scope('', '10m', BY_OPERATION), _REQUESTS, queries.ANSWERED)} >= {choices.LATENCY_AT_LEAST}",
        lasting="5m",
        keep="5m",
        summary=f"p95 of {NAMED} is {{{{ $value | humanizeDuration }}}}",
        description=(
            f"5 % of the runs of the last 10 minutes took longer than {{{{ $value | humanizeDuration }}}}; allowed: {choices.LATENCY_SECONDS:g} s."
        ),
        page="graphql-operation",
        panel="Average and percentiles",
        variables=OF_OPERATION,
        traces=f"{{ {TRACES_OF_OPERATION} && duration > {choices.LATENCY_SECONDS:g}s }}",
    ),
    _burn("GraphQLErrorBudgetFast", choices.FAST_BURN, "1h", "5m", lasting="2m"),
    _burn("GraphQLErrorBudgetSlow", choices.SLOW_BURN, "6h", "30m", lasting="15m"),
    Alert(
        name="GraphQLOperationNamesOverflow",
        severity=WARNING,
        value=f"{events(Scope('', '30m', BY_SERVICE), total(semconv.OPERATION_NAMES_OVERFLOW))} / {events(Scope('', '30m', BY_SERVICE), _REQUESTS)}",
        above=choices.OVERFLOW_RATIO,
        guard=f"{events(Scope('', '30m', BY_SERVICE), total(semconv.OPERATION_NAMES_OVERFLOW))} >= {choices.OVERFLOW_AT_LEAST}",
        lasting="15m",
        keep="15m",
        summary=f"{{{{ $value | humanizePercentage }}}} of the operations of {{{{ $labels.{SERVICE} }}}} have no name in metrics",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the operations of the last 30 minutes were counted as {semconv.OTHER}; allowed:"
            f" {choices.OVERFLOW_RATIO:.0%}. Clients invent names, or there are more of them than OPERATION_NAMES_LIMIT."
        ),
        page="graphql-operation",
        panel="Counted as _OTHER",
        variables=OF_SERVICE,
        traces=f"{{ {TRACES_OF_SERVICE} && span.{semconv.OPERATION_NAME} != nil }}",
    ),
]
