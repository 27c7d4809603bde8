"""A machine whose clock is wrong loses its own points, and not those that happened to come at the same time."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.services.collector import Collector
from tests.services.processes import wait_until
from tests.services.prometheus import Prometheus

from .otlp import counter, post

MINUTE = 60 * 10**9


def resource_of(service: str, metric: dict[str, Any], at: int) -> dict[str, Any]:
    """One resource with one metric, all of whose points are of this time."""
    for point in metric["sum"]["dataPoints"]:
        point["timeUnixNano"] = str(at)
        point["startTimeUnixNano"] = str(at - MINUTE)
    named = {"key": "service.name", "value": {"stringValue": service}}
    return {"resource": {"attributes": [named]}, "scopeMetrics": [{"metrics": [metric]}]}


@pytest.mark.parametrize(("minutes", "arrives"), [(20, False), (2, True), (-90, True), (-150, False)])
def test_points_of_a_wrong_clock_take_nothing_with_them(
    minutes: int, arrives: bool, shipped: Collector, metrics_backend: Prometheus, started: int
):
    """Ahead or late: what is refused by Prometheus does not come to it; the other service of the same message is there."""
    now, name = time.time_ns(), f"clock.{minutes + 1000}"
    good = resource_of("on-time", counter(name, {(): 1}, start=started), now)
    other = resource_of("elsewhere", counter(name, {(): 2}, start=started), now + minutes * MINUTE)

    assert post(shipped.endpoint, {"resourceMetrics": [good, other]}) == 200

    series = f"{name.replace('.', '_')}_total"
    wait_until(lambda: metrics_backend.query(f'{series}{{job="on-time"}}'), seconds=15, what="the point of the right clock")
    found = metrics_backend.query(f'{series}{{job="elsewhere"}}[4h]', time=time.time() + 3600)
    values = [value for one in found for _, value in one["values"] if value != "0"]
    assert values == (["2"] if arrives else [])
