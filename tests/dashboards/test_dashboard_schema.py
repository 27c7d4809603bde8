"""The committed dashboards are what Grafana's own types say a dashboard is, down to the options of each panel, its queries and its overrides."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.grafana_schema import dashboard_schema

from .dashboard_problems import problems

FOLDER = Path(__file__).resolve().parents[2] / "dashboards" / "generated" / "dashboards"
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
TEMPO = {"type": "tempo", "uid": "${tempo}"}
LINES, COLUMNS, SPANS, NUMBER = range(4)
"""Places of the panels below."""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Of a dashboard, of each kind of panel, and of each kind of query."""
    return dashboard_schema()


def test_the_committed_dashboards_are_understood(schema):
    """All of them, and every panel in them, those in folded rows too."""
    files = sorted(FOLDER.glob("*.json"))
    assert files
    found = {}
    for file in files:
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        assert [panel for panel in dashboard["panels"] if panel["type"] != "row" or panel["panels"]], file.name
        if lines := problems(dashboard, schema):
            found[file.name] = lines
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


def test_a_sound_dashboard_has_no_problems(schema):
    assert problems(sound(), schema) == []


PLANTED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a value that an option does not have": (
        lambda made: made["panels"][NUMBER]["options"].update(colorMode="colour"),
        "panels[3] 'Number'.options.colorMode: 'colour' is not one of",
    ),
    "an option that the panel does not have": (
        lambda made: made["panels"][LINES]["options"].update(graphMode="area"),
        "panels[0] 'Lines'.options: Additional properties are not allowed ('graphMode' was unexpected)",
    ),
    "a misspelt property of the fields": (
        lambda made: made["panels"][LINES]["fieldConfig"]["defaults"]["custom"].update(lineWith=2),
        "fieldConfig.defaults.custom: Additional properties are not allowed ('lineWith' was unexpected)",
    ),
    "text for a number": (
        lambda made: made["panels"][LINES]["fieldConfig"]["defaults"].update(decimals="2"),
        "fieldConfig.defaults.decimals: '2' is not of type 'number'",
    ),
    "custom fields of a panel that has none": (
        lambda made: made["panels"][NUMBER]["fieldConfig"]["defaults"].update(custom={"lineWidth": 1}),
        "('lineWidth' was unexpected)",
    ),
    "a kind of panel that is not": (lambda made: made["panels"][LINES].update(type="graphs"), "'graphs' is not a kind of panel"),
    "a panel that has left Grafana": (lambda made: made["panels"][LINES].update(type="graph"), "'graph' is not a kind of panel"),
    "a panel without a place": (lambda made: made["panels"][LINES].pop("gridPos"), "'gridPos' is a required property"),
    "an error in a folded row": (
        lambda made: made["panels"][-1]["panels"][0]["options"]["color"].update(mode="spectrum"),
        "panels[7].panels[0] 'Folded'.options.color.mode: 'spectrum' is not one of",
    ),
    "an overridden property that is not": (
        lambda made: overridden(made, COLUMNS).append({"id": "units", "value": "s"}),
        "'units' is not a property that can be overridden here",
    ),
    "an overridden property of another kind of panel": (
        lambda made: overridden(made, COLUMNS).append({"id": "custom.lineWidth", "value": 1}),
        "'custom.lineWidth' is not a property that can be overridden here",
    ),
    "an overridden property that Grafana does not register": (
        lambda made: overridden(made, COLUMNS).append({"id": "description", "value": "Words."}),
        "'description' is not a property that can be overridden here",
    ),
    "a part of an overridden property": (
        lambda made: overridden(made, COLUMNS).append({"id": "custom.hideFrom.viz", "value": True}),
        "'custom.hideFrom.viz' is not a property that can be overridden here",
    ),
    "an overridden property with a wrong value": (
        lambda made: overridden(made, COLUMNS).append({"id": "custom.align", "value": "middle"}),
        "'custom.align': 'middle' is not one of",
    ),
    "an overridden property without a value": (
        lambda made: overridden(made, COLUMNS).append({"id": "decimals"}),
        "'decimals' has no value",
    ),
    "thresholds of another shape": (
        lambda made: overridden(made, COLUMNS).append({"id": "thresholds", "value": [{"value": 1, "color": "red"}]}),
        "'thresholds': [{'value': 1, 'color': 'red'}] is not of type 'object'",
    ),
    "a threshold without a colour": (
        lambda made: made["panels"][NUMBER]["fieldConfig"]["defaults"]["thresholds"]["steps"].append({"value": 1}),
        "thresholds.steps[1]: 'color' is a required property",
    ),
    "a matcher that is not": (
        lambda made: made["panels"][COLUMNS]["fieldConfig"]["overrides"][0]["matcher"].update(id="byTitle"),
        "overrides[0].matcher: {'id': 'byTitle', 'options': 'p95'} is not valid",
    ),
    "a matcher with options of another kind": (
        lambda made: made["panels"][COLUMNS]["fieldConfig"]["overrides"][0]["matcher"].update(options=["p95"]),
        "overrides[0].matcher.options: ['p95'] is not of type 'string'",
    ),
    "a link whose property is misspelt": (
        lambda made: overridden(made, COLUMNS).append({"id": "links", "value": [{"title": "Open", "url": "/", "targetBlanc": True}]}),
        "('targetBlanc' was unexpected)",
    ),
    "a transformation that is not": (
        lambda made: made["panels"][COLUMNS]["transformations"].append({"id": "organise", "options": {}}),
        "transformations[1]: {'id': 'organise', 'options': {}} is not valid",
    ),
    "an option that a transformation does not have": (
        lambda made: made["panels"][COLUMNS]["transformations"][0]["options"].update(renameByNames={}),
        "transformations[0].options: Additional properties are not allowed ('renameByNames' was unexpected)",
    ),
    "a reducer that is not": (
        lambda made: made["panels"][LINES]["options"]["legend"].update(calcs=["average"]),
        "options.legend.calcs[0]: 'average' is not one of",
    ),
    "a unit that is not": (
        lambda made: made["panels"][LINES]["fieldConfig"]["defaults"].update(unit="percentunits"),
        "defaults.unit: 'percentunits' is not a unit that Grafana knows",
    ),
    "an overridden unit that is not": (
        lambda made: overridden(made, COLUMNS).append({"id": "unit", "value": "seconds"}),
        "value: 'seconds' is not a unit that Grafana knows",
    ),
    "a query of Prometheus with a format that is not": (
        lambda made: made["panels"][LINES]["targets"][0].update(format="timeseries"),
        "targets[0].format: 'timeseries' is not one of",
    ),
    "a query of Tempo sent to Prometheus": (
        lambda made: made["panels"][SPANS]["targets"][0].update(datasource=PROMETHEUS, expr="{}"),
        "targets[0]: Additional properties are not allowed ('filters', 'query', 'queryType', 'tableType' were unexpected)",
    ),
    "a kind of query that Tempo does not have": (
        lambda made: made["panels"][SPANS]["targets"][0].update(queryType="traceQL"),
        "targets[0].queryType: 'traceQL' is not one of",
    ),
    "a data source that the stack does not have": (
        lambda made: made["panels"][LINES]["targets"][0].update(datasource={"type": "loki", "uid": "loki"}),
        "targets[0]: 'loki' is not a kind of data source",
    ),
    "a variable that is asked at a time that is not": (
        lambda made: made["templating"]["list"][0].update(refresh=7),
        "$.templating.list[0].refresh: 7 is not one of",
    ),
    "a property that dashboards do not have": (lambda made: made.update(autorefresh="30s"), "('autorefresh' was unexpected)"),
}


@pytest.mark.parametrize(("plant", "told"), PLANTED.values(), ids=PLANTED)
def test_what_is_wrong_is_found(plant, told, schema):
    """Each mistake is told with its place, and nothing else is."""
    made = sound()
    plant(made)
    found = problems(made, schema)
    assert len(found) == 1, found
    assert told in found[0]


def overridden(made: dict[str, Any], place: int) -> list[dict[str, Any]]:
    """The properties of the panel's first override."""
    properties: list[dict[str, Any]] = made["panels"][place]["fieldConfig"]["overrides"][0]["properties"]
    return properties


def sound() -> dict[str, Any]:
    """A small dashboard with a panel of each kind."""
    query = {"refId": "A", "datasource": PROMETHEUS, "expr": "up"}
    spread = panel("heatmap", "Folded", [query | {"format": "heatmap"}], options={"color": {"mode": "scheme"}, "yAxis": {"unit": "s"}})
    panels = [
        panel(
            "timeseries",
            "Lines",
            [query | {"range": True, "exemplar": True, "legendFormat": "{{job}}"}],
            options={"legend": {"calcs": ["mean", "p95"], "displayMode": "table"}, "tooltip": {"mode": "multi"}},
            defaults={"unit": "percentunit", "custom": {"lineWidth": 1, "stacking": {"mode": "normal"}}},
        ),
        panel(
            "table",
            "Columns",
            [query | {"format": "table", "instant": True}],
            options={"cellHeight": "sm"},
            overrides=[
                {
                    "matcher": {"id": "byName", "options": "p95"},
                    "properties": [
                        {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                        {"id": "custom.width", "value": 80},
                    ],
                }
            ],
            transformations=[{"id": "organize", "options": {"renameByName": {"Value": "p95"}}}],
        ),
        panel(
            "table",
            "Spans",
            [{"refId": "A", "datasource": TEMPO, "queryType": "traceql", "query": "{}", "filters": [], "tableType": "traces"}],
        ),
        panel(
            "stat",
            "Number",
            [query],
            options={"colorMode": "value", "reduceOptions": {"calcs": ["lastNotNull"]}},
            defaults={"unit": "suffix: of 5", "thresholds": {"mode": "absolute", "steps": [{"value": None, "color": "green"}]}},
        ),
        panel("bargauge", "Bars", [query], options={"displayMode": "basic"}),
        panel("text", "Words", [], options={"mode": "markdown", "content": "Words."}),
        panel("alertlist", "Alerts", [], options={"viewMode": "list", "stateFilter": {"firing": True}}),
        {"id": 8, "type": "row", "title": "More", "collapsed": True, "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}, "panels": [spread]},
    ]
    variable = {"type": "query", "name": "service", "query": {"query": "label_values(service_name)", "refId": "service"}, "refresh": 2}
    return copy.deepcopy({"uid": "sound", "title": "Sound", "schemaVersion": 42, "panels": panels, "templating": {"list": [variable]}})


def panel(kind: str, title: str, targets: list[dict[str, Any]], *, defaults=None, overrides=(), **parts: Any) -> dict[str, Any]:
    """One with what each of them has."""
    fields = {"defaults": defaults or {}, "overrides": list(overrides)}
    place = {"x": 0, "y": 0, "w": 12, "h": 8}
    return {"id": 1, "type": kind, "title": title, "gridPos": place, "targets": targets, "fieldConfig": fields, **parts}
