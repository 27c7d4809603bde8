"""Every alert of the committed rule file fires when it has to, and at no other minute: real `promtool`, with 15-second samples."""

from __future__ import annotations

import re
import subprocess

import pytest

from dashboards import choices
from otel_graphql_auto.semconv import REQUEST_DURATION
from tests.services.collector import built

from .alert_cases import KINDS, SPECIAL
from .alert_rules import ALL_RULES, CASES, PROMETHEUS, RULES, timing
from .promtool import Case, failures

pytestmark = pytest.mark.long

ALL = [case for cases in CASES.values() for case in cases]


@pytest.fixture(scope="module")
def failed() -> dict[str, str]:
    """All cases in one go: name of a case -> what was wrong. An alert meets its own rule only, which is much faster."""
    runs = [timing([RULES[alert]], list(cases)) for alert, cases in CASES.items()]
    return {name: told for found in failures(*runs) for name, told in found.items()}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_it_fires_then_and_only_then(case: Case, failed: dict[str, str]):
    assert case.name not in failed, f"{failed[case.name]}\nAfter a change in choices.py: alert_cases_*.py may have the number too"


def test_every_alert_of_the_rule_file_has_cases():
    assert RULES
    assert set(CASES) == set(RULES)
    assert len({case.name for case in ALL}) == len(ALL)


@pytest.mark.parametrize("alert", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_alert_has_a_case_of_each_kind_or_a_reason(alert: str, kind: str):
    cases = CASES[alert]
    assert bool(cases.of(kind)) != bool(cases.why_not.get(kind)), f"either cases or a reason: {alert}, {kind}"


def test_cases_look_at_what_they_expect():
    """Each alert that is to fire is looked at while it does, and while it does not."""
    assert ALL
    for case in ALL:
        assert case.kind in (*KINDS, SPECIAL), case.name
        assert len(case.minutes) >= 10, case.name
        for one in case.fires:
            assert {one.since <= minute < one.until for minute in case.minutes} == {True, False}, case.name


def test_prometheus_has_nothing_to_say_against_the_file():
    """But that the exceptions of SLOW_OPERATIONS_OF have the name and the labels of their rule, as they are meant to."""

    def check(*lint: str) -> subprocess.CompletedProcess[str]:
        command = [built("prometheus") / "promtool", "check", "rules", *lint, PROMETHEUS]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    understood = check("--lint=none")
    assert understood.returncode == 0, understood.stdout + understood.stderr
    assert f"SUCCESS: {len(ALL_RULES)} rules found" in understood.stdout + understood.stderr
    names = [rule["alert"] for rule in ALL_RULES]
    with_exceptions = {name for name in names if names.count(name) > 1}
    assert with_exceptions <= {"GraphQLSlowOperations"}
    told = (done := check("--lint=all", "--lint-fatal")).stdout + done.stderr
    assert set(re.findall(r"^Metric: (\w+)$", told, re.MULTILINE)) == with_exceptions, told
    assert bool(done.returncode) == bool(with_exceptions), told


def test_the_limit_of_durations_is_a_bound_of_their_buckets():
    """Between two bounds a percentile is an estimate."""
    assert choices.LATENCY_SECONDS in REQUEST_DURATION.buckets
