"""PromQL of what this package measures: pure strings, built from the names of telemetry as Prometheus has them.

The dashboards, the alerts and `graphql_auto summary` ask the same questions, so they are written once. Names follow the translation that the
shipped Prometheus is set to (`UnderscoreEscapingWithSuffixes`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otel_graphql_auto import semconv
from otel_graphql_auto.semconv import Metric

__all__ = [
    "ANSWERED",
    "ENVIRONMENT",
    "INSTANCE",
    "SERVER_FAULT",
    "SERVICE",
    "Scope",
    "bucket",
    "count",
    "database_mean",
    "database_seconds",
    "duration_mean",
    "duration_quantile",
    "duration_seconds",
    "gauge",
    "increase",
    "label",
    "mean",
    "one_of",
    "operations",
    "quantile",
    "rate",
    "ratio",
    "requests",
    "server_error_ratio",
    "server_errors",
    "slow_operations",
    "statements",
    "statements_mean",
    "sum_of",
    "total",
]

_UNITS: Final = {"s": "_seconds", "By": "_bytes"}
"""Annotations such as `{query}` are no units, and give no suffix."""


def label(attribute: str) -> str:
    """The label of an attribute: `graphql.operation.name` is `graphql_operation_name`."""
    return re.sub(r"\W", "_", attribute)


SERVICE: Final = label(semconv.SERVICE_NAME)
INSTANCE: Final = label(semconv.SERVICE_INSTANCE_ID)
ENVIRONMENT: Final = label(semconv.DEPLOYMENT_ENVIRONMENT_NAME)
_OPERATION_TYPE: Final = label(semconv.OPERATION_TYPE)

ANSWERED: Final = f'{_OPERATION_TYPE}!="subscription"'
"""A subscription lasts as long as its subscriber likes: it says nothing about speed."""

SERVER_FAULT: Final = f'{label(semconv.FAULT)}="{semconv.FAULT_SERVER}"'


def one_of(name: str, values: Sequence[str]) -> str:
    """The matcher of a label that has one of these values, whatever they are made of; no matcher where there are none."""
    if len(values) < 2:
        return "".join(f'{name}="{_escaped(value)}"' for value in values)
    return f'{name}=~"{_escaped("|".join(re.escape(value) for value in values))}"'


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def gauge(metric: Metric) -> str:
    """A gauge or up-down counter."""
    return label(metric.name) + _UNITS.get(metric.unit, "")


def total(metric: Metric) -> str:
    """A counter."""
    return f"{gauge(metric)}_total"


def count(metric: Metric) -> str:
    """How many values a histogram has."""
    return f"{gauge(metric)}_count"


def sum_of(metric: Metric) -> str:
    """The sum of a histogram's values, in its unit."""
    return f"{gauge(metric)}_sum"


def bucket(metric: Metric) -> str:
    """The buckets of a histogram, with their upper bound in `le`."""
    return f"{gauge(metric)}_bucket"


@dataclass(frozen=True)
class Scope:
    """Which series a question is about, over what time it looks back, and which labels tell its answers apart."""

    selector: str = ""
    """What stands between braces, without them."""
    window: str = "5m"
    """A PromQL duration, or a variable of Grafana's."""
    by: tuple[str, ...] = ()
    at_end: bool = False
    """Look back from the end of the time range, also where a value is asked for each point of it."""

    def series(self, name: str, *matchers: str) -> str:
        """The series of this name in the scope, with these matchers in addition."""
        inside = ", ".join(matcher for matcher in (self.selector, *matchers) if matcher)
        return f"{name}{{{inside}}}" if inside else name

    def over(self, name: str, *matchers: str) -> str:
        """The same as a range."""
        return f"{self.series(name, *matchers)}[{self.window}]{' @ end()' if self.at_end else ''}"

    def sum(self, expression: str, *more: str) -> str:
        """The sum of an expression by the labels of the scope, and by `more`."""
        labels = ", ".join((*more, *self.by))
        return f"sum by ({labels}) ({expression})" if labels else f"sum({expression})"


def rate(scope: Scope, name: str, *matchers: str) -> str:
    """Events of a counter, a second."""
    return scope.sum(f"rate({scope.over(name, *matchers)})")


def increase(scope: Scope, name: str, *matchers: str) -> str:
    """Events of a counter, in the window."""
    return scope.sum(f"increase({scope.over(name, *matchers)})")


def ratio(part: str, whole: str) -> str:
    """How much of the whole the part is; 0, not nothing, where the part has no series yet."""
    return f"({part} or {whole} * 0) / {whole}"


def mean(scope: Scope, metric: Metric, *matchers: str) -> str:
    """The mean value of a histogram in the window, in its unit."""
    return f"{rate(scope, sum_of(metric), *matchers)} / {rate(scope, count(metric), *matchers)}"


def quantile(scope: Scope, share: float, metric: Metric, *matchers: str) -> str:
    """The value that this share of a histogram's values does not exceed, estimated within its bucket, in its unit."""
    return f"histogram_quantile({share:g}, {scope.sum(f'rate({scope.over(bucket(metric), *matchers)})', 'le')})"


# What an operation is asked for everywhere: on the overview, on its own page, in alerts and in the terminal.


def requests(scope: Scope) -> str:
    """Operations a second."""
    return rate(scope, count(semconv.REQUEST_DURATION))


def operations(scope: Scope) -> str:
    """Operations in the window."""
    return increase(scope, count(semconv.REQUEST_DURATION))


def server_errors(scope: Scope) -> str:
    """Operations a second that failed by the server's fault."""
    return rate(scope, count(semconv.REQUEST_DURATION), SERVER_FAULT)


def server_error_ratio(scope: Scope) -> str:
    """Which share of the operations failed by the server's fault, 0 to 1."""
    return ratio(server_errors(scope), requests(scope))


def duration_mean(scope: Scope) -> str:
    """Seconds that an operation took, as a mean; without subscriptions."""
    return mean(scope, semconv.REQUEST_DURATION, ANSWERED)


def duration_quantile(scope: Scope, share: float) -> str:
    """Seconds that this share of the operations did not exceed; without subscriptions."""
    return quantile(scope, share, semconv.REQUEST_DURATION, ANSWERED)


def duration_seconds(scope: Scope) -> str:
    """Seconds that all operations in the window took together; without subscriptions."""
    return increase(scope, sum_of(semconv.REQUEST_DURATION), ANSWERED)


def slow_operations(scope: Scope) -> str:
    """Operations in the window that took longer than their threshold; 0 where none ever did."""
    return f"{increase(scope, total(semconv.SLOW_OPERATIONS))} or {operations(scope)} * 0"


def statements_mean(scope: Scope) -> str:
    """SQL statements of one operation, as a mean; those count that had none."""
    return mean(scope, semconv.OPERATION_DB_QUERIES)


def statements(scope: Scope) -> str:
    """SQL statements of operations in the window."""
    return increase(scope, sum_of(semconv.OPERATION_DB_QUERIES))


def database_mean(scope: Scope) -> str:
    """Seconds in the database of one operation, as a mean; those count that were not there."""
    return ratio(rate(scope, sum_of(semconv.OPERATION_DB_DURATION)), rate(scope, count(semconv.OPERATION_DB_QUERIES)))


def database_seconds(scope: Scope) -> str:
    """Seconds in the database of all operations in the window; 0 where they had no SQL."""
    return f"{increase(scope, sum_of(semconv.OPERATION_DB_DURATION))} or {statements(scope)} * 0"
