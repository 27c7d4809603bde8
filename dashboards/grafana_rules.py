"""Alerts as Grafana provisions them, for whoever lets Grafana look at them and notify."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from dashboards.alerts import GRAFANA_ADDRESS, PRODUCT, Alert, grouped
from dashboards.pages import TAG

FOLDER = "GraphQL"
"""The same one as that of the pages (provisioning/dashboards)."""

HEADER = """\
# Written by `make dashboards`; what it says is in dashboards/*_alerts.py, and what you may want to change in dashboards/choices.py.
# Grafana reads it at its start, from provisioning/alerting.
"""


def grafana_rules(alerts: Mapping[str, Sequence[Alert]], panels: Mapping[tuple[str, str], int]) -> str:
    """The text of the file. `panels`: the number of each panel by page and title."""
    groups = []
    for (group, every), members in grouped(alerts).items():
        rules = [_rule(alert, place, panels) for alert, place in _places(members)]
        groups.append({"orgId": 1, "name": f"graphql-{group}-{every}", "folder": FOLDER, "interval": every, "rules": rules})
    return HEADER + str(yaml.safe_dump({"apiVersion": 1, "groups": groups}, sort_keys=False, width=140, allow_unicode=True))


def _places(members: Sequence[Alert]) -> list[tuple[Alert, int]]:
    """Each alert with its number among those of its name: here, titles are unique."""
    seen: dict[str, int] = {}
    placed = []
    for alert in members:
        seen[alert.name] = seen.get(alert.name, 0) + 1
        placed.append((alert, seen[alert.name]))
    return placed


def _rule(alert: Alert, place: int, panels: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    title = alert.name if place == 1 else f"{alert.name} {place}"
    panel = panels[alert.page, alert.panel]
    return {
        "uid": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", title.replace("GraphQL", "Graphql").replace(" ", "-")).lower(),
        "title": title,
        "condition": "C",
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": {"from": 600, "to": 0},
                "datasourceUid": "prometheus",
                "model": {
                    "refId": "A",
                    "expr": alert.condition,
                    "instant": True,
                    "range": False,
                    "editorMode": "code",
                    "legendFormat": "__auto",
                },
            },
            {
                "refId": "C",
                "datasourceUid": "__expr__",
                "model": {
                    "refId": "C",
                    "type": "threshold",
                    "expression": "A",
                    "conditions": [{"evaluator": {"type": "gt", "params": [alert.above]}}],
                },
            },
        ],
        # Nothing to look at is nothing wrong: that there is no telemetry is an alert of its own.
        "noDataState": "OK",
        # Where Prometheus cannot be asked, one alert of all says so.
        "execErrState": "Error" if alert.tells_of_silence else "KeepLast",
        "for": alert.lasting,
        "keepFiringFor": alert.keep,
        # A query leaves out what is below its guard, and Grafana keeps firing only what a query still gives: what is missing is waited for as long.
        "missing_series_evals_to_resolve": _evaluations(alert),
        "dashboardUid": alert.page,
        "panelId": panel,
        "annotations": {name: _own_words(text) for name, text in alert.annotations(panel).items()},
        "labels": {"severity": alert.severity, PRODUCT: TAG},
    }


def _own_words(text: str) -> str:
    """A template as Grafana understands it: what was measured is query A, where it gave anything, and Grafana knows its address.

    Annotations are taken as they are: `$$` would not become `$`, as it does in other provisioning files.
    """
    measured = re.sub(r"\{\{ \$value (\| \w+ )\}\}", r"{{ with $values.A }}{{ .Value \1}}{{ else }}?{{ end }}", text)
    return measured.replace(f"{GRAFANA_ADDRESS}/", "{{ externalURL }}")


def _evaluations(alert: Alert) -> int:
    """How many evaluations in a row without the series end its alert; Grafana's default is 2."""
    return max(2, _seconds(alert.keep) // _seconds(alert.every) + 1)


def _seconds(duration: str) -> int:
    """A duration as it is written here (`30s`, `5m`, `6h`)."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]
