"""The committed rules one by one, and all cases of their alerts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from .alert_cases import Cases
from .alert_cases_counted import counted_cases
from .alert_cases_operations import operation_cases
from .alert_cases_pipeline import pipeline_cases
from .alert_cases_shares import share_cases
from .promtool import Case, Run

GENERATED = Path(__file__).resolve().parents[2] / "dashboards" / "generated"
PROMETHEUS = GENERATED / "alerts" / "prometheus.yaml"

Rule = dict[str, Any]


def rules_in(text: str) -> list[Rule]:
    """Rules of a rule file, in its order."""
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def general(expression: str) -> str:
    """The same for those of whom no exception is made (SLOW_OPERATIONS_OF): cases have services of common names. test_alert_slow_choices.py tries exceptions."""
    return re.sub(r" unless on \(service_name, graphql_operation_name\) \(last_over_time\(.*?\]\)\)", "", expression)


def _first_of_each_name(rules: Sequence[Rule]) -> dict[str, Rule]:
    first: dict[str, Rule] = {}
    for rule in rules:
        first.setdefault(rule["alert"], rule | {"expr": general(rule["expr"])})
    return first


ALL_RULES: list[Rule] = rules_in(PROMETHEUS.read_text(encoding="utf-8"))
RULES: dict[str, Rule] = _first_of_each_name(ALL_RULES)
"""By name; exceptions have the name of the rule that they are exceptions of."""
CASES: dict[str, Cases] = {cases.alert: cases for cases in (*counted_cases(), *share_cases(), *operation_cases(), *pipeline_cases())}
PAGES: dict[str, dict[str, Any]] = {
    page["uid"]: page for path in GENERATED.glob("dashboards/*.json") for page in [json.loads(path.read_text(encoding="utf-8"))]
}
"""The committed dashboards, by uid."""


def seconds(duration: str) -> int:
    """A duration as rules have it (`30s`, `5m`, `6h`)."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def as_file(rules: Iterable[Rule]) -> str:
    """A rule file of these."""
    return str(yaml.safe_dump({"groups": [{"name": "tried", "rules": list(rules)}]}, sort_keys=False))


def timing(rules: Sequence[Rule], cases: Sequence[Case]) -> Run:
    """Whether these rules fire when the cases say so; what they write is left out."""
    without = [{name: part for name, part in rule.items() if name != "annotations"} for rule in rules]
    own_labels = {rule["alert"]: rule["labels"] for rule in rules}
    return Run(as_file(without), [case.as_group(own_labels[case.alert]) for case in cases])
