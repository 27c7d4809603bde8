"""The checker finds each kind of deviation of a metric, planted one at a time."""

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from .conformance import check_metrics
from .model import MODEL

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
HASH = "sha256:" + "0" * 64
PHASE_BUCKETS = [0.0001, 0.001, 0.01, 0.1, 1, 5]


def metric_deviations(record, *, scope="otel_graphql_auto", schema_url=SCHEMA_URL):
    """Let `record` use a meter and check what comes out."""
    reader = InMemoryMetricReader()
    record(MeterProvider(metric_readers=[reader]).get_meter(scope, schema_url=schema_url))
    return check_metrics(reader.get_metrics_data())


def histogram(name, attributes, *, unit="s", buckets=None):
    """A recorder of one value."""
    buckets = MODEL["metrics"].get(name, {}).get("buckets") if buckets is None else buckets
    return lambda meter: meter.create_histogram(name, unit=unit, explicit_bucket_boundaries_advisory=buckets).record(1, attributes)


def counter(name, attributes, *, unit):
    """A recorder of one count."""
    return lambda meter: meter.create_counter(name, unit=unit).add(1, attributes)


DURATION = "graphql.server.request.duration"
PHASE = "graphql.server.processing.duration"
QUERY = {"graphql.operation.type": "query"}
RIGHT_METRICS = {
    "duration": histogram(DURATION, QUERY),
    "failed": histogram(DURATION, {"error.type": "ValueError", "graphql_auto.error.fault": "server"}),
    "active": lambda meter: meter.create_up_down_counter("graphql.server.request.active", unit="{request}").add(1, QUERY),
    "phase": histogram(PHASE, {**QUERY, "graphql.processing.type": "parse"}, buckets=PHASE_BUCKETS),
    "errors": histogram("graphql.server.response.error_count", QUERY, unit="{error}"),
    "slow": counter("graphql_auto.operation.slow", QUERY, unit="{operation}"),
    "names": lambda meter: meter.create_gauge("graphql_auto.operation_names", unit="{name}").set(1),
}
PLANTED_IN_METRICS = {
    "unknown metric": (counter("graphql.server.invented", QUERY, unit="1"), "metric graphql.server.invented: unknown"),
    "unknown metric of our own": (counter("graphql_auto.invented", QUERY, unit="1"), "metric graphql_auto.invented: unknown"),
    "wrong unit": (histogram(DURATION, QUERY, unit="ms"), "unit 'ms' instead of 's'"),
    "wrong instrument": (counter(DURATION, QUERY, unit="s"), "counter instead of histogram"),
    "counter that can go down": (
        lambda meter: meter.create_up_down_counter("graphql_auto.operation.slow", unit="{operation}").add(1, QUERY),
        "updowncounter instead of counter",
    ),
    "gauge for a sum": (
        lambda meter: meter.create_gauge("graphql.server.request.active", unit="{request}").set(1, QUERY),
        "gauge instead of updowncounter",
    ),
    "wrong buckets": (histogram(DURATION, QUERY, buckets=[1, 2]), "buckets [1, 2] instead of"),
    "wrong range of buckets": (histogram(PHASE, {**QUERY, "graphql.processing.type": "parse"}, buckets=[1, 2]), "buckets from 1 to 2"),
    "attribute of another metric": (histogram(DURATION, {**QUERY, "graphql.processing.type": "parse"}), "is not one of this metric"),
    "forbidden attribute": (
        histogram(DURATION, {**QUERY, "graphql.document.hash": HASH}),
        "graphql.document.hash must never be on a metric",
    ),
    "private attribute": (histogram(DURATION, {**QUERY, "user.id": "7"}), "user.id must never be on a metric"),
    "unknown attribute": (histogram(DURATION, {**QUERY, "graphql.invented": "x"}), "graphql.invented is unknown"),
    "required attribute missing": (histogram(PHASE, QUERY, buckets=PHASE_BUCKETS), "required attribute graphql.processing.type is missing"),
    "no operation type, no error": (histogram(DURATION, {}), "graphql.operation.type is missing although nothing failed"),
    "fault without an error": (histogram(DURATION, {**QUERY, "graphql_auto.error.fault": "client"}), "belong together"),
    "value outside the model": (histogram(DURATION, {"graphql.operation.type": "poll"}), "which the model does not list"),
    "phase that is none": (
        histogram(PHASE, {**QUERY, "graphql.processing.type": "request"}, buckets=PHASE_BUCKETS),
        "which this metric does not use",
    ),
    "attribute of the wrong type": (histogram(DURATION, {"graphql.operation.type": 1}), "should be string, it is int"),
}


@pytest.mark.parametrize("right", RIGHT_METRICS)
def test_metrics_that_are_right_have_no_deviation(right):
    """The base of every planted deviation below is itself clean."""
    assert metric_deviations(RIGHT_METRICS[right]) == []


@pytest.mark.parametrize("planted", PLANTED_IN_METRICS, ids=str)
def test_a_deviation_of_a_metric_is_found(planted):
    """Exactly what was planted is reported."""
    record, expected = PLANTED_IN_METRICS[planted]
    found = metric_deviations(record)
    assert found
    assert any(expected in deviation for deviation in found), found


def test_metrics_of_another_scope_are_found():
    """A metric with our name under another scope would escape the check otherwise."""
    assert metric_deviations(RIGHT_METRICS["duration"], scope="elsewhere") == [f"metric {DURATION} comes from another scope"]


def test_a_missing_schema_url_of_a_metric_is_found():
    """Metrics too say which version of the conventions they follow."""
    assert metric_deviations(RIGHT_METRICS["duration"], schema_url=None) == [f"metric {DURATION}: no schema URL"]
