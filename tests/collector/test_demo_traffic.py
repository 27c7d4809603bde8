"""The demo under opentelemetry-instrument, through the shipped collector, into a real Prometheus and the store of traces."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.end_to_end.service import Service, environment, telemetry_environment
from tests.services.collector import REPOSITORY, Collector, attributes
from tests.services.processes import wait_until
from tests.services.prometheus import Prometheus

TIMES = 6
NAIVE = "query PostsNaive { postsNaive(limit: 12) { title author { username } } }"
SECRET = "pl4nted"

OWN_METRICS = (
    "otelcol_exporter_queue_capacity",
    "otelcol_exporter_queue_size",
    "otelcol_exporter_sent_metric_points_total",
    "otelcol_exporter_sent_spans_total",
    "otelcol_process_memory_rss_bytes",
    "otelcol_process_uptime_seconds_total",
    "otelcol_processor_memory_limiter_accepted_spans_total",
    "otelcol_receiver_accepted_metric_points_total",
    "otelcol_receiver_accepted_spans_total",
    "otelcol_receiver_refused_spans_total",
)


@pytest.fixture(scope="module")
def trace_ids(shipped: Collector, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Requests were sent to the demo, which has ended since, and so has exported everything. Gives their trace ids by operation."""
    demo = tmp_path_factory.mktemp("collected") / "demo"
    shutil.copytree(REPOSITORY / "demo", demo, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    variables = {"DEMO_DATABASE": str(demo / "db.sqlite3"), "OTEL_SERVICE_NAME": "demo"}
    for command in (("migrate",), ("seed", "--users=6", "--posts=3", "--comments=2")):
        done = subprocess.run(
            [sys.executable, "manage.py", *command, "--verbosity=0"],
            cwd=demo,
            env=environment(demo.parent, variables | {"OTEL_SDK_DISABLED": "true"}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    with Service(demo, "runserver", telemetry_environment(shipped.endpoint, variables)) as service:
        ask = service.client.query
        answers = {
            "PostsNaive": [ask(NAIVE, path="/graphql/") for _ in range(TIMES)],
            "Slow": [ask("query Slow { slow(ms: 1100) }", path="/graphql/")],
            "Failure": [ask("query Failure { unexpectedFailure }", path="/graphql/") for _ in range(2)],
            "Literal": [ask(f'query Literal {{ hello(name: "{SECRET}") }}', path="/graphql/")],
            "health": [service.client.get("/healthz")],
        }
        assert [len(one.data["postsNaive"]) for one in answers["PostsNaive"]] == [12] * TIMES
        service.stop()
    return {name: [one.trace_id for one in exchanges] for name, exchanges in answers.items()}


def spans_of_trace(store: Collector, trace_id: str) -> list[dict[str, Any]]:
    return [one for one in store.spans() if one["traceId"] == trace_id]


def test_the_trace_of_a_request_arrives_whole(trace_ids, trace_backend):
    trace_id = trace_ids["PostsNaive"][-1]
    wait_until(lambda: spans_of_trace(trace_backend, trace_id) != [], seconds=15, what="the trace arriving")
    spans = spans_of_trace(trace_backend, trace_id)
    [request] = [one for one in spans if one["kind"] == 2]
    [operation] = [one for one in spans if attributes(one).get("graphql.processing.type") == "request"]
    statements = [one for one in spans if one["kind"] == 3]

    assert operation["parentSpanId"] == request["spanId"]
    assert attributes(operation)["graphql.operation.name"] == "PostsNaive"
    assert attributes(operation)["graphql_auto.db.query_count"] == "13"
    assert [event["name"] for event in operation["events"]] == ["graphql_auto.n_plus_one"]
    assert {attributes(one)["graphql.field.schema_coordinate"] for one in statements} == {"Query.postsNaive", "Post.author"}
    assert all(attributes(one)["db.query.text"].startswith("SELECT") for one in statements)


def test_nothing_personal_and_no_health_check_arrives(trace_ids, trace_backend):
    wait_until(lambda: spans_of_trace(trace_backend, trace_ids["Literal"][0]) != [], seconds=15, what="the trace arriving")

    assert SECRET not in trace_backend.file.read_text()
    assert spans_of_trace(trace_backend, trace_ids["health"][0]) == []


def test_prometheus_has_the_numbers_of_every_operation(trace_ids, metrics_backend: Prometheus):
    labels = 'job="demo", graphql_operation_name="PostsNaive"'
    requests = f"graphql_server_request_duration_seconds_count{{{labels}}}"
    wait_until(lambda: metrics_backend.value(requests) == TIMES, seconds=15, what="every request counted")

    assert metrics_backend.value(f"graphql_auto_operation_db_queries_sum{{{labels}}}") == 13 * TIMES
    assert metrics_backend.value('graphql_auto_n_plus_one_total{job="demo", graphql_field_schema_coordinate="Post.author"}') == TIMES
    failures = 'graphql_server_request_duration_seconds_count{job="demo", graphql_auto_error_fault="server"}'
    assert metrics_backend.value(failures) == 2
    [series] = metrics_backend.query(requests)
    assert {"service_name", "service_instance_id", "telemetry_sdk_name"} & series["metric"].keys() == {
        "service_name",
        "service_instance_id",
    }


def test_the_first_slow_operation_ever_is_an_increase(trace_ids, metrics_backend: Prometheus):
    """Without the zero that Prometheus puts at the counter's start, an alert on the first one would stay silent."""
    increase = 'sum(increase(graphql_auto_operation_slow_total{job="demo", graphql_operation_name="Slow"}[5m]))'
    wait_until(lambda: (metrics_backend.value(increase) or 0) > 0, seconds=20, what="an increase")


def test_an_exemplar_leads_to_a_trace_that_is_there(trace_ids, metrics_backend: Prometheus, trace_backend):
    query = 'graphql_server_request_duration_seconds_bucket{job="demo"}'

    def exemplars() -> set[str]:
        found = metrics_backend.api("query_exemplars", query=query, start=time.time() - 300, end=time.time())
        return {one["labels"]["trace_id"] for series in found for one in series["exemplars"]}

    wait_until(lambda: exemplars() != set(), seconds=15, what="exemplars")

    assert exemplars() <= {one["traceId"] for one in trace_backend.spans()}


def test_the_collector_tells_of_itself(trace_ids: dict[str, list[str]], metrics_backend: Prometheus):
    """It sends its own metrics every 15 seconds: those of spans, too, soon after there were any."""

    def missing() -> list[str]:
        names = set(metrics_backend.api("label/__name__/values"))
        return [name for name in OWN_METRICS if name not in names]

    wait_until(lambda: missing() == [], seconds=40, what="the collector's own metrics")
    assert {one["metric"]["exporter"] for one in metrics_backend.query("otelcol_exporter_queue_capacity")} >= {
        "otlp_grpc/tempo",
        "otlp_http/prometheus",
    }
