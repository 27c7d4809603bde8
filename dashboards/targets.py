"""What a panel asks of a data source."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import prometheus, tempo
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.tempo import SearchTableType

from otel_graphql_auto.queries import Scope, mean, quantile
from otel_graphql_auto.semconv import Metric

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")
TEMPO = DataSourceRef(type_val="tempo", uid="${tempo}")

INTERVAL = "$__rate_interval"
RANGE = "$__range"


def shown(*labels: str) -> str:
    """A legend of these labels' values."""
    return " ".join(f"{{{{{label}}}}}" for label in labels)


def whole(expression: str) -> str:
    """A number of events as one counts them: what Prometheus puts between two samples is a guess."""
    return f"round({expression})"


def named(expression: str, label: str, absent: str) -> str:
    """The same series, with this for the label where they do not have it."""
    return f'label_replace({expression}, "{label}", "{absent}", "{label}", "")'


def over_time(expression: str, legend: str, *, exemplars: bool = False) -> prometheus.Dataquery:
    """A value for each step of the time range. `legend` may name labels: `{{graphql_operation_name}}`."""
    target = _target(expression).range().legend_format(legend).format(PromQueryFormat.TIME_SERIES)
    return target.exemplar(True) if exemplars else target


def distribution(scope: Scope, metric: Metric, *matchers: str, shares: Sequence[float] = (0.5, 0.95, 0.99)) -> list[prometheus.Dataquery]:
    """A histogram's mean and percentiles over time; the points of p95 lead to traces."""
    lines = [over_time(mean(scope, metric, *matchers), "average")]
    for share in shares:
        name = "median" if share == 0.5 else f"p{share * 100:.0f}"
        lines.append(over_time(quantile(scope, share, metric, *matchers), name, exemplars=share == 0.95))
    return lines


def buckets(expression: str) -> prometheus.Dataquery:
    """A histogram's buckets (`sum by (le)`) for each step of the time range, for a heatmap. Points lead to traces."""
    return _target(expression).range().legend_format("{{le}}").format(PromQueryFormat.HEATMAP).exemplar(True)


def now(expression: str, legend: str = "") -> prometheus.Dataquery:
    """One value, for the time range as a whole."""
    target = _target(expression).instant().format(PromQueryFormat.TIME_SERIES)
    return target.legend_format(legend) if legend else target


def rows(expression: str) -> prometheus.Dataquery:
    """One value for each set of labels, which become columns."""
    return _target(expression).instant().format(PromQueryFormat.TABLE)


def spans(traceql: str) -> tempo.Dataquery:
    """Spans that a TraceQL query finds in the time range, one of each trace, twenty at most."""
    target = tempo.Dataquery().datasource(TEMPO).query_type("traceql").query(traceql)
    return target.limit(20).spss(1).table_type(SearchTableType.SPANS).filters([])


def _target(expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(PROMETHEUS).expr(expression)
