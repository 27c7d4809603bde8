"""What several pages show of operations: how fast they are, as numbers."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat

from dashboards import choices
from dashboards.panels import figure
from otel_graphql_auto import queries
from otel_graphql_auto.queries import Scope


def speed(time_range: Scope) -> list[stat.Panel]:
    """How many were slow, and how long they took."""
    return [
        figure(
            "Slow",
            "Operations over their threshold (SLOW_QUERY_THRESHOLD, SLOW_QUERY_THRESHOLDS).",
            queries.slow_operations(time_range),
            unit="short",
            counted=True,
            limits=(1,),
            missing="none",
        ),
        figure("Average", "Mean duration, without subscriptions.", queries.duration_mean(time_range), unit="s", missing="no runs"),
        figure("Median", "Half of the operations took no longer.", queries.duration_quantile(time_range, 0.5), unit="s", missing="no runs"),
        figure(
            "p95",
            f"95 % of the operations took no longer. Red above {choices.LATENCY_SECONDS:g} s.",
            queries.duration_quantile(time_range, 0.95),
            unit="s",
            limits=(choices.LATENCY_SECONDS,),
            missing="no runs",
        ),
        figure("p99", "99 % of the operations took no longer.", queries.duration_quantile(time_range, 0.99), unit="s", missing="no runs"),
    ]
