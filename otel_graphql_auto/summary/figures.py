"""Which figures a summary has: the questions of the overview's table, and their answers as rows."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import ENVIRONMENT, SERVICE, Scope, label
from otel_graphql_auto.summary.options import Options
from otel_graphql_auto.summary.problem import SummaryError
from otel_graphql_auto.summary.prometheus import Prometheus, Sample

__all__ = ["OF_OPERATIONS", "OF_SERVICES", "OPERATION", "OPERATION_TYPE", "Row", "Summary", "ask"]

OPERATION: Final = label(semconv.OPERATION_NAME)
OPERATION_TYPE: Final = label(semconv.OPERATION_TYPE)

Question = Callable[[Scope], str]

_QUESTIONS: Final[Mapping[str, Question]] = {
    "operations": queries.operations,
    "operations_per_second": queries.requests,
    "seconds": queries.duration_seconds,
    "server_error_ratio": queries.server_error_ratio,
    "slow": queries.slow_operations,
    "average_seconds": queries.duration_mean,
    "median_seconds": functools.partial(queries.duration_quantile, share=0.5),
    "p95_seconds": functools.partial(queries.duration_quantile, share=0.95),
    "p99_seconds": functools.partial(queries.duration_quantile, share=0.99),
    "sql_average": queries.statements_mean,
    "sql_total": queries.statements,
    "database_average_seconds": queries.database_mean,
    "database_total_seconds": queries.database_seconds,
}

OF_SERVICES: Final = tuple(key for key in _QUESTIONS if key != "seconds")
OF_OPERATIONS: Final = tuple(key for key in _QUESTIONS if key != "operations_per_second")


class Row(NamedTuple):
    """A service or an operation; None is a number that is not there, or not a number."""

    labels: Mapping[str, str]
    numbers: Mapping[str, float | None]


@dataclass(frozen=True)
class Summary:
    """What was asked of whom, and the answers: services by name, of the operations those first that took the most time."""

    prometheus: str
    since: str
    services: Sequence[Row]
    operations: Sequence[Row]
    warnings: Sequence[str] = field(default=())


def ask(prometheus: Prometheus, options: Options) -> Summary:
    """Ask all questions. SummaryError where Prometheus does not answer, or has nothing of the services that were named."""
    selector = ", ".join(filter(None, (queries.one_of(SERVICE, options.services), queries.one_of(ENVIRONMENT, options.environments))))
    found = _services(prometheus, Scope(selector, options.since))
    if not found:
        raise _nothing(prometheus, options, chosen=bool(selector))
    of_services = Scope(selector, options.since, (SERVICE,))
    of_operations = Scope(selector, options.since, (SERVICE, OPERATION_TYPE, OPERATION))
    expressions = {("service", key): _QUESTIONS[key](of_services) for key in OF_SERVICES}
    expressions |= {("operation", key): _QUESTIONS[key](of_operations) for key in OF_OPERATIONS}
    # At the moment of the first answer, by the clock of Prometheus: the numbers of a row belong together.
    answers = prometheus.ask_all(expressions, at=found[0].at)
    services = _rows(of_services.by, {key: answers["service", key] for key in OF_SERVICES}, found)
    operations = _rows(of_operations.by, {key: answers["operation", key] for key in OF_OPERATIONS})
    return Summary(
        prometheus.address.url,
        options.since,
        sorted(services, key=_name),
        sorted((row for row in operations if row.numbers["operations"]), key=_most_time_first),
        prometheus.warnings,
    )


def _services(prometheus: Prometheus, scope: Scope) -> list[Sample]:
    """One sample for each service and environment that has reported: those, too, in which no operation ran yet."""
    names = (queries.count(semconv.REQUEST_DURATION), queries.gauge(semconv.OPERATION_NAMES))
    present = " or ".join(f"present_over_time({scope.over(name)})" for name in names)
    return prometheus.ask(f"count by ({SERVICE}, {ENVIRONMENT}) ({present})")


def _nothing(prometheus: Prometheus, options: Options, *, chosen: bool) -> SummaryError:
    others = _services(prometheus, Scope(window=options.since)) if chosen else []
    if not others:
        advice = (
            "Look further back (--since 7d), or let the doctor say where the metrics of your application go:\n"
            "python manage.py graphql_auto doctor, or python -m otel_graphql_auto doctor."
        )
        return SummaryError(f"Prometheus at {prometheus.address.url} has no metrics of GraphQL in the last {options.since}.", advice)
    names = sorted({f"{one.labels.get(SERVICE, '')} ({one.labels.get(ENVIRONMENT) or 'no environment'})" for one in others})
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return SummaryError(f"Nothing that fits --service and --environment has reported in the last {options.since}.", f"There are: {shown}.")


def _rows(by: Sequence[str], answers: Mapping[str, Iterable[Sample]], also: Iterable[Sample] = ()) -> list[Row]:
    rows: dict[tuple[str, ...], dict[str, float | None]] = {}

    def row(sample: Sample) -> dict[str, float | None]:
        return rows.setdefault(tuple(sample.labels.get(name, "") for name in by), dict.fromkeys(answers))

    for sample in also:
        row(sample)
    for key, samples in answers.items():
        for sample in samples:
            row(sample)[key] = sample.value if math.isfinite(sample.value) else None
    return [Row(dict(zip(by, values, strict=True)), numbers) for values, numbers in rows.items()]


def _name(row: Row) -> str:
    return row.labels[SERVICE]


def _most_time_first(row: Row) -> tuple[float, float, str, str]:
    return (-(row.numbers["seconds"] or 0), -(row.numbers["operations"] or 0), _name(row), row.labels[OPERATION])
