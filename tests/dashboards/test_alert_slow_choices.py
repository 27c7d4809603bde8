"""Single services and operations may be allowed another number of slow runs, and each has one alert, never two."""

from __future__ import annotations

import pytest
import yaml

from dashboards import choices
from dashboards.execution_alerts import slow_operations
from dashboards.grafana_rules import grafana_rules
from dashboards.prometheus_rules import prometheus_rules

from .alert_cases import BLOG, SHOP, SPECIAL, STAGING
from .alert_rules import rules_in, timing
from .promtool import ONE_SAMPLE, Case, Firing, Labels, counter, failures, series, written

pytestmark = pytest.mark.long

CHOSEN = {("shop", "ExportOrders"): 10, ("blog", ""): 3, ("blog", "Feed"): 20}
PANELS = {("graphql-operation", "Slow operations"): 15}
RULES = prometheus_rules({"execution": slow_operations(CHOSEN)}, PANELS)
ALERT = "GraphQLSlowOperations"
TOO_MANY = choices.SLOW_OPERATIONS + 1
"""For those of whom no exception is made."""


def happened(of: Labels, times: int, operation: str = "") -> dict[str, str]:
    """So many slow runs, after a hundred minutes."""
    labels = {**of, "graphql_operation_name": operation} if operation else of
    return {series("graphql_auto_operation_slow_total", labels, service_instance_id="1"): counter((0, 100), (times, ONE_SAMPLE), (0, 60))}


def fires(of: Labels, operation: str = "") -> Firing:
    return Firing({**of, "graphql_operation_name": operation} if operation else of, 100, 115)


EXPORTS = series("graphql_auto_operation_slow_total", SHOP, graphql_operation_name="ExportOrders", service_instance_id="1")
ENDED = {EXPORTS: f"{counter((0, 100), (5, ONE_SAMPLE))} stale _x100"}

CASES = [
    Case(ALERT, SPECIAL, title, given, firing, range(80, 130))
    for title, given, firing in [
        ("an operation, as many as it may", happened(SHOP, 10, "ExportOrders"), []),
        ("an operation, one more", happened(SHOP, 11, "ExportOrders"), [fires(SHOP, "ExportOrders")]),
        ("in another environment too", happened(STAGING, 11, "ExportOrders"), [fires(STAGING, "ExportOrders")]),
        ("others of its service", happened(SHOP, TOO_MANY, "Feed"), [fires(SHOP, "Feed")]),
        ("those without a name of its service", happened(SHOP, TOO_MANY), [fires(SHOP)]),
        (
            "its name in another service",
            happened({**SHOP, "service_name": "desk"}, TOO_MANY, "ExportOrders"),
            [fires({**SHOP, "service_name": "desk"}, "ExportOrders")],
        ),
        ("a service, as many as its operations may", happened(BLOG, 3, "Search") | happened(BLOG, 3), []),
        ("a service, one more", happened(BLOG, 4, "Search") | happened(BLOG, 4), [fires(BLOG, "Search"), fires(BLOG)]),
        ("an operation of such a service has its own number", happened(BLOG, 20, "Feed"), []),
        ("and one more", happened(BLOG, 21, "Feed"), [fires(BLOG, "Feed")]),
        ("a process that ended", ENDED, []),
        (
            "all at the same time",
            happened(SHOP, 10, "ExportOrders")
            | happened(SHOP, TOO_MANY, "Feed")
            | happened(BLOG, 21, "Feed")
            | happened(BLOG, 3, "Search"),
            [fires(SHOP, "Feed"), fires(BLOG, "Feed")],
        ),
    ]
]


@pytest.fixture(scope="module")
def failed() -> dict[str, str]:
    (found,) = failures(timing(rules_in(RULES), CASES))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_each_has_its_own_number(case: Case, failed: dict[str, str]):
    assert case.name not in failed, failed[case.name]


def test_the_alert_says_which_number_it_has():
    cases = [case for case in CASES if case.fires]
    allowed = {
        case.title: {text["description"].partition("allowed: ")[2] for _, text in written(RULES, cases)[case.name]} for case in cases
    }
    assert allowed["an operation, one more"] == {"10."}
    assert allowed["a service, one more"] == {"3."}
    assert allowed["and one more"] == {"20."}
    assert allowed["others of its service"] == {f"{choices.SLOW_OPERATIONS}."}


def test_without_a_choice_there_is_one_rule():
    assert len(slow_operations({})) == 1
    assert len(slow_operations(CHOSEN)) == 1 + len(CHOSEN)


def test_in_grafana_each_has_a_title_and_a_uid_of_its_own():
    rules = yaml.safe_load(grafana_rules({"execution": slow_operations(CHOSEN)}, PANELS))["groups"][0]["rules"]
    assert len({rule["title"] for rule in rules}) == len({rule["uid"] for rule in rules}) == len(rules) == 1 + len(CHOSEN)
    assert [rule["data"][1]["model"]["conditions"][0]["evaluator"]["params"] for rule in rules] == [
        [choices.SLOW_OPERATIONS],
        [10],
        [3],
        [20],
    ]
