"""What an operation leaves behind: one span, its numbers, and events where something went wrong."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time

import graphene
import pytest
from graphql import GraphQLError
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind

import otel_graphql_auto
from otel_graphql_auto import semconv
from otel_graphql_auto.testing import capture
from tests.schema import schema


def value_of(seen, metric, **attributes):
    """Sum of the values (or counts) of a metric's points that carry these attributes."""
    points = seen.metrics().get(metric.name, [])
    wanted = {getattr(semconv, key): value for key, value in attributes.items()}
    return sum(getattr(p, "count", None) or getattr(p, "value", 0) for p in points if wanted.items() <= dict(p.attributes).items())


def span_named(seen, name):
    (span,) = [span for span in seen.spans if span.name == name]
    return span


def test_the_span_lasts_as_long_as_the_metric_says(seen, post):
    """One number, in seconds, under both names."""
    post("query A { slow(ms: 20) }")
    (span,) = seen.operation_spans
    (point,) = seen.metrics()[semconv.REQUEST_DURATION.name]
    assert 0.02 < point.sum < 1
    assert (span.end_time - span.start_time) / 1e9 == pytest.approx(point.sum, abs=1e-6)


def test_a_slow_operation_says_so_in_four_places(seen, post, configure, caplog):
    """Span attribute, event, counter and one WARNING with operation, document, numbers and trace id; a fast one in none."""
    configure(SLOW_QUERY_THRESHOLD=500)
    with caplog.at_level(logging.INFO, "otel_graphql_auto"):
        assert post("query Fast { hello }").status_code == 200
        assert post("query Slow { slow(ms: 550) }").status_code == 200
    fast, slow = seen.operation_spans
    assert semconv.SLOW not in fast.attributes
    assert slow.attributes[semconv.SLOW] is True
    (event,) = [event for event in slow.events if event.name == semconv.EVENT_SLOW]
    assert event.attributes[semconv.THRESHOLD] == 0.5
    assert event.attributes[semconv.DURATION] >= 0.55
    assert value_of(seen, semconv.SLOW_OPERATIONS, OPERATION_NAME="Slow") == value_of(seen, semconv.SLOW_OPERATIONS) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    for part in (
        "Slow",
        slow.attributes[semconv.DOCUMENT_HASH],
        format(slow.context.trace_id, "032x"),
        "threshold 500 ms",
        "db 0 in 0.0 ms",
    ):
        assert part in record.getMessage()
    assert record.trace_id == format(slow.context.trace_id, "032x")


def test_an_operation_can_have_a_threshold_of_its_own(seen, post, configure):
    """SLOW_QUERY_THRESHOLDS by operation name."""
    configure(SLOW_QUERY_THRESHOLD=10_000, SLOW_QUERY_THRESHOLDS={"Export": 20, "Batch": 10_000})
    post("query Export { slow }")
    post("query Batch { slow }")
    assert [semconv.SLOW in span.attributes for span in seen.operation_spans] == [True, False]


@pytest.mark.parametrize(
    ("query", "kind", "whose", "partial"),
    [
        ("{ hello", "GRAPHQL_PARSE_FAILED", "client", False),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED", "client", False),
        ("{ failing hello }", "ValueError", "server", True),
        ("{ refused }", "BAD_USER_INPUT", "client", True),
        ("{ required }", "TypeError", "server", False),
    ],
)
def test_errors_on_http_200_are_errors(seen, post, query, kind, whose, partial):
    """Status, type, fault, count, event and metric, whatever the HTTP status."""
    post(query)
    (span,) = seen.operation_spans
    assert not span.status.is_ok
    assert bool(span.status.description) == partial
    assert span.attributes[semconv.ERROR_TYPE] == kind
    assert span.attributes[semconv.FAULT] == whose
    assert span.attributes[semconv.GRAPHQL_ERROR_COUNT] == 1
    assert [event.name for event in span.events] == [semconv.EVENT_ERROR]
    assert value_of(seen, semconv.REQUEST_DURATION, ERROR_TYPE=kind, FAULT=whose) == 1
    (point,) = seen.metrics()[semconv.ERROR_COUNT.name]
    assert (point.count, point.sum) == (1, 1)


def test_error_events_are_capped_and_counted(seen, post):
    """Thirty errors: ten events, the count whole, each error on its field's count."""
    post("{ items(count: 30) { broken } }")
    (span,) = seen.operation_spans
    assert span.attributes[semconv.GRAPHQL_ERROR_COUNT] == 30
    assert len(span.events) == 10
    assert span.events[0].attributes[semconv.FIELD_PATH] == "items[0].broken"
    assert span.events[0].attributes[semconv.FIELD_SCHEMA_COORDINATE] == "Item.broken"
    assert span.events[0].attributes[semconv.EXCEPTION_TYPE] == "LookupError"
    assert value_of(seen, semconv.FIELD_ERRORS, FIELD_SCHEMA_COORDINATE="Item.broken", ERROR_TYPE="LookupError") == 30


def test_error_events_are_log_records_too_where_logs_are_exported(client):
    """WARN where there is data, ERROR where there is none, in the trace of the operation."""
    exporter = InMemoryLogRecordExporter()
    logs = LoggerProvider()
    logs.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    otel_graphql_auto.instrument(tracer_provider=TracerProvider(shutdown_on_exit=False), logger_provider=logs)
    for query in ("{ failing hello }", "{ nope }"):
        client.post("/graphql", json.dumps({"query": query}), content_type="application/json")
    partial, total = [log.log_record for log in exporter.get_finished_logs()]
    assert (partial.event_name, partial.severity_text, total.severity_text) == (semconv.EVENT_ERROR, "WARN", "ERROR")
    assert partial.trace_id != 0
    assert partial.attributes[semconv.EXCEPTION_TYPE] == "ValueError"
    logs.shutdown()


def test_an_error_classifier_decides_whose_fault(seen, post, configure):
    """A callable or its dotted path; what it does not know is decided as usual."""
    configure(ERROR_CLASSIFIER=lambda error: "client" if "something" in error.message else None)
    post("{ failing }")
    post("{ items(count: 1) { broken } }")
    assert [span.attributes[semconv.FAULT] for span in seen.operation_spans] == ["client", "server"]


def tenant(operation, request):
    operation.set_attribute("app.tenant", request.headers["X-Tenant"])


def answered(operation, result):
    operation.set_attribute("app.fields", len(result.data))


def test_hooks_add_attributes_of_the_applications_own(seen, post, configure):
    """REQUEST_HOOK when the operation is known, RESPONSE_HOOK with its result."""
    configure(REQUEST_HOOK="tests.execution.test_room.tenant", RESPONSE_HOOK="tests.execution.test_room.answered")
    post("{ hello who }", **{"X-Tenant": "acme"})
    (span,) = seen.operation_spans
    assert span.attributes["app.tenant"] == "acme"
    assert span.attributes["app.fields"] == 2


@pytest.mark.usefixtures("forgiving")
def test_a_hook_that_raises_breaks_nothing(seen, post, configure):
    """The answer and the span are there."""

    def raises(*args):
        raise RuntimeError("hook")

    configure(REQUEST_HOOK=raises, RESPONSE_HOOK=raises, ERROR_CLASSIFIER=raises)
    assert post("{ hello failing }").json()["data"] == {"hello": "world", "failing": None}
    assert seen.operation_spans[0].attributes[semconv.FAULT] == "server"


@pytest.mark.parametrize("prefix", ["apollographql-client", "graphql-client"])
def test_the_client_is_named(seen, post, prefix):
    """By the headers that GraphQL clients send, cut."""
    post("{ hello }", **{f"{prefix}-name": "shop-web", f"{prefix}-version": "9" * 500})
    (span,) = seen.operation_spans
    assert span.attributes[semconv.CLIENT_NAME] == "shop-web"
    assert len(span.attributes[semconv.CLIENT_VERSION]) == 100


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        ("testserver", "testserver", None),
        ("testserver:8443", "testserver", 8443),
        ("testserver:80", "testserver", None),
        ("[::1]:8000", "::1", 8000),
        ("[::1]", "::1", None),
    ],
)
def test_the_servers_address(seen, post, settings, host, address, port):
    """As the client called it, the port only where it is not the scheme's own."""
    settings.ALLOWED_HOSTS = ["*"]
    post("{ hello }", host=host)
    (span,) = seen.operation_spans
    assert (span.attributes[semconv.SERVER_ADDRESS], span.attributes.get(semconv.SERVER_PORT)) == (address, port)


def test_documents_variables_and_users_are_not_captured_unless_asked_for(seen, post):
    """No literal, variable or user anywhere in what is exported."""
    post('query P($v: String) { echo(text: "hunter2") other: echo(text: $v) }', variables={"v": "swordfish"})
    everything = str([(span.name, dict(span.attributes), [dict(event.attributes) for event in span.events]) for span in seen.spans])
    assert "hunter2" not in everything
    assert "swordfish" not in everything
    assert semconv.USER_ID not in everything


def test_documents_and_variables_when_asked_for(seen, post, configure):
    """Redacted: without literals; variables: without secrets, by name."""
    query = 'query P($v: String) { echo(text: "hunter2", secretToken: $v) }'
    configure(CAPTURE_DOCUMENT="redacted", CAPTURE_VARIABLES=True)
    post(query, variables={"v": "fish"})
    configure(CAPTURE_DOCUMENT="full", CAPTURE_VARIABLES=True)
    post("query S($password: String) { echo(text: $password) }", variables={"password": "fish"})
    redacted, full = seen.operation_spans
    assert 'echo(text: "*", secretToken: $v)' in redacted.attributes[semconv.DOCUMENT_TEXT]
    assert json.loads(redacted.attributes[semconv.VARIABLES]) == {"v": "fish"}
    assert full.attributes[semconv.DOCUMENT_TEXT] == "query S($password: String) { echo(text: $password) }"
    assert json.loads(full.attributes[semconv.VARIABLES]) == {"password": "[redacted]"}


def test_the_user_when_asked_for(seen, rf, configure):
    """The primary key of an authenticated user, as text; nothing of an anonymous one."""
    from types import SimpleNamespace

    configure(CAPTURE_USER=True)
    for authenticated in (True, False):
        request = rf.post("/graphql")
        request.user = SimpleNamespace(is_authenticated=authenticated, pk=42)
        assert schema.execute("{ hello }", context_value=request).data
    assert [span.attributes.get(semconv.USER_ID) for span in seen.operation_spans] == ["42", None]


@pytest.mark.parametrize(
    ("wish", "query", "phases"),
    [
        ("slow", "{ hello }", set()),
        ("slow", "{ slow(ms: 120) }", {"GraphQL Operation Execution"}),
        ("slow", "{ hello", {"GraphQL Document Parsing"}),
        ("never", "{ slow(ms: 5) }", set()),
        (
            "always",
            "query V($t: String) { echo(text: $t) }",
            {"GraphQL Document Parsing", "GraphQL Document Validation", "GraphQL Variable Coercion", "GraphQL Operation Execution"},
        ),
    ],
)
def test_which_phases_get_spans(seen, post, configure, monkeypatch, wish, query, phases):
    """PHASE_SPANS: what failed or took long, everything, nothing; the metric has them all."""
    monkeypatch.setattr("otel_graphql_auto.execution.spans._SLOW_PHASE_NS", 100_000_000)  # a busy machine makes a phase of 1 ms of anything
    configure(PHASE_SPANS=wish)
    for _ in range(3):  # the first request of a process pays for imports and validates the schema
        post(query)
    (last,) = seen.operation_spans[-1:]
    children = [span for span in seen.spans if span.parent is not None and span.parent.span_id == last.context.span_id]
    assert {span.name for span in children if span.attributes[semconv.PROCESSING_TYPE] != "resolve"} == phases
    assert all(last.start_time <= child.start_time <= child.end_time <= last.end_time for child in children)
    assert value_of(seen, semconv.PROCESSING_DURATION, PROCESSING_TYPE="parse") == 3


def test_span_kind_and_names(seen, post, configure, tmp_path):
    """SPAN_KIND gives the released form; SPAN_NAMES names declared operations only."""
    manifest = tmp_path / "manifest.json"
    document = "query Declared { hello }"
    digest = hashlib.sha256(document.encode()).hexdigest()
    manifest.write_text(json.dumps({digest: {"name": "Declared", "document": document}}))
    configure(SPAN_KIND="server", SPAN_NAMES="type_and_name", OPERATION_MANIFEST=str(manifest), OPERATION_NAMES_LIMIT=1)
    post(document)
    post("query Other { hello }")
    post("query Declared { hello who }")  # the name alone declares nothing
    assert [(span.name, span.kind) for span in seen.operation_spans] == [
        ("query Declared", SpanKind.SERVER),
        ("query", SpanKind.SERVER),
        ("query", SpanKind.SERVER),
    ]
    assert value_of(seen, semconv.REQUEST_DURATION, OPERATION_NAME="Declared") == 2
    assert value_of(seen, semconv.REQUEST_DURATION, OPERATION_NAME="_OTHER") == value_of(seen, semconv.OPERATION_NAMES_OVERFLOW) == 1


@pytest.mark.long
def test_ten_thousand_operation_names(configure):
    """At most 200 and `_OTHER`, in every metric that has the name; 20 real ones keep theirs; the sums are what was sent."""
    configure(PHASE_SPANS="never")
    traffic = [f"Fake{number}" for number in range(10_000)] + [f"Real{number % 20}" for number in range(1_000)]
    random.Random(7).shuffle(traffic)
    with capture() as seen:
        for name in traffic:
            assert schema.execute(f"query {name} {{ hello }}").data == {"hello": "world"}
        metrics = seen.metrics()
    for metric in (semconv.REQUEST_DURATION, semconv.ERROR_COUNT):
        counts = {point.attributes[semconv.OPERATION_NAME]: point.count for point in metrics[metric.name]}
        assert len(counts) <= 201
        assert sum(counts.values()) == 11_000
        assert all(counts.get(f"Real{number}", 0) >= 40 for number in range(20))
        assert counts["_OTHER"] == metrics[semconv.OPERATION_NAMES_OVERFLOW.name][0].value
    assert metrics[semconv.OPERATION_NAMES.name][0].value <= 200


def test_a_name_that_was_never_executed_is_not_admitted(seen, client):
    """A mutation over GET is parsed and refused."""
    for number in range(5):
        assert client.get("/graphql", {"query": f"mutation N{number} {{ touch(times: 1) {{ touched }} }}"}).status_code == 405
    assert {point.attributes[semconv.OPERATION_NAME] for point in seen.metrics()[semconv.REQUEST_DURATION.name]} == {"_OTHER"}


@pytest.mark.usefixtures("forgiving")
def test_a_span_ends_whatever_fails_in_describing_it(seen, post, configure, monkeypatch):
    """And the numbers are there all the same."""
    from otel_graphql_auto.execution import room

    configure(SLOW_QUERY_THRESHOLD=0, CAPTURE_USER=True)

    def fail(*args, **kwargs):
        raise RuntimeError("planted")

    monkeypatch.setattr(room, "request_attributes", fail)
    post("query A { failing }")
    assert [span.attributes[semconv.OPERATION_NAME] for span in seen.operation_spans] == ["A"]
    assert value_of(seen, semconv.REQUEST_DURATION, OPERATION_NAME="A") == 1


def test_deeply_nested_variables_are_shown_to_a_depth(seen, configure):
    """A client cannot hide behind five hundred levels."""
    configure(CAPTURE_VARIABLES=True)
    nested = "x"
    for _ in range(500):
        nested = {"n": nested}
    schema.execute("query D($t: String) { echo(text: $t) }", variable_values={"t": "t", "extra": nested})
    (span,) = seen.operation_spans
    assert '"t": "t"' in span.attributes[semconv.VARIABLES]


def test_error_messages_show_no_values_unless_documents_are_captured(seen, post, configure):
    """In events as in everything else."""
    post("{ echo(text: 77123) }")
    configure(CAPTURE_DOCUMENT="full")
    post("{ echo(text: 77123) }")
    hidden, shown = [span.events[0].attributes[semconv.GRAPHQL_ERROR_MESSAGE] for span in seen.operation_spans]
    assert "77123" not in hidden
    assert "77123" in shown


@pytest.mark.usefixtures("forgiving")
def test_a_manifest_that_cannot_be_used_declares_nothing(seen, post, configure, tmp_path):
    """The application runs without."""
    path = tmp_path / "manifest.json"
    path.write_text("[]")
    configure(OPERATION_MANIFEST=str(path))
    assert post("query A { hello }").json() == {"data": {"hello": "world"}}
    assert len(seen.operation_spans) == 1


def test_an_exception_that_cannot_be_printed_is_still_an_error(seen):
    """Its type is what is left of it."""

    class Unprintable(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    class Query(graphene.ObjectType):
        field = graphene.String()

        def resolve_field(self, info):
            raise GraphQLError("said", original_error=Unprintable())

    graphene.Schema(Query).execute("{ field }")
    (span,) = seen.operation_spans
    assert span.events[0].attributes[semconv.EXCEPTION_MESSAGE] == "Unprintable"


def test_several_schemas_are_told_apart(seen, post):
    """By the variable that holds them, once there is a second one."""

    class Query(graphene.ObjectType):
        hello = graphene.String(default_value="other")

    post("query First { hello }")
    assert semconv.SCHEMA_NAME not in seen.operation_spans[0].attributes
    other = graphene.Schema(Query)
    assert other.execute("query Second { hello }").data == {"hello": "other"}
    post("query Third { hello }")
    second, third = seen.operation_spans[1:]
    assert third.attributes[semconv.SCHEMA_NAME] == "tests.schema.schema"
    assert second.attributes[semconv.SCHEMA_NAME] == "schema2"
    assert value_of(seen, semconv.REQUEST_DURATION, SCHEMA_NAME="tests.schema.schema") == 1


def test_active_requests_go_up_and_down(seen):
    """One while a resolver runs, none afterwards."""
    during = []

    class Query(graphene.ObjectType):
        field = graphene.String()

        def resolve_field(self, info):
            during.append([point.value for point in seen.metrics()[semconv.REQUEST_ACTIVE.name]])

    assert graphene.Schema(Query).execute("{ field }").errors is None
    assert during == [[1]]
    assert [point.value for point in seen.metrics()[semconv.REQUEST_ACTIVE.name]] == [0]


def test_exemplars_lead_to_the_trace(seen, post):
    """The duration's bucket remembers the span that was in it."""
    post("query E { hello }")
    (span,) = seen.operation_spans
    (point,) = seen.metrics()[semconv.REQUEST_DURATION.name]
    assert [exemplar.span_id for exemplar in point.exemplars] == [span.context.span_id]


def test_an_unsampled_operation_has_numbers_and_no_span(client):
    """Sampling away the span loses no metric, and a slow one is still logged."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    otel_graphql_auto.instrument(
        tracer_provider=TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False),
        meter_provider=MeterProvider([reader], shutdown_on_exit=False),
    )
    body = json.dumps({"query": "query U { failing items { square } marked }"})
    assert client.post("/graphql", body, content_type="application/json").status_code == 200
    names = {m.name for r in reader.get_metrics_data().resource_metrics for s in r.scope_metrics for m in s.metrics}
    assert {semconv.REQUEST_DURATION.name, semconv.FIELD_DURATION.name, semconv.FIELD_ERRORS.name} <= names


def test_no_setting_is_read_before_the_first_operation(configure, post):
    """Attached first, configured later: what is configured holds."""
    with capture() as seen:
        configure(PERFORMANCE_MONITORING=False)
        assert post("{ hello }").json() == {"data": {"hello": "world"}}
        assert seen.spans == []
        configure(DISABLED=["execution"])
        assert post("{ hello }").json() == {"data": {"hello": "world"}}
        assert seen.spans == []
        assert len(seen.operations) == 1
        configure()
        post("{ hello }")
        assert len(seen.operation_spans) == 1


def test_a_megabyte_of_operation_name_is_cut(seen, post):
    """Everywhere it could appear."""
    name = "N" * 1_000_000
    started = time.monotonic()
    assert post(f"query {name} {{ failing }}").status_code == 200
    assert time.monotonic() - started < 5
    for span in seen.spans:
        assert all(len(str(value)) < 2000 for value in span.attributes.values())
        assert all(len(str(value)) < 2000 for event in span.events for value in event.attributes.values())
    assert value_of(seen, semconv.REQUEST_DURATION, OPERATION_NAME="_OTHER") == 1
