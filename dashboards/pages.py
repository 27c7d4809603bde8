"""A page: its variables, its links to the other pages, and its panels in rows. Grafana's name for it is dashboard."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.targets import PROMETHEUS

TAG = "otel-graphql-auto"
SCHEMA_VERSION = 42
"""The last one of classic dashboards, which is what Grafana's file provisioning takes."""


@dataclass(frozen=True)
class Row:
    """Panels under a heading. A folded one is not asked for before somebody opens it."""

    title: str
    panels: Sequence[Builder[Panel]]
    folded: bool = False


@dataclass(frozen=True)
class Variable:
    """A choice at the top of the page: the values of a label."""

    name: str
    title: str
    series: str
    label: str


@dataclass(frozen=True)
class Mark:
    """Something that is drawn into all graphs where its query gives anything. `text` may name labels."""

    name: str
    expression: str
    text: str


@dataclass(frozen=True)
class Page:
    """One dashboard. `uid` is its address, and never changes: links and alerts hold it."""

    uid: str
    title: str
    description: str
    rows: Callable[[], Sequence[Row]]
    variables: Sequence[Variable] = ()
    marks: Sequence[Mark] = ()
    has_traces: bool = True

    def as_json(self) -> dict[str, Any]:
        """What Grafana reads, with numbered panels and targets."""
        page = (
            build.Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags([TAG])
            .readonly()
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .time("now-1h", "now")
            .refresh("30s")
            .timezone("browser")
            .link(_links())
            .with_variable(_source("datasource", "Metrics", "prometheus"))
        )
        if self.has_traces:
            page.with_variable(_source("tempo", "Traces", "tempo"))
        for variable in self.variables:
            page.with_variable(_choice(variable))
        for mark in self.marks:
            page.annotation(_annotation(mark))
        for row in self.rows():
            heading = build.Row(row.title).collapsed(row.folded)
            if row.folded:
                for panel in row.panels:
                    heading.with_panel(panel)
                page.with_row(heading)
                continue
            page.with_row(heading)
            for panel in row.panels:
                page.with_panel(panel)
        made: dict[str, Any] = json.loads(json.dumps(page.build(), cls=JSONEncoder))
        made["schemaVersion"] = SCHEMA_VERSION
        _tidy(made)
        _number(made)
        return made


def panels_of(made: dict[str, Any]) -> list[dict[str, Any]]:
    """All panels of a dashboard's JSON, those in folded rows too, without the rows themselves."""
    found: list[dict[str, Any]] = []
    for panel in made["panels"]:
        found.extend([panel] if panel["type"] != "row" else panel.get("panels", []))
    return found


def _tidy(made: dict[str, Any]) -> None:
    """Take out what the SDK writes and Grafana's types do not have."""
    for variable in made["templating"]["list"]:
        for name in ("auto", "auto_count", "auto_min"):  # of interval variables
            variable.pop(name, None)
    for panel in panels_of(made):
        panel.pop("repeatDirection", None)
        if panel["type"] == "table":
            panel["options"].pop("footer", None)  # since 13.2 part of the fields


def _number(made: dict[str, Any]) -> None:
    number = 0
    for top in made["panels"]:
        for panel in (top, *top.get("panels", ())):
            number += 1
            panel["id"] = number
            for place, target in enumerate(panel.get("targets", ())):
                target["refId"] = chr(ord("A") + place)


def _links() -> build.DashboardLink:
    return (
        build.DashboardLink("GraphQL")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
        .as_dropdown(False)
        .icon("external link")
        .tooltip("")
        .url("")
    )


def _source(name: str, title: str, kind: str) -> build.DatasourceVariable:
    # The data sources that are provisioned have these uids; whoever has several chooses.
    return build.DatasourceVariable(name).label(title).type(kind).current(VariableOption(selected=True, text=kind.title(), value=kind))


def _annotation(mark: Mark) -> build.AnnotationQuery:
    target = prometheus.Dataquery().expr(mark.expression).ref_id("Mark")
    return (
        build.AnnotationQuery()
        .name(mark.name)
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color("blue")
        .target(target)
        .title_format(mark.name)
        .text_format(mark.text)
    )


def _choice(variable: Variable) -> build.QueryVariable:
    query = f"label_values({variable.series}, {variable.label})"
    return (
        build.QueryVariable(variable.name)
        .label(variable.title)
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": variable.name})
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
        .hide(VariableHide.DONT_HIDE)
    )
