"""Rules of our own for dashboards, after those of Grafana's dashboard-linter: each gives what is wrong, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Page = dict[str, Any]

SILENT = {"row", "text", "alertlist"}
"""Kinds of panels that ask nothing and have no unit."""

WINDOWS = {"$__rate_interval", "$__range", "90s", "5m", "10m", "15m", "30m", "1h", "6h"}
"""What a rate may look back over: Grafana's interval, the whole time range, or the windows of the alerts that a panel stands for."""

COLUMNS = 24
BUILT_IN = {"__rate_interval", "__range", "__interval", "__url_time_range", "__data"}


def panels(page: Page) -> Iterator[dict[str, Any]]:
    """All of a page, those in folded rows too, without the rows."""
    for panel in page["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def complaints(name: str, pages: Mapping[str, Page]) -> list[str]:
    """What is wrong with one of these pages."""
    page = pages[name]
    found = [*_of_page(page), *_of_layout(page), *_of_links(page, pages)]
    for panel in panels(page):
        found.extend(f"{panel['title']!r}: {complaint}" for complaint in _of_panel(panel, page))
    return found


def _of_page(page: Page) -> Iterator[str]:
    expected = {"schemaVersion": 42, "editable": False, "timezone": "browser", "refresh": "30s", "tags": ["otel-graphql-auto"]}
    for key, value in expected.items():
        if page.get(key) != value:
            yield f"{key} is {page.get(key)!r}"
    if not re.fullmatch(r"graphql-[a-z]+", page["uid"]):
        yield f"its uid is {page['uid']!r}"
    if len(page.get("description", "")) < 20:
        yield "it has no description"
    variables = {variable["name"]: variable for variable in page["templating"]["list"]}
    if variables.get("datasource", {}).get("query") != "prometheus":
        yield "its data source cannot be chosen"
    for variable in variables.values():
        if not variable.get("label"):
            yield f"the variable {variable['name']} has no label"
        if variable["type"] == "query" and not (
            variable["multi"] and variable["includeAll"] and variable["allValue"] == ".*" and variable["refresh"] == 2
        ):
            yield f"the variable {variable['name']} is not for several or all values, or keeps old ones"
    titles = [panel["title"] for panel in panels(page)]
    yield from (f"two panels are called {title!r}" for title in sorted({title for title in titles if titles.count(title) > 1}))
    ids = [panel["id"] for row in page["panels"] for panel in (row, *row.get("panels", []))]
    if len(ids) != len(set(ids)):
        yield "two panels have one number"


def _of_layout(page: Page) -> Iterator[str]:
    places = []
    for row in page["panels"]:
        for panel in (row, *row.get("panels", [])):
            place = panel["gridPos"]
            if place["x"] < 0 or place["x"] + place["w"] > COLUMNS:
                yield f"{panel['title']!r} stands beside the page"
            if row.get("collapsed") and panel is not row:
                continue
            for other, title in places:
                if (
                    place["x"] < other["x"] + other["w"]
                    and other["x"] < place["x"] + place["w"]
                    and place["y"] < other["y"] + other["h"]
                    and other["y"] < place["y"] + place["h"]
                ):
                    yield f"{panel['title']!r} lies on {title!r}"
            places.append((place, panel["title"]))
    first = [panel for panel in page["panels"] if panel["type"] != "row" and panel["gridPos"]["y"] <= 1]
    if not first or any(panel["type"] != "stat" for panel in first):
        yield "it does not begin with numbers"


def _of_links(page: Page, pages: Mapping[str, Page]) -> Iterator[str]:
    if not any(link["type"] == "dashboards" and link["includeVars"] and link["keepTime"] for link in page["links"]):
        yield "no link to the other pages keeps variables and time"
    by_uid = {other["uid"]: other for other in pages.values()}
    for panel in panels(page):
        columns = set(_columns(panel))
        for link in _links(panel):
            uid = re.match(r"/d/([\w-]+)\?", link["url"])
            target = by_uid.get(uid[1]) if uid else None
            if target is None:
                yield f"{panel['title']!r} leads to {link['url']!r}"
                continue
            known = {variable["name"] for variable in target["templating"]["list"]}
            handed = set(re.findall(r"\$\{(\w+):queryparam\}", link["url"])) | set(re.findall(r"var-(\w+)=", link["url"]))
            yield from (
                f"{panel['title']!r} hands over {missing}, which {target['uid']} does not have" for missing in sorted(handed - known)
            )
            asked = set(re.findall(r'fields\["([^"]+)"\]', link["url"]))
            yield from (f"{panel['title']!r} links with a column {missing!r} that it does not have" for missing in sorted(asked - columns))
            if "${__url_time_range}" not in link["url"]:
                yield f"{panel['title']!r} has a link that forgets the time"


def _of_panel(panel: dict[str, Any], page: Page) -> Iterator[str]:
    if len(panel.get("description", "")) < 5:
        yield "no description"
    if panel["type"] in SILENT:
        return
    defaults = panel["fieldConfig"]["defaults"]
    if defaults.get("noValue", "-") == "-":
        yield "nothing is said where there is no value"
    if panel["type"] != "table" and not defaults.get("unit"):
        yield "no unit"
    if not panel.get("targets"):
        yield "asks nothing"
    variables = {variable["name"] for variable in page["templating"]["list"]}
    columns = set(_columns(panel))
    legends = {target.get("legendFormat") for target in panel.get("targets", [])}
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["id"] == "byName" and override["matcher"]["options"] not in columns | legends:
            yield f"an override for {override['matcher']['options']!r}, which is no column"
    if panel["type"] == "table" and panel["datasource"]["uid"] == "${datasource}":
        units = {
            override["matcher"]["options"]
            for override in panel["fieldConfig"]["overrides"]
            if any(p["id"] == "unit" for p in override["properties"])
        }
        numbers = {new for old, new in _renamed(panel).items() if old.startswith("Value")}
        yield from (f"the column {column!r} has no unit" for column in sorted(numbers - units))
    for target in panel.get("targets", []):
        source = target["datasource"]
        if source["uid"] not in {"${datasource}", "${tempo}"} or source["uid"][2:-1] not in variables or panel["datasource"] != source:
            yield f"asks {source['uid']}"
        text = target.get("expr", target.get("query", ""))
        yield from (f"${name} is no variable of the page" for name in sorted(_named(text) - variables - BUILT_IN))
        if "expr" in target:
            yield from _of_query(target, panel)


def _of_query(target: dict[str, Any], panel: dict[str, Any]) -> Iterator[str]:
    windows = set(re.findall(r"\[([^\]:]+)[\]:]", target["expr"]))
    yield from (f"looks back over {window}" for window in sorted(windows - WINDOWS))
    if target.get("instant"):
        if "$__rate_interval" in target["expr"]:
            yield "one value, but of the last moment only: $__range"
    elif panel["type"] != "heatmap" and not target.get("legendFormat"):
        yield "a line without a name"
    if target.get("range") and panel["type"] in {"stat", "table", "bargauge"}:
        yield "asks for all points and shows one"


def _named(text: str) -> set[str]:
    return {first or second for first, second in re.findall(r"\$(?:\{(\w+)[^}]*\}|([a-z_]\w*))", text)}


def _links(panel: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for override in panel.get("fieldConfig", {}).get("overrides", []):
        for one in override["properties"]:
            if one["id"] == "links":
                yield from one["value"]


def _renamed(panel: dict[str, Any]) -> dict[str, str]:
    renamed: dict[str, str] = {}
    for transformation in panel.get("transformations", []):
        renamed |= transformation["options"].get("renameByName", {})
    return renamed


def _columns(panel: dict[str, Any]) -> list[str]:
    if any(target.get("queryType") == "traceql" for target in panel.get("targets", [])):
        return ["Span ID", "Start time", "Duration", *_renamed(panel).values()]
    return list(_renamed(panel).values())
