"""Operation names are bounded in the collector once more, and what was counted under the names that go is counted under `_OTHER`."""

from __future__ import annotations

import time

from tests.services.collector import attributes, backend, collector
from tests.services.processes import wait_until

from .otlp import CUMULATIVE, counter, metrics_of, pairs, post, span, spans_of

NAME = "graphql.operation.name"


def named(name: str, **further: str) -> tuple[tuple[str, str], ...]:
    return ((NAME, name), *further.items())


def histogram(name: str, counts: dict[str, list[int]], start: int) -> dict:
    """A cumulative histogram with the bounds 0.1 and 1; every measurement is 0.5. Each point has an exemplar."""
    now = str(time.time_ns())
    points = [
        {
            "startTimeUnixNano": str(start),
            "timeUnixNano": now,
            "attributes": pairs({NAME: operation}),
            "count": str(sum(buckets)),
            "sum": sum(buckets) * 0.5,
            "bucketCounts": [str(count) for count in buckets],
            "explicitBounds": [0.1, 1],
            "exemplars": [
                {
                    "timeUnixNano": now,
                    "asDouble": 0.5,
                    "traceId": "0" * 31 + "1",
                    "spanId": "0" * 15 + "1",
                    "filteredAttributes": pairs({"user.id": "pl4nted"}),
                }
            ],
        }
        for operation, buckets in counts.items()
    ]
    return {"name": name, "unit": "s", "histogram": {"aggregationTemporality": CUMULATIVE, "dataPoints": points}}


def test_with_a_list_every_other_name_is_one(metrics_backend, started):
    with backend() as store:
        where = {"TEMPO_ADDR": store.grpc_address, "PROMETHEUS_OTLP_URL": metrics_backend.otlp_url}
        with collector(GRAPHQL_KNOWN_OPERATIONS="Feed|Search", **where) as server:
            assert (
                post(server.endpoint, spans_of(*(span(attributes={NAME: name}) for name in ("Feed", "Search", "Feeds", "Made1", "Made2"))))
                == 200
            )
            resource = {"service.name": "bounded", "service.instance.id": "one"}
            slow = counter(
                "graphql_auto.operation.slow",
                {
                    named("Feed", type="query"): 3,
                    named("Made1", type="query"): 4,
                    named("Made2", type="query"): 5,
                    named("Made1", type="mutation"): 6,
                },
                start=started,
            )
            duration = histogram("graphql.server.request.duration", {"Feed": [1, 2, 3], "Made1": [10, 0, 1], "Made2": [0, 5, 0]}, started)
            assert post(server.endpoint, metrics_of(slow, duration, resource=resource)) == 200
            wait_until(lambda: len(store.spans()) == 5, seconds=15, what="the spans arriving")
            names = sorted(attributes(one)[NAME] for one in store.spans())
            count = 'graphql_server_request_duration_seconds_count{job="bounded"}'
            wait_until(lambda: len(metrics_backend.query(count)) == 2, seconds=15, what="the histogram in Prometheus")

    assert names == ["Feed", "Search", "_OTHER", "_OTHER", "_OTHER"]

    def values(metric: str, *labels: str) -> dict[tuple[str, ...], float]:
        series = metrics_backend.query(f'{metric}{{job="bounded"}}')
        return {tuple(one["metric"][label] for label in labels): float(one["value"][1]) for one in series}

    operation = "graphql_operation_name"
    assert values("graphql_auto_operation_slow_total", operation, "type") == {
        ("Feed", "query"): 3,
        ("_OTHER", "query"): 9,
        ("_OTHER", "mutation"): 6,
    }
    assert values("graphql_server_request_duration_seconds_count", operation) == {("Feed",): 6, ("_OTHER",): 16}
    assert values("graphql_server_request_duration_seconds_sum", operation) == {("Feed",): 3, ("_OTHER",): 8}
    assert values("graphql_server_request_duration_seconds_bucket", operation, "le")[("_OTHER", "1")] == 15
    exemplars = metrics_backend.api(
        "query_exemplars", query='graphql_server_request_duration_seconds_bucket{job="bounded"}', start=time.time() - 60, end=time.time()
    )
    assert {one["seriesLabels"][operation] for one in exemplars} == {"Feed", "_OTHER"}
    assert {label for one in exemplars for exemplar in one["exemplars"] for label in exemplar["labels"]} == {"trace_id", "span_id"}


def test_without_a_list_a_name_is_what_graphql_calls_one_and_not_too_long(through):
    names = ["Feed", "_private", "a" * 100, "a" * 101, "has space", "emoji🎉", "1st", ""]
    arrived = [attributes(one)[NAME] for one in through(*(span(attributes={NAME: name}) for name in names))]

    assert arrived == ["Feed", "_private", "a" * 100, *["_OTHER"] * 5]
