"""Every span, event and metric that real operations emit is held against the GraphQL semantic conventions and the project's own names."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.test import override_settings
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import ReadableSpan

from otel_graphql_auto import semconv
from otel_graphql_auto.testing import capture

from .conformance import check_metrics, check_spans, span_type
from .model import MODEL, names_of
from .traffic import MANY, SCENARIOS

pytestmark = pytest.mark.django_db

STRICT = "OTEL_PYTHON_GRAPHQL_AUTO_STRICT"


@dataclass(frozen=True)
class Seen:
    """What one scenario emitted."""

    spans: list[ReadableSpan]
    metrics: MetricsData

    def of_type(self, processing_type: str) -> list[ReadableSpan]:
        """The spans of one entry of the model, in the order in which they ended."""
        return [span for span in self.spans if span_type(span) == processing_type]

    def points(self, metric: str) -> list[Any]:
        """The data points of one metric."""
        return [
            point
            for resource in self.metrics.resource_metrics
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric
            for point in found.data.data_points
        ]


@cache
def seen(name: str) -> Seen:
    """Drive a scenario once under its settings and keep what it emitted."""
    scenario = SCENARIOS[name]
    with pytest.MonkeyPatch.context() as patch, override_settings(GRAPHQL_AUTO=scenario.settings):
        patch.setenv(STRICT, "0" if scenario.swallows else "1")
        with capture() as captured:
            scenario.drive()
            return Seen(list(captured.spans), captured.metrics_data())


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_emitted_conforms_to_the_model(name):
    """No span, event or metric deviates, and the operations are the expected ones."""
    scenario, emitted = SCENARIOS[name], seen(name)
    operations = [(span.name, (span.attributes or {}).get("error.type")) for span in emitted.of_type("request")]
    assert len(operations) == len(scenario.operations)
    for (span_name, error_type), (expected_name, expected_error) in zip(operations, scenario.operations, strict=True):
        assert span_name == expected_name
        assert error_type == expected_error or (expected_error is ... and error_type)
    assert scenario.spans <= {span_type(span) for span in emitted.spans}
    assert emitted.points("graphql.server.request.duration")
    assert check_spans(emitted.spans, kind=scenario.kind, name_with_operation=scenario.name_with_operation) == []
    assert check_metrics(emitted.metrics) == []


def test_nothing_of_the_model_is_left_unseen():
    """Every kind of span, event and metric of the rooms that there are was really emitted, so that the test above does not pass on nothing."""
    everything = [seen(name) for name in SCENARIOS]
    spans = [span for emitted in everything for span in emitted.spans]
    assert {span_type(span) for span in spans} == names_of("spans")
    assert {event.name for span in spans for event in span.events} == names_of("events")
    assert {metric for metric in MODEL["metrics"] for emitted in everything if emitted.points(metric)} == names_of("metrics")


def test_the_attributes_of_an_operation_are_all_there():
    """What the conventions only recommend, the package promises."""
    (span,) = seen("query").of_type("request")
    promised = {"graphql.processing.type", "graphql.operation.type", "graphql.operation.name", "graphql.document.hash", "server.address"}
    assert promised <= (span.attributes or {}).keys()
    (failed,) = seen("validation error").of_type("request")
    assert failed.attributes["graphql.operation.type"] == "query"
    assert failed.attributes["graphql.operation.name"] == "Wrong"
    (anonymous,) = seen("anonymous query").of_type("request")
    assert "graphql.operation.name" not in anonymous.attributes
    (named,) = seen("one of several operations").of_type("request")
    assert named.attributes["graphql.operation.name"] == "B"
    (unknown,) = seen("an operation that is not there").of_type("request")
    assert unknown.attributes.get("graphql.operation.name") != "C"


def test_an_error_event_says_where_and_why():
    """Path, coordinate, place and exception of a resolver's error; code of one that has it; no exception where none was raised."""
    (span,) = seen("partial error").of_type("request")
    (event,) = span.events
    assert event.attributes["graphql.field.path"] == "fails"
    assert event.attributes["graphql.field.schema_coordinate"] == "Query.fails"
    assert event.attributes["graphql.document.locations"]
    assert event.attributes["exception.type"].endswith("ValueError")
    assert event.attributes["exception.message"] == "the shelf is empty"
    (coded,) = seen("error with a code").of_type("request")
    assert coded.attributes["error.type"] == "FORBIDDEN"
    (invalid,) = seen("parse error").of_type("request")
    assert not [name for name in invalid.events[0].attributes if name.startswith("exception.")]


def test_error_events_are_capped_and_their_number_is_not():
    """The count is the total; the path of an error inside a list carries the index in brackets."""
    (span,) = seen("more errors than events").of_type("request")
    assert span.attributes["graphql.error.count"] == MANY
    assert len(span.events) == MODEL["error_events_limit"]
    assert span.events[3].attributes["graphql.field.path"] == "items[3].broken"
    (point,) = seen("more errors than events").points("graphql.server.response.error_count")
    assert (point.sum, point.count) == (MANY, 1)


def test_the_errors_of_a_subscription_event_stay_on_its_span():
    """The event that failed carries the error, its neighbours and the operation's setup do not."""
    emitted = seen("subscription with an event that fails")
    assert [[event.name for event in span.events] for span in emitted.of_type("subscription_event")] == [[], ["graphql.error"], []]
    (operation,) = emitted.of_type("request")
    assert not [event for event in operation.events if event.name == "graphql.error"]
    counted = Counter()
    for point in emitted.points("graphql.server.subscription.event_count"):
        counted["error.type" in point.attributes] += point.value
    assert counted == {False: 2, True: 1}


def test_the_duration_of_an_operation_is_that_of_its_span():
    """Metric and span measure the same thing."""
    (span,) = seen("slow operation").of_type("request")
    (point,) = seen("slow operation").points("graphql.server.request.duration")
    assert point.sum == pytest.approx((span.end_time - span.start_time) / 1e9, rel=0.05)


def test_active_requests_come_back_to_zero():
    """What was counted up is counted down under the same attributes, failed or not."""
    for name in ("query", "partial error", "subscription", "batch"):
        points = seen(name).points("graphql.server.request.active")
        assert points
        assert [point.value for point in points] == [0] * len(points)


def test_every_phase_is_measured_under_its_type_and_that_of_the_operation():
    """One point for each phase, with a span of the same length; nothing else is called a phase."""
    emitted = seen("every phase")
    points = {point.attributes["graphql.processing.type"]: point for point in emitted.points("graphql.server.processing.duration")}
    assert points.keys() == {"parse", "validate", "variable_coercion", "execute"}
    for processing_type, point in points.items():
        assert point.attributes["graphql.operation.type"] == "query"
        (span,) = emitted.of_type(processing_type)
        assert point.sum == pytest.approx((span.end_time - span.start_time) / 1e9, abs=2e-6)
    assert [point.attributes for point in emitted.points("graphql.server.request.active")] == [{"graphql.operation.type": "query"}]


def test_the_package_and_the_model_agree_about_metrics():
    """Each metric of the package is one of the model, with no more attributes than the model allows it."""
    assert semconv.METRIC_ATTRIBUTES.keys() <= MODEL["metrics"].keys()
    for name, attributes in semconv.METRIC_ATTRIBUTES.items():
        assert set(attributes) <= MODEL["metrics"][name]["attributes"].keys(), name
        assert not set(attributes) & set(MODEL["never_on_metrics"]), name


def test_the_package_has_no_name_that_the_model_does_not_know():
    """Names that no scenario happens to emit are held against the model too."""
    names = {value for value in vars(semconv).values() if isinstance(value, str) and value.startswith(("graphql.", "graphql_auto."))}
    assert names
    assert names <= MODEL["attributes"].keys() | MODEL["events"].keys() | MODEL["metrics"].keys()
