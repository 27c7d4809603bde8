"""Grafana's file has the same alerts as the rule file of Prometheus, in words that Grafana understands."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from dashboards import choices
from dashboards.pages import panels_of

from .alert_cases import FIRES
from .alert_rules import ALL_RULES, CASES, GENERATED, PAGES, PROMETHEUS, RULES, Rule, general, seconds
from .promtool import Case, Run, failures

pytestmark = pytest.mark.long

GROUPS: list[dict[str, Any]] = yaml.safe_load((GENERATED / "alerts" / "grafana.yaml").read_text(encoding="utf-8"))["groups"]
GRAFANAS: dict[str, Rule] = {rule["title"]: rule for group in GROUPS for rule in group["rules"]}


def asked(alert: str) -> tuple[str, float]:
    """What Grafana asks Prometheus, and the limit that it compares the answer with."""
    question, threshold = GRAFANAS[alert]["data"]
    (condition,) = threshold["model"]["conditions"]
    (limit,) = condition["evaluator"]["params"]
    return general(question["model"]["expr"]), limit


def test_the_same_alerts_in_the_same_order():
    ours = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))["groups"]
    assert ours
    listed = [(group["name"], group["interval"], [rule["alert"] for rule in group["rules"]]) for group in ours]
    # Titles are unique, and exceptions have a number behind the name.
    titles = [(group["name"], group["interval"], [rule["title"].split()[0] for rule in group["rules"]]) for group in GROUPS]
    assert titles == listed
    assert {(group["orgId"], group["folder"]) for group in GROUPS} == {(1, "GraphQL")}
    # Grafana looks at alerts every ten seconds at most.
    assert all(seconds(group["interval"]) % 10 == 0 for group in GROUPS)


def test_uids_are_unique_and_short():
    uids = [rule["uid"] for rule in GRAFANAS.values()]
    assert len(set(uids)) == len(uids) == len(ALL_RULES)
    assert [uid for uid in uids if not re.fullmatch(r"[a-z0-9-]{1,40}", uid)] == []


@pytest.mark.parametrize("alert", RULES)
def test_it_asks_prometheus_and_compares(alert: str):
    question, threshold = GRAFANAS[alert]["data"]
    assert (question["refId"], question["datasourceUid"], threshold["refId"], threshold["datasourceUid"]) == (
        "A",
        "prometheus",
        "C",
        "__expr__",
    )
    assert (question["model"]["instant"], question["model"]["range"]) == (True, False)
    assert question["relativeTimeRange"]["from"] > question["relativeTimeRange"]["to"] == 0
    assert (threshold["model"]["type"], threshold["model"]["expression"]) == ("threshold", "A")
    assert [condition["evaluator"]["type"] for condition in threshold["model"]["conditions"]] == ["gt"]
    assert GRAFANAS[alert]["condition"] == "C"
    # In a query, unlike elsewhere in the file, `$` is no variable: none is needed.
    assert "$" not in question["model"]["expr"]


@pytest.mark.parametrize("alert", RULES)
def test_it_lasts_as_long(alert: str):
    """Grafana keeps firing only what the query still gives; for how many evaluations it waits for the rest has to be said besides."""
    rule, grafanas = RULES[alert], GRAFANAS[alert]
    keep = rule.get("keep_firing_for", "0s")
    assert (grafanas["for"], grafanas["keepFiringFor"]) == (rule.get("for", "0s"), keep)
    (every,) = [seconds(group["interval"]) for group in GROUPS if grafanas in group["rules"]]
    assert seconds(grafanas["for"]) % every == 0
    assert (grafanas["missing_series_evals_to_resolve"] - 1) * every >= seconds(keep)


@pytest.mark.parametrize("alert", RULES)
def test_nothing_to_look_at_is_no_alert(alert: str):
    """And Prometheus that does not answer is one, not as many as there are rules."""
    assert GRAFANAS[alert]["noDataState"] == "OK"
    assert GRAFANAS[alert]["execErrState"] == ("Error" if alert == "GraphQLNoTelemetry" else "KeepLast")


@pytest.mark.parametrize("alert", RULES)
def test_it_shows_its_panel(alert: str):
    grafanas, linked = GRAFANAS[alert], re.search(r"/d/([\w-]+)\?.*viewPanel=panel-(\d+)$", RULES[alert]["annotations"]["dashboard"])
    assert (grafanas["dashboardUid"], str(grafanas["panelId"])) == linked.groups()
    assert grafanas["panelId"] in {panel["id"] for panel in panels_of(PAGES[grafanas["dashboardUid"]])}


@pytest.mark.parametrize("alert", RULES)
def test_it_says_the_same_in_templates_of_grafana(alert: str):
    """What is measured is a number by the name of its query, addresses begin with that of Grafana, and `$` is not doubled in annotations."""
    ours, grafanas = RULES[alert]["annotations"], GRAFANAS[alert]["annotations"]
    assert list(grafanas) == list(ours)
    for name, text in grafanas.items():
        assert not re.search(r"\$value\b|\$\$|\$\{", text), (name, text)
        assert choices.GRAFANA not in text, "Grafana knows its own address"
        plain = re.sub(r"\{\{ with \$values\.A \}\}\{\{ \.Value (\| \w+ )\}\}\{\{ else \}\}\?\{\{ end \}\}", r"{{ $value \1}}", text)
        assert plain.replace("{{ externalURL }}", f"{choices.GRAFANA}/") == ours[name]
    assert GRAFANAS[alert]["labels"] == RULES[alert]["labels"]
    assert "$" not in "".join(GRAFANAS[alert]["labels"].values())


def compared(case: Case, times: float = 1) -> dict[str, object]:
    """A group of promtool that asks both: in the minute in which the case's first alert begins to fire, else in its last one."""
    question, limit = asked(case.alert)
    grafanas, ours = f"(({question}) > {limit * times:g})", f"({RULES[case.alert]['expr']})"
    minute = case.fires[0].since if case.fires else case.minutes[-1]
    firing = sum(one.since <= minute < one.until for one in case.fires)
    samples = [{"labels": "{}", "value": firing}] if firing else []
    expressions = (f"count({grafanas})", f"count({ours})", f"sum({grafanas} == bool {ours})")
    tests = [{"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples} for expression in expressions]
    return {**case.as_group({}), "alert_rule_test": [], "promql_expr_test": tests}


def test_both_find_the_same():
    """In every case: as many series, with the same labels and values; and with another limit they would not."""
    cases = [case for cases in CASES.values() for case in cases]
    assert sum(bool(case.fires) for case in cases) > 100
    limits = {alert: CASES[alert].of(FIRES)[0] for alert in RULES if asked(alert)[1]}
    assert len(limits) >= 7
    same, otherwise = failures(
        Run("groups: []", [compared(case) for case in cases]), Run("groups: []", [compared(case, 2) for case in limits.values()])
    )
    assert same == {}
    assert set(otherwise) == {case.name for case in limits.values()}
