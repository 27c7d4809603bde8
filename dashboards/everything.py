"""All pages and all alerts, and the files that they become."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboards import database, database_alerts, execution, execution_alerts, overview, pipeline, pipeline_alerts, postgresql, redis
from dashboards.alerts import Alert
from dashboards.grafana_rules import grafana_rules
from dashboards.pages import Page, panels_of
from dashboards.prometheus_rules import prometheus_rules

PAGES: Final[Mapping[str, Page]] = {
    "overview": overview.PAGE,
    "execution": execution.PAGE,
    "database": database.PAGE,
    "pipeline": pipeline.PAGE,
    "postgresql": postgresql.PAGE,
    "redis": redis.PAGE,
}

ALERTS: Final[Mapping[str, Sequence[Alert]]] = {
    "execution": execution_alerts.ALERTS,
    "database": database_alerts.ALERTS,
    "pipeline": pipeline_alerts.ALERTS,
}
"""By the group that they are looked at in."""


def files() -> dict[str, str]:
    """What `generated/` holds: path -> text."""
    made = {name: page.as_json() for name, page in PAGES.items()}
    panels = {(page["uid"], panel["title"]): panel["id"] for page in made.values() for panel in panels_of(page)}
    written = {f"dashboards/{name}.json": _text(page) for name, page in made.items()}
    written["alerts/prometheus.yaml"] = prometheus_rules(ALERTS, panels)
    written["alerts/grafana.yaml"] = grafana_rules(ALERTS, panels)
    return written


def _text(page: dict[str, Any]) -> str:
    return json.dumps(page, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
