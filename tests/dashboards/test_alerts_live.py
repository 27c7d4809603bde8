"""Every alert, loaded into the Prometheus of a real stack that has seen every scenario: it is understood, it looks at what there is, and it fires."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from tests.services.processes import wait_until

from .alert_rules import ALL_RULES, RULES
from .observed import Observed
from .promql import Labels, selectors

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]

PROVOKED = {
    "GraphQLErrorBudgetFast",
    "GraphQLErrorBudgetSlow",
    "GraphQLInternalErrors",
    "GraphQLNPlusOne",
    "GraphQLOperationNamesOverflow",
    "GraphQLSlowOperations",
    "GraphQLSlowStatements",
    "GraphQLStatementsPerOperation",
}
"""Alerts that the scenarios are a reason for. Others want something that takes minutes, or telemetry that is lost."""

ABSENT = ("otelcol_exporter_send_failed_", "otelcol_exporter_enqueue_failed_")
"""How the metrics begin that are not there because nothing was lost."""


def loaded(observed: Observed) -> list[dict[str, Any]]:
    """The rules as Prometheus has them."""
    return [rule for group in observed.prometheus.api("rules")["groups"] for rule in group["rules"]]


def silent(observed: Observed) -> set[str]:
    """Alerts of which nothing fires or is about to."""
    rules = loaded(observed)
    return {rule["name"] for rule in rules} - {rule["name"] for rule in rules if rule["state"] != "inactive"}


def test_every_alert_is_loaded_and_evaluated_without_an_error(observed: Observed):
    assert len(RULES) > 10
    wait_until(lambda: all(rule["health"] != "unknown" for rule in loaded(observed)), seconds=10, what="every rule being evaluated")
    rules = loaded(observed)
    assert Counter(rule["name"] for rule in rules) == Counter(rule["alert"] for rule in ALL_RULES)
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"} == {}


@pytest.mark.parametrize("alert", RULES)
def test_what_an_alert_looks_at_is_there(observed: Observed, alert: str):
    """Each metric with the conditions that are put to it, and each label."""
    tree = observed.tree_of(RULES[alert]["expr"])
    found = selectors(tree)
    assert found
    missing = {one.metric for one in found if not observed.prometheus.api("series", **{"match[]": f"{{{one.conditions}}}"})}
    assert {metric for metric in missing if not metric.startswith(ABSENT)} == set()
    followed = Labels(observed.labels_of)
    followed.of(tree)
    assert followed.problems == []


def test_what_the_scenarios_provoke_fires(observed: Observed):
    """Or is pending, where the rule waits for some minutes whether it lasts."""
    assert set(RULES) >= PROVOKED
    end = time.monotonic() + 15
    while (still := silent(observed) & PROVOKED) and time.monotonic() < end:
        time.sleep(0.1)
    assert still == set()


def test_an_alert_that_nothing_has_provoked_stays_silent(observed: Observed):
    assert silent(observed) >= {"CollectorLosesTelemetry", "CollectorQueueFilling", "GraphQLNoTelemetry"}


def test_an_alert_that_fires_says_what_it_is_about(observed: Observed):
    """Its texts are filled in: with names and numbers, and without what a template leaves where it went wrong."""
    alerts = [alert for rule in loaded(observed) for alert in rule["alerts"]]
    assert len(alerts) >= len(PROVOKED)
    for alert in alerts:
        for name in ("summary", "description", "dashboard", "traces"):
            text = alert["annotations"].get(name, "")
            assert not {"{{", "<no value>", "<error"} & {mark for mark in ("{{", "<no value>", "<error") if mark in text}, (alert, name)
        assert alert["annotations"]["summary"], alert
