"""Alerts as a rule file of Prometheus, for whoever has an Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from dashboards import choices
from dashboards.alerts import GRAFANA_ADDRESS, PRODUCT, Alert, grouped
from dashboards.pages import TAG

HEADER = """\
# Written by `make dashboards`; what it says is in dashboards/*_alerts.py, and what you may want to change in dashboards/choices.py.
# For a Prometheus with an Alertmanager (rule_files). Whoever lets Grafana notify takes grafana.yaml instead, not both.
"""


def prometheus_rules(alerts: Mapping[str, Sequence[Alert]], panels: Mapping[tuple[str, str], int]) -> str:
    """The text of the file. `panels`: the number of each panel by page and title."""
    groups = []
    for (group, every), members in grouped(alerts).items():
        groups.append({"name": f"graphql-{group}-{every}", "interval": every, "rules": [_rule(alert, panels) for alert in members]})
    return HEADER + str(yaml.safe_dump({"groups": groups}, sort_keys=False, width=140, allow_unicode=True))


def _rule(alert: Alert, panels: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    rule: dict[str, Any] = {"alert": alert.name, "expr": alert.expression}
    if alert.lasting != "0s":
        rule["for"] = alert.lasting
    if alert.keep != "0s":
        rule["keep_firing_for"] = alert.keep
    rule["labels"] = {"severity": alert.severity, PRODUCT: TAG}
    annotations = alert.annotations(panels[alert.page, alert.panel])
    rule["annotations"] = {name: text.replace(GRAFANA_ADDRESS, choices.GRAFANA) for name, text in annotations.items()}
    return rule
