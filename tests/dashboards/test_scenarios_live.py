"""The scenarios move every metric that the code names, with every attribute that it may carry: what tests of dashboards see is all there is."""

from __future__ import annotations

import re

import pytest

from otel_graphql_auto.semconv import METRIC_ATTRIBUTES, SCHEMA_NAME
from tests.services.blog import SERVICES

from .observed import Observed

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]

NEVER = {SCHEMA_NAME}
"""The demo has one schema: which one it was goes without saying."""


def underscored(name: str) -> str:
    return name.replace(".", "_")


def series(observed: Observed, name: str) -> list[dict[str, str]]:
    """The labels of each series of a metric, the parts of a histogram included."""
    found = observed.prometheus.api(
        "series", **{"match[]": f'{{__name__=~"{underscored(name)}(_seconds)?(_total)?(_count|_sum|_bucket)?"}}'}
    )
    assert all(one["service_name"] in SERVICES for one in found)
    return found


@pytest.mark.parametrize("name", METRIC_ATTRIBUTES)
def test_a_metric_is_moved_in_both_services(observed: Observed, name: str):
    found = series(observed, name)
    assert {one["service_name"] for one in found} == set(SERVICES)
    for label in map(underscored, set(METRIC_ATTRIBUTES[name]) - NEVER):
        assert any(label in one for one in found), label


@pytest.mark.parametrize("name", [name for name in METRIC_ATTRIBUTES if not re.search(r"request\.active|operation_names$", name)])
def test_a_metric_has_counted_something(observed: Observed, name: str):
    """`request.active` is 0 again, and the number of names is none that grows for ever."""
    counted = observed.prometheus.query(f'sum({{__name__=~"{underscored(name)}(_seconds)?(_total|_count)"}})')
    assert float(counted[0]["value"][1]) > 0


def test_errors_of_each_kind_are_told_apart(observed: Observed):
    kinds = observed.prometheus.query("sum by (error_type, graphql_auto_error_fault) (graphql_server_request_duration_seconds_count)")
    found = {(one["metric"].get("error_type"), one["metric"].get("graphql_auto_error_fault")) for one in kinds}
    assert found >= {
        (None, None),
        ("GRAPHQL_PARSE_FAILED", "client"),
        ("GRAPHQL_VALIDATION_FAILED", "client"),
        ("BAD_USER_INPUT", "client"),
        ("NOT_FOUND", "client"),
        ("ConnectionError", "server"),
    }
