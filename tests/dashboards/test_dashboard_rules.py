"""Every page keeps our rules, and each rule finds what it is for."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from dashboards.__main__ import GENERATED
from dashboards.everything import ALERTS, PAGES
from tests.dashboards.rules import complaints, panels

Page = dict[str, Any]


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    """As they are committed."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (GENERATED / "dashboards").glob("*.json")}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_keeps_the_rules(name: str, pages: dict[str, Page]):
    """Titles, descriptions, units, what is said of nothing, variables, links, places."""
    assert len(list(panels(pages[name]))) > 3
    assert complaints(name, pages) == []


def _first(page: Page, kind: str) -> dict[str, Any]:
    return next(panel for panel in panels(page) if panel["type"] == kind)


def _target(page: Page, kind: str = "timeseries") -> dict[str, Any]:
    target: dict[str, Any] = _first(page, kind)["targets"][0]
    return target


def _link(page: Page) -> dict[str, Any]:
    for panel in panels(page):
        for override in panel.get("fieldConfig", {}).get("overrides", []):
            for one in override["properties"]:
                if one["id"] == "links":
                    link: dict[str, Any] = one["value"][0]
                    return link
    raise AssertionError("no link on the page")


PLANTED: dict[str, tuple[Callable[[Page], Any], str]] = {
    "no description": (lambda page: _first(page, "stat").pop("description"), "no description"),
    "no unit": (lambda page: _first(page, "stat")["fieldConfig"]["defaults"].pop("unit"), "no unit"),
    "no unit of a column": (lambda page: _first(page, "table")["fieldConfig"]["overrides"][-1]["properties"].pop(0), "has no unit"),
    "nothing for no value": (lambda page: _first(page, "table")["fieldConfig"]["defaults"].pop("noValue"), "no value"),
    "a fixed data source": (lambda page: _target(page)["datasource"].update(uid="prometheus"), "asks prometheus"),
    "a fixed window": (lambda page: _target(page).update(expr="rate(x[1m])"), "looks back over 1m"),
    "the last moment only": (lambda page: _target(page, "stat").update(expr="rate(x[$__rate_interval])"), "of the last moment"),
    "no legend": (lambda page: _target(page).pop("legendFormat"), "a line without a name"),
    "an unknown variable": (lambda page: _target(page).update(expr='up{x="$unknown"}'), "$unknown is no variable"),
    "a lost page": (lambda page: _link(page).update(url="/d/graphql-lost?x"), "leads to"),
    "a lost variable": (
        lambda page: _link(page).update(url="/d/graphql-database?var-operation=x&${__url_time_range}"),
        "hands over operation",
    ),
    "a lost column": (lambda page: _link(page).update(url=_link(page)["url"].replace('"Operation"', '"Name"')), "a column 'Name'"),
    "a forgotten time": (lambda page: _link(page).update(url=_link(page)["url"].replace("${__url_time_range}", "")), "forgets the time"),
    "an override of nothing": (
        lambda page: _first(page, "table")["fieldConfig"]["overrides"][0]["matcher"].update(options="Nothing"),
        "an override for 'Nothing'",
    ),
    "an overlap": (lambda page: page["panels"][2]["gridPos"].update(x=0), "lies on"),
    "beside the page": (lambda page: page["panels"][2]["gridPos"].update(x=23), "beside the page"),
    "two of one name": (lambda page: page["panels"][2].update(title=page["panels"][1]["title"]), "two panels are called"),
    "two of one number": (lambda page: page["panels"][2].update(id=page["panels"][1]["id"]), "one number"),
    "links that forget": (lambda page: page["links"][0].update(includeVars=False), "keeps variables"),
    "no numbers first": (lambda page: page["panels"][1].update(type="text"), "begin with numbers"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_rule_finds_what_it_is_for(planted: str, pages: dict[str, Page]):
    """One error in the overview, and the complaint is about that."""
    change, expected = PLANTED[planted]
    changed = copy.deepcopy(pages)
    change(changed["overview"])

    assert any(expected in complaint for complaint in complaints("overview", changed)), complaints("overview", changed)


def test_limits_of_alerts_are_drawn_where_their_links_lead(pages: dict[str, Page]):
    """Somebody who follows the link of an alert sees the limit that was crossed, unless any event at all is one."""
    by_uid = {page["uid"]: page for page in pages.values()}
    checked = 0
    # Exceptions, which come after the rule of their name, are for single operations: the panel is for all.
    for alert in {alert.name: alert for group in ALERTS.values() for alert in reversed(group)}.values():
        [panel] = [panel for panel in panels(by_uid[alert.page]) if panel["title"] == alert.panel]
        if alert.above == 0 or alert.name == "GraphQLErrorBudgetSlow":  # the other one of the pair is on the same panel
            continue
        checked += 1
        limits = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        drawn = panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"]
        assert (alert.above in limits, drawn) == (True, "dashed"), alert.name
    assert checked >= 6


SUMMARY = {
    "average": ("overview", "Average"),
    "median": ("overview", "Median"),
    "p95": ("overview", "p95"),
    "p99": ("overview", "p99"),
    "database queries, average": ("overview", "SQL, average"),
    "database queries, total": ("overview", "SQL, total"),
    "database time, average": ("overview", "DB average"),
    "database time, total": ("overview", "DB total"),
}
"""What the guide's `get_performance_summary()` gives, and the panel that has it."""

COLUMNS = {"Average", "Median", "p95", "p99", "SQL avg", "SQL total", "DB avg", "DB total"}


def test_every_number_of_the_guides_summary_has_its_panel_and_its_column(pages: dict[str, Page]):
    """In all, and for each operation."""
    for page, title in SUMMARY.values():
        assert [panel["type"] for panel in panels(pages[page]) if panel["title"] == title] == ["stat"], title
    [table] = [panel for panel in panels(pages["overview"]) if panel["title"] == "By operation"]
    named = {override["matcher"]["options"] for override in table["fieldConfig"]["overrides"]}
    assert named >= COLUMNS
