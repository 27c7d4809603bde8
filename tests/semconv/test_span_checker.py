"""The checker finds each kind of deviation of a span, planted one at a time in a trace that is right otherwise."""

import json
from copy import deepcopy

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode

from .conformance import check_spans

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
HASH = "sha256:" + "0" * 64

ERROR = {
    "graphql.error.message": "the shelf is empty",
    "graphql.document.locations": json.dumps([{"line": 1, "column": 3}]),
    "graphql.field.path": "fails",
    "graphql.field.schema_coordinate": "Query.fails",
    "exception.type": "builtins.ValueError",
    "exception.message": "the shelf is empty",
    "graphql.operation.type": "query",
    "graphql.operation.name": "Get",
}
RIGHT = {
    "request": {
        "name": "query",
        "kind": SpanKind.INTERNAL,
        "attributes": {
            "graphql.processing.type": "request",
            "graphql.operation.type": "query",
            "graphql.operation.name": "Get",
            "graphql.document.hash": HASH,
            "error.type": "ValueError",
            "graphql.error.count": 1,
            "graphql_auto.error.fault": "server",
            "graphql_auto.operation.slow": True,
            "server.port": 8000,
        },
        "status": Status(StatusCode.ERROR),
        "events": [("graphql.error", ERROR), ("graphql_auto.slow_operation", {"graphql_auto.operation.duration": 1.5})],
    },
    "execute": {
        "name": "GraphQL Operation Execution",
        "parent": "request",
        "attributes": {"graphql.processing.type": "execute", "graphql.operation.type": "query"},
    },
    "resolve": {
        "name": "Query.fails",
        "parent": "execute",
        "attributes": {
            "graphql.processing.type": "resolve",
            "graphql.field.name": "fails",
            "graphql.field.parent_type": "Query",
            "graphql.field.schema_coordinate": "Query.fails",
            "error.type": "ValueError",
        },
        "status": Status(StatusCode.ERROR),
    },
}


def deviations(described, *, scope="otel_graphql_auto", schema_url=SCHEMA_URL, **options):
    """Make the described spans with the SDK and check them."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(scope, schema_url=schema_url)
    made = {}
    for which, facts in described.items():
        parent = made.get(facts.get("parent"))
        span = tracer.start_span(
            facts["name"],
            context=trace.set_span_in_context(parent) if parent else None,
            kind=facts.get("kind", SpanKind.INTERNAL),
            attributes=facts["attributes"],
        )
        for name, attributes in facts.get("events", ()):
            span.add_event(name, attributes)
        span.set_status(facts.get("status", Status(StatusCode.UNSET)))
        made[which] = span
    for span in reversed(made.values()):
        span.end()
    assert len(exporter.get_finished_spans()) == len(described)
    return check_spans(exporter.get_finished_spans(), **options)


def altered(which, *, without=(), event=None, event_without=(), attributes=None, **facts):
    """What is right, with one of its spans, or that span's first event, changed."""
    described = deepcopy(RIGHT)
    span = described[which]
    span.update(facts)
    span["attributes"].update(attributes or {})
    for name in without:
        del span["attributes"][name]
    if event or event_without:
        span["events"][0][1].update(event or {})
        for name in event_without:
            del span["events"][0][1][name]
    return described


def test_spans_that_are_right_have_no_deviation():
    """The base of every planted deviation below is itself clean."""
    assert deviations(RIGHT) == []


PLANTED_IN_SPANS = {
    "unknown name in graphql.": (altered("request", attributes={"graphql.invented": "x"}), "graphql.invented is unknown"),
    "unknown name of our own": (altered("request", attributes={"graphql_auto.invented": "x"}), "graphql_auto.invented is unknown"),
    "unknown name of others": (altered("request", attributes={"http.invented": "x"}), "http.invented is unknown"),
    "known name on the wrong span": (altered("execute", attributes={"graphql.field.name": "x"}), "graphql.field.name does not belong"),
    "wrong kind": (altered("request", kind=SpanKind.SERVER), "kind SERVER instead of INTERNAL"),
    "wrong kind of a phase": (altered("execute", kind=SpanKind.CLIENT), "kind CLIENT instead of INTERNAL"),
    "wrong name": (altered("request", name="GraphQL Operation"), "the name should be 'query'"),
    "name with the operation's name": (altered("request", name="query Get"), "the name should be 'query'"),
    "wrong phase name": (altered("execute", name="Execution"), "the name should be 'GraphQL Operation Execution'"),
    "wrong field name": (altered("resolve", name="fails"), "the name should be 'Query.fails'"),
    "no processing type": (altered("request", without=["graphql.processing.type"]), "no span of the model has"),
    "required attribute missing": (altered("resolve", without=["graphql.field.name"]), "graphql.field.name is missing"),
    "operation type missing in execution": (altered("execute", without=["graphql.operation.type"]), "graphql.operation.type is missing"),
    "Error without error.type": (altered("resolve", without=["error.type"]), "status Error without error.type"),
    "error.type on success": (altered("resolve", status=Status(StatusCode.UNSET)), "error.type without status Error"),
    "no fault": (altered("request", without=["graphql_auto.error.fault"]), "graphql_auto.error.fault must be there"),
    "unknown fault": (altered("request", attributes={"graphql_auto.error.fault": "nobody"}), "the value 'nobody'"),
    "operation type outside the model": (altered("execute", attributes={"graphql.operation.type": "poll"}), "the value 'poll'"),
    "count of another type": (altered("request", attributes={"graphql.error.count": "1"}), "should be int, it is str"),
    "slow of another type": (altered("request", attributes={"graphql_auto.operation.slow": "yes"}), "should be boolean, it is str"),
    "port of another type": (altered("request", attributes={"server.port": "8000"}), "should be int, it is str"),
    "hash without its algorithm": (altered("request", attributes={"graphql.document.hash": "0" * 64}), "does not look like"),
    "empty operation name": (altered("execute", attributes={"graphql.operation.name": ""}), "graphql.operation.name is empty"),
    "count that is not the total": (altered("request", attributes={"graphql.error.count": 2}), "1 graphql.error events for"),
    "count of 0": (altered("request", attributes={"graphql.error.count": 0}), "left out when there are no errors"),
    "count missing": (altered("request", without=["graphql.error.count"]), "events without graphql.error.count"),
    "failed without an event": (altered("request", without=["graphql.error.count"], events=[]), "failed without a graphql.error event"),
    "more events than the limit": (
        altered("request", attributes={"graphql.error.count": 11}, events=[("graphql.error", ERROR)] * 11),
        "11 graphql.error events for a graphql.error.count of 11",
    ),
    "type of an operation that could not be parsed": (
        altered("request", attributes={"error.type": "GRAPHQL_PARSE_FAILED"}),
        "graphql.operation.type although parsing failed",
    ),
    "description repeats error.type": (altered("request", status=Status(StatusCode.ERROR, "a ValueError")), "description repeats"),
    "description repeats the message": (altered("request", status=Status(StatusCode.ERROR, "the shelf is empty")), "description repeats"),
    "unknown event": (altered("request", events=[("graphql.oops", {}), *RIGHT["request"]["events"]]), "event 'graphql.oops'"),
    "error event on a phase": (altered("execute", events=[("graphql.error", ERROR)]), "does not belong on this span"),
    "event without a message": (altered("request", event_without=["graphql.error.message"]), "graphql.error.message is missing"),
    "event with a path alone": (altered("request", event_without=["graphql.field.schema_coordinate"]), "belong together"),
    "event with half an exception": (altered("request", event_without=["exception.message"]), "belong together"),
    "event without the operation's name": (
        altered("request", event_without=["graphql.operation.name"]),
        "name differs from that of its span",
    ),
    "event of another operation type": (
        altered("request", event={"graphql.operation.type": "mutation"}),
        "type differs from that of its span",
    ),
    "unknown attribute of an event": (altered("request", event={"graphql.error.severity": 3}), "graphql.error.severity is unknown"),
    "attribute of another event": (altered("request", event={"graphql.document.hash": HASH}), "graphql.document.hash does not belong"),
    "locations that are none": (altered("request", event={"graphql.document.locations": "1:3"}), "no list of lines and columns"),
    "locations that begin with 0": (
        altered("request", event={"graphql.document.locations": '[{"line": 0, "column": 1}]'}),
        "no list of lines and columns",
    ),
    "validation error without locations": (
        altered("request", attributes={"error.type": "GRAPHQL_VALIDATION_FAILED"}, event_without=["graphql.document.locations"]),
        "locations is missing",
    ),
    "phase without its operation": (altered("execute", parent=None), "its parent is no span of an operation"),
}


@pytest.mark.parametrize("planted", PLANTED_IN_SPANS, ids=str)
def test_a_deviation_of_a_span_is_found(planted):
    """Exactly what was planted is reported."""
    described, expected = PLANTED_IN_SPANS[planted]
    found = deviations(described)
    assert found
    assert any(expected in deviation for deviation in found), found


def test_an_operation_that_succeeded_needs_its_type():
    """Without an error the document was parsed, so the type is known."""
    request = {"request": {"name": "GraphQL Operation", "attributes": {"graphql.processing.type": "request"}}}
    assert deviations(request) == ["span 'GraphQL Operation': graphql.operation.type is missing although parsing succeeded"]


def test_the_settings_decide_about_kind_and_name():
    """SERVER and the operation's name are right where they are asked for, and INTERNAL is wrong then."""
    described = altered("request", kind=SpanKind.SERVER, name="query Get")
    assert deviations(described, kind="SERVER", name_with_operation=True) == []
    assert any("kind INTERNAL instead of SERVER" in deviation for deviation in deviations(RIGHT, kind="SERVER"))


def test_names_in_another_scope_are_found():
    """What is emitted under another scope would escape the check otherwise."""
    assert any("of another scope carries graphql.processing.type" in deviation for deviation in deviations(RIGHT, scope="elsewhere"))


def test_a_missing_schema_url_is_found():
    """Telemetry says which version of the conventions it follows."""
    assert "span 'query': no schema URL" in deviations(RIGHT, schema_url=None)
