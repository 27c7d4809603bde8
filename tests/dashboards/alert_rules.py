"""The committed rules one by one, and all cases of their alerts."""

from __future__ import annotations

import json
from collections.abc import Sequence
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


RULES: dict[str, Rule] = {rule["alert"]: rule for rule in rules_in(PROMETHEUS.read_text(encoding="utf-8"))}
CASES: dict[str, Cases] = {cases.alert: cases for cases in (*counted_cases(), *share_cases(), *operation_cases(), *pipeline_cases())}
PAGES: dict[str, dict[str, Any]] = {
    page["uid"]: page for path in GENERATED.glob("dashboards/*.json") for page in [json.loads(path.read_text(encoding="utf-8"))]
}
"""The committed dashboards, by uid."""


def timing(rules: Sequence[Rule], cases: Sequence[Case]) -> Run:
    """Whether these rules fire when the cases say so; what they write is left out."""
    without = [{name: part for name, part in rule.items() if name != "annotations"} for rule in rules]
    text = yaml.safe_dump({"groups": [{"name": "timing", "rules": without}]}, sort_keys=False)
    own_labels = {rule["alert"]: rule["labels"] for rule in rules}
    return Run(text, [case.as_group(own_labels[case.alert]) for case in cases])
