"""What an operation leaves behind: one span, its numbers, and events where something went wrong."""

from __future__ import annotations

import hashlib
import json
import logging
import time

import graphene
import pytest
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
    for part in ("Slow", slow.attributes[semconv.DOCUMENT_HASH], format(slow.context.trace_id, "032x"), "threshold 500 ms"):
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


def test_resolvers_are_summed_by_coordinate(seen, post):
    """Ten calls of one field are one record; default resolvers none."""
    post("{ hello items(count: 10) { number square children { number } } }")
    points = {point.attributes[semconv.FIELD_SCHEMA_COORDINATE]: point for point in seen.metrics()[semconv.FIELD_DURATION.name]}
    assert set(points) == {"Query.items", "Item.square", "Item.children"}
    assert all(point.count == 1 for point in points.values())
    (operation,) = seen.operations
    assert points["Item.square"].sum == operation.fields["Item.square"] / 1e9 > 0


def test_default_resolvers_are_not_touched(seen, post):
    """Not even looked at again: the very objects that graphene put there."""
    fields = schema.graphql_schema.type_map["Item"].fields
    before = fields["number"].resolve
    post("{ items { number square } }")
    assert fields["number"].resolve is before
    assert fields["square"].resolve is not before


def test_deprecated_fields_in_use_are_counted_once_an_operation(seen, post):
    """By coordinate, however often they are selected, default resolver or not."""
    for _ in range(3):
        assert post("{ a: old b: old hello }").json()["data"] == {"a": "old", "b": "old", "hello": "world"}
    assert value_of(seen, semconv.FIELD_DEPRECATED, FIELD_SCHEMA_COORDINATE="Query.old") == 3


@pytest.mark.parametrize(("wish", "spans"), [("slow", ["Query.slow", "Query.marked"]), ("selected", ["Query.marked"]), ("never", [])])
def test_which_fields_get_spans(seen, post, configure, wish, spans):
    """FIELD_SPANS: slow and marked ones, marked ones, none."""
    configure(FIELD_SPANS=wish)
    post("{ hello slow(ms: 15) marked fast: slow(ms: 0) }")
    found = [span.name for span in seen.spans if span.attributes[semconv.PROCESSING_TYPE] == "resolve"]
    assert sorted(found) == sorted(spans)


def test_what_runs_in_a_marked_field_is_inside_its_span(post):
    """Unlike the spans made afterwards, that of a marked field is there while it runs."""
    from opentelemetry import trace

    with capture() as seen:
        tracer = seen.tracer_provider.get_tracer("app")

        class Query(graphene.ObjectType):
            field = graphene.String()

            @otel_graphql_auto.execution.traced
            def resolve_field(self, info):
                with tracer.start_as_current_span("inside"):
                    return str(trace.get_current_span().get_span_context().is_valid)

        assert graphene.Schema(Query).execute("{ field }").data == {"field": "True"}
        inside, field = span_named(seen, "inside"), span_named(seen, "Query.field")
    assert inside.parent.span_id == field.context.span_id


async def test_async_resolvers_are_measured_to_their_result(seen):
    """Their time is that of the result, not of making a coroutine; a failure is theirs."""
    assert (await schema.execute_async("{ later(ms: 15) laterFailing }")).data["later"] == "later"
    (operation,) = seen.operations
    assert operation.fields["Query.later"] >= 15_000_000
    assert {span.name: span.status.is_ok for span in seen.spans if span.attributes[semconv.PROCESSING_TYPE] == "resolve"} == {
        "Query.later": True,
        "Query.laterFailing": False,
    }


def test_field_spans_are_bounded(seen, post):
    """Two hundred failing resolvers of one field are ten spans, and one whole number."""
    post("{ items(count: 200) { broken } }")
    assert len([span for span in seen.spans if span.name == "Item.broken"]) == 10
    assert value_of(seen, semconv.FIELD_ERRORS) == 200


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


def test_a_flood_of_operation_names_through_the_view(seen, client, configure):
    """At most the limit and `_OTHER`, in every metric that has the name; the sums are the requests sent."""
    configure(OPERATION_NAMES_LIMIT=20)
    for number in range(300):
        schema.execute(f"query Fake{number} {{ hello }}")
        schema.execute("query Real { hello }")
    for metric in (semconv.REQUEST_DURATION, semconv.ERROR_COUNT):
        points = seen.metrics()[metric.name]
        assert len(points) <= 21
        assert sum(point.count for point in points) == 600
        assert value_of(seen, metric, OPERATION_NAME="Real") >= 295
    assert seen.metrics()[semconv.OPERATION_NAMES.name][0].value <= 20


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
