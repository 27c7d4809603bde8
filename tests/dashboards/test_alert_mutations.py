"""A rule that is changed for the worse fails at least one of its cases: so the cases can fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from dashboards.alerts import Alert
from dashboards.everything import ALERTS

from .alert_cases import APART, BELOW, FIRES, FIRST_AT_ONCE, GAP, LOW_TRAFFIC, RESOLVES, RESTART, SPECIAL
from .alert_rules import CASES, RULES, Rule, general, seconds, timing
from .promtool import failures

pytestmark = pytest.mark.long

OURS: dict[str, Alert] = {
    alert.name: replace(alert, value=general(alert.value)) for alerts in ALERTS.values() for alert in reversed(alerts)
}
"""The first of each name, as in `RULES`."""

SILENCE = "GraphQLNoTelemetry"
"""Its limits are within its query."""

BEFORE = r" unless \(last_over_time\([^()]*\[1h\] offset \w+\) > 0 or [^()]*\)"
NEW = rf"\(last_over_time\([^()]*\){BEFORE}\)"
"""What is counted as a whole (dashboards/events.py)."""

Change = Callable[[Alert, Rule], Iterator[Rule]]


def limit(times: float, instead_of_0: float) -> Change:
    def change(alert: Alert, rule: Rule) -> Iterator[Rule]:
        if alert.name == SILENCE:
            limits = re.sub("> 10 ", f"> {10 * times:g} ", rule["expr"])
            assert limits != rule["expr"]
            yield rule | {"expr": limits}
            return
        old, new = (f"({alert.value}) > {above:g}" for above in (alert.above, alert.above * times or instead_of_0))
        assert rule["expr"].startswith(old)
        yield rule | {"expr": rule["expr"].replace(old, new, 1)}

    return change


def replaced(pattern: str, instead: str | Callable[[re.Match[str]], str] = "") -> Change:
    def change(alert: Alert, rule: Rule) -> Iterator[Rule]:
        if (changed := re.sub(pattern, instead, rule["expr"])) != rule["expr"]:
            yield rule | {"expr": changed}

    return change


def without_guard(alert: Alert, rule: Rule) -> Iterator[Rule]:
    if alert.guard:
        assert rule["expr"].endswith(f" and {alert.guard}")
        yield rule | {"expr": rule["expr"].removesuffix(f" and {alert.guard}")}


def without_a_label(alert: Alert, rule: Rule) -> Iterator[Rule]:
    """Each of those that series are summed by, in turn."""
    labels = {label for found in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in found.split(", ")}
    assert labels
    for label in sorted(labels):
        yield rule | {"expr": re.sub(rf"by \(([^)]*)\b{label}\b(?:, )?", r"by (\1", rule["expr"]).replace(", )", ")")}


def duration(part: str, times: int) -> Change:
    def change(alert: Alert, rule: Rule) -> Iterator[Rule]:
        if part in rule:
            yield rule | {part: f"{seconds(rule[part]) * times}s"}

    return change


CHANGES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "a hundred times the limit": (limit(100, 1000), (FIRES,)),
    "a hundredth of the limit": (limit(0.01, -1), (BELOW, SPECIAL, LOW_TRAFFIC)),
    "without its guard": (without_guard, (LOW_TRAFFIC,)),
    "without one of its labels": (without_a_label, (APART,)),
    "without the first event": (replaced(rf"{NEW} or "), (FIRST_AT_ONCE,)),
    "without restarts": (replaced(r"\(round\(increase\([^()]*\)\) and resets\([^()]*\) > 0\) or "), (RESTART,)),
    "all events are the first": (replaced(BEFORE), (RESOLVES,)),
    "no look at what was an hour ago": (replaced(r"last_over_time\([^()]*\[1h\] offset \w+\) > 0 or "), (GAP,)),
    "no look at what was three hours ago": (replaced(r" or [^()]* offset 3h > 0"), (GAP,)),
    "no look at what was twelve hours ago": (replaced(r" or [^()]* offset 12h > 0"), (GAP,)),
    "windows of twice the length": (
        replaced(r"\[(\d+)([mh])\](?! offset)", lambda found: f"[{2 * int(found[1])}{found[2]}]"),
        (RESOLVES, LOW_TRAFFIC),
    ),
    "client faults too": (replaced(r'\{graphql_auto_error_fault="server"\}'), (SPECIAL,)),
    "what a collector keeps too": (replaced(r'\{error_type!="Shutdown"\}'), (SPECIAL,)),
    "subscriptions too": (replaced(r'\{graphql_operation_type!="subscription"\}'), (SPECIAL,)),
    "at once": (duration("for", 0), (FIRES,)),
    "twice as late": (duration("for", 2), (FIRES,)),
    "over at once": (duration("keep_firing_for", 0), (RESOLVES,)),
    "over twice as late": (duration("keep_firing_for", 2), (RESOLVES,)),
}
"""What is made worse, and the kinds of cases of which one has to notice it."""

NOT_NOTICED = {
    ("a shorter look at what was before", "GraphQLErrorBudgetFast"): "its long window still has what was before the gap",
}


@pytest.fixture(scope="module")
def noticed() -> dict[tuple[str, str], list[bool]]:
    """Change and alert -> for each rule that is made so, whether a case fails. All in one go."""
    tried = [
        (name, alert, rule, [case for case in CASES[alert] if case.kind in kinds])
        for name, (change, kinds) in CHANGES.items()
        for alert in CASES
        for rule in change(OURS[alert], RULES[alert])
    ]
    results = failures(*(timing([rule], cases) for _, _, rule, cases in tried))
    found: dict[tuple[str, str], list[bool]] = {}
    for (name, alert, _, _), failed in zip(tried, results, strict=True):
        found.setdefault((name, alert), []).append(bool(failed))
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_a_worse_rule_is_noticed(change: str, noticed: dict[tuple[str, str], list[bool]]):
    alerts = {alert: found for (name, alert), found in noticed.items() if name == change}
    assert alerts
    assert {alert for alert, found in alerts.items() if not all(found)} == {alert for name, alert in NOT_NOTICED if name == change}


def test_every_alert_was_made_worse(noticed: dict[tuple[str, str], list[bool]]):
    """By a higher and a lower limit each, by what else there is to change in it, and in every label."""
    for alert, rule in RULES.items():
        changes = {name for name, about in noticed if about == alert}
        assert {"a hundred times the limit", "a hundredth of the limit", "without one of its labels"} <= changes
        assert ("at once" in changes, "over at once" in changes) == ("for" in rule, "keep_firing_for" in rule)
        assert ("without its guard" in changes) == bool(OURS[alert].guard)
