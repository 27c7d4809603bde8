"""The committed dashboards as lists of what they ask: panels with their queries, and queries of variables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .rules import panels

FILES = sorted((Path(__file__).resolve().parents[2] / "dashboards" / "generated" / "dashboards").glob("*.json"))

BUILT_IN = {"__rate_interval": "10s", "__interval": "5s", "__range": "300s", "__range_s": "300"}
"""What Grafana would put there: more than four scrapes of a second each, and all of the time that a short run has."""


@dataclass(frozen=True)
class Target:
    """One query of a panel; `query` is PromQL or TraceQL with its variables filled in, all of them chosen."""

    dashboard: str
    panel: str
    letter: str
    source: str
    query: str
    instant: bool
    legend: str

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it stands: dashboard, title of the panel, letter of the query."""
        return self.dashboard, self.panel, self.letter


def targets(source: str = "prometheus") -> list[Target]:
    """Of all panels of all dashboards, those in folded rows too, and of annotations; `source` is `prometheus` or `tempo`."""
    return [target for file in FILES for target in _targets(file) if target.source == source]


def variable_queries() -> dict[tuple[str, str], str]:
    """By dashboard and variable: what its values are asked with."""
    found = {}
    for file in FILES:
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                query = variable["query"]["query"] if isinstance(variable["query"], dict) else variable["query"]
                found[file.stem, variable["name"]] = filled(query, _values(dashboard))
    return found


def filled(query: str, values: Mapping[str, str]) -> str:
    """With what stands for `$name` and `${name}`; the longest names first, since one may begin like another."""
    for name in sorted(values, key=len, reverse=True):
        query = query.replace(f"${{{name}}}", values[name]).replace(f"${name}", values[name])
    return query


def _values(dashboard: dict[str, Any]) -> dict[str, str]:
    """Everything is chosen of each variable that has several values."""
    return BUILT_IN | {one["name"]: one.get("allValue") or ".*" for one in dashboard["templating"]["list"] if one["type"] != "datasource"}


def _targets(file: Path) -> Iterator[Target]:
    dashboard = json.loads(file.read_text(encoding="utf-8"))
    values = _values(dashboard)
    annotations = [
        {
            "title": f"annotation {one['name']}",
            "datasource": one["datasource"],
            "targets": [{**one["target"], "legendFormat": one["textFormat"]}],
        }
        for one in dashboard["annotations"].get("list", [])
    ]
    for panel in [*panels(dashboard), *annotations]:
        for target in panel.get("targets", ()):
            source = (target.get("datasource") or panel["datasource"])["type"]
            query = filled(target["expr" if source == "prometheus" else "query"], values)
            yield Target(
                file.stem, panel["title"], target["refId"], source, query, bool(target.get("instant")), target.get("legendFormat", "")
            )
