"""What an alert is, written once for Prometheus and for Grafana."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from dashboards import choices
from otel_graphql_auto import semconv
from otel_graphql_auto.queries import ENVIRONMENT, SERVICE, label

CRITICAL: Final = "critical"
"""Wakes somebody up."""
WARNING: Final = "warning"
"""For the working day."""

GRAFANA_ADDRESS: Final = "<grafana>"
"""In links, for the address of Grafana: who writes the rules fills it in."""

BUDGET: Final = f"{1 - choices.OBJECTIVE:.6g}"
"""The share of operations that may fail, in PromQL."""

PRODUCT: Final = "product"
"""A label of every alert of ours, by which a list or a route can choose them."""

_OPERATION_LABEL: Final = label(semconv.OPERATION_NAME)
_NAME: Final = f"$labels.{_OPERATION_LABEL}"

BY_SERVICE: Final = (SERVICE, ENVIRONMENT)
BY_OPERATION: Final = (*BY_SERVICE, _OPERATION_LABEL)
OF_SERVICE: Final = {"environment": ENVIRONMENT, "service": SERVICE}
OF_OPERATION: Final = {**OF_SERVICE, "operation": _OPERATION_LABEL}
"""Variables of the pages, and the labels of an alert that they get their values from."""

TRACES_OF_SERVICE: Final = (
    f'resource.{semconv.SERVICE_NAME} = "{{{{ $labels.{SERVICE} }}}}"{{{{ if $labels.{ENVIRONMENT} }}}}'
    f' && resource.{semconv.DEPLOYMENT_ENVIRONMENT_NAME} = "{{{{ $labels.{ENVIRONMENT} }}}}"{{{{ end }}}}'
)
TRACES_OF_OPERATION: Final = (
    f'{TRACES_OF_SERVICE}{{{{ if and {_NAME} (ne {_NAME} "{semconv.OTHER}") }}}}'
    f' && span.{semconv.OPERATION_NAME} = "{{{{ {_NAME} }}}}"{{{{ end }}}}'
)
"""TraceQL of what fired. What has no name cannot be asked for by it, and what is `_OTHER` in metrics has its own name in traces."""

NAMED: Final = f"{{{{ if {_NAME} }}}}{{{{ {_NAME} }}}}{{{{ else }}}}an operation without a name{{{{ end }}}} of {{{{ $labels.{SERVICE} }}}}"
"""In summaries: which operation of which service."""


@dataclass(frozen=True)
class Alert:
    """It fires for every series of `value` that is above `above`, and that `guard` has too.

    Texts are templates of Prometheus: `{{ $labels.service_name }}`, `{{ $value | humanizeDuration }}`.
    """

    name: str
    severity: str
    value: str
    above: float
    summary: str
    description: str
    page: str
    """Uid of the dashboard to look at."""
    panel: str
    """Title of the panel on it."""
    guard: str = ""
    """A condition that has to hold besides, with the labels of `value`."""
    lasting: str = "0s"
    """How long it has to be so before the alert fires (`for`)."""
    keep: str = "0s"
    """How long it goes on firing afterwards (`keep_firing_for`), so that what comes and goes is one alert."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of the page, and the labels that they get their values from."""
    traces: str = ""
    """TraceQL of the traces to look at, with the same templates."""
    every: str = "1m"
    """How often it is looked at."""
    tells_of_silence: bool = False
    """Where nothing can be looked at, this one says so for all."""

    @property
    def condition(self) -> str:
        """The value where the guard holds."""
        return f"({self.value}) and {self.guard}" if self.guard else self.value

    @property
    def expression(self) -> str:
        """The whole rule as PromQL."""
        compared = f"({self.value}) > {self.above:g}"
        return f"{compared} and {self.guard}" if self.guard else compared

    def annotations(self, panel_id: int) -> dict[str, str]:
        """What is said to whoever is told, with the number of the panel to look at. Addresses of Grafana begin with `GRAFANA_ADDRESS`."""
        said = {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{choices.RUNBOOKS}/{self.name}.md",
            "dashboard": self.dashboard_link(panel_id),
        }
        return {**said, "traces": self.trace_link()} if self.traces else said

    def dashboard_link(self, panel_id: int) -> str:
        """The page, on the panel, with the variables of what fired."""
        chosen = "".join(
            f"{{{{ with $labels.{source} }}}}&var-{name}={{{{ . | urlquery }}}}{{{{ end }}}}" for name, source in self.variables.items()
        )
        return f"{GRAFANA_ADDRESS}/d/{self.page}?from=now-1h&to=now{chosen}&viewPanel=panel-{panel_id}"

    def trace_link(self) -> str:
        """Grafana's Explore, with the traces."""
        query = {"refId": "A", "datasource": {"type": "tempo", "uid": "tempo"}, "queryType": "traceql", "query": "<query>", "limit": 20}
        pane = {"datasource": "tempo", "queries": [query], "range": {"from": "now-1h", "to": "now"}}
        panes = quote(json.dumps({"traces": pane}, separators=(",", ":")), safe="")
        return f"{GRAFANA_ADDRESS}/explore?schemaVersion=1&orgId=1&panes={panes.replace(quote('<query>', safe=''), _quoted(self.traces))}"


def grouped(alerts: Mapping[str, Sequence[Alert]]) -> dict[tuple[str, str], list[Alert]]:
    """By group and by how often they are looked at."""
    groups: dict[tuple[str, str], list[Alert]] = {}
    for group, members in alerts.items():
        for alert in members:
            groups.setdefault((group, alert.every), []).append(alert)
    return groups


def _quoted(traceql: str) -> str:
    """A query as part of a JSON text in an address; what its templates give is quoted when they are filled in."""
    parts = traceql.replace("}}", "{{").split("{{")
    quoted = []
    for place, part in enumerate(parts):
        if place % 2 == 0:
            quoted.append(quote(json.dumps(part)[1:-1], safe=""))
        elif part.split()[0] in {"if", "end"}:
            quoted.append(f"{{{{{part}}}}}")
        else:
            quoted.append(f"{{{{{part}| urlquery }}}}")
    return "".join(quoted)
