"""Every way into graphene-django and graphql-core is one operation, counted once."""

from __future__ import annotations

import asyncio
import gc
import json

import graphene
import graphql as core
import pytest

from otel_graphql_auto import current_operation, semconv
from tests.schema import schema


def names(seen):
    return [(span.name, span.attributes.get(semconv.OPERATION_NAME)) for span in seen.operation_spans]


def durations_counted(seen):
    return sum(point.count for point in seen.metrics()[semconv.REQUEST_DURATION.name])


@pytest.mark.parametrize("path", ["/graphql", "/api/gql/", "/derived"])
def test_a_post_to_any_view_is_one_operation(seen, post, path):
    """Wherever the view is mounted and whatever class it is of."""
    response = post("query A { hello }", path)
    assert response.json() == {"data": {"hello": "world"}}
    assert names(seen) == [("query", "A")]
    assert durations_counted(seen) == 1


def test_a_get_is_an_operation(seen, client):
    """GraphQL over GET counts as over POST."""
    response = client.get("/graphql", {"query": "query G { hello }"})
    assert response.json() == {"data": {"hello": "world"}}
    assert names(seen) == [("query", "G")]


def test_a_mutation_over_get_is_refused_and_seen(seen, client):
    """The view raises between parsing and validating; the operation ends all the same, as the client's fault."""
    response = client.get("/graphql", {"query": "mutation M { touch(times: 1) { touched } }"})
    assert response.status_code == 405
    (span,) = seen.operation_spans
    assert span.attributes[semconv.OPERATION_TYPE] == "mutation"
    assert span.attributes[semconv.FAULT] == "client"
    assert current_operation() is None


def test_each_entry_of_a_batch_is_an_operation(seen, client):
    """Three entries, three operations, each with its own name and outcome."""
    batch = [{"query": "query A { hello }"}, {"query": "query B { failing }"}, {"query": "{ nope }"}]
    response = client.post("/batch", json.dumps(batch), content_type="application/json")
    assert len(response.json()) == 3
    assert names(seen) == [("query", "A"), ("query", "B"), ("query", None)]
    assert [span.status.is_ok for span in seen.operation_spans] == [True, False, False]


def test_a_graphiql_page_is_no_operation(seen, client):
    """HTML for people, nothing executed."""
    response = client.get("/api/gql/", headers={"accept": "text/html"})
    assert response.status_code == 200
    assert b"graphiql" in response.content
    assert seen.spans == []


@pytest.mark.parametrize("body", [b"not json", b"\xff\xfe", b"[]", b'{"query": ""}', b'{"query": "{ hello }", "variables": "{"}'])
def test_a_request_without_a_document_is_no_operation(seen, client, body):
    """The view answers 400 as ever; the HTTP span shows it."""
    assert client.post("/graphql", body, content_type="application/json").status_code == 400
    assert seen.operation_spans == []
    assert current_operation() is None


def test_the_named_operation_of_several_is_the_one_seen(seen, post):
    """operationName decides, also where validation fails afterwards."""
    document = "query A { hello } mutation B { touch(times: 2) { touched } }"
    assert post(document, operation_name="B").json() == {"data": {"touch": {"touched": 2}}}
    post(document + " query C { nope }", operation_name="B")
    assert names(seen) == [("mutation", "B"), ("mutation", "B")]


def test_an_unknown_operation_name_is_the_clients_fault_and_names_no_span(seen, post):
    """The name a client asked for is not in the document, so it is nowhere in the span either."""
    response = post("query A { hello } query B { hello }", operation_name="C")
    assert response.json()["errors"][0]["message"] == "Unknown operation named 'C'."
    (span,) = seen.operation_spans
    assert semconv.OPERATION_NAME not in span.attributes
    assert span.attributes[semconv.FAULT] == "client"


@pytest.mark.parametrize("path", ["/async", "/hand-made"])
async def test_async_views_that_people_write(seen, async_client, path):
    """Their own get_response, with schema.execute_async or with graphql-core's functions."""
    response = await async_client.post(path, json.dumps({"query": "query L { later }"}), content_type="application/json")
    assert response.json() == {"data": {"later": "L"}}
    assert names(seen) == [("query", "L")]
    assert durations_counted(seen) == 1


async def test_concurrent_async_requests_never_mix(seen, async_client):
    """Twenty requests at once on one loop: each resolver finds its own operation."""

    async def one(number):
        query = (
            f"query Q{number} {{ later(ms: {20 - number}) failing }}"
            if number % 3 == 0
            else f"query Q{number} {{ later(ms: {20 - number}) }}"
        )
        response = await async_client.post("/async", json.dumps({"query": query}), content_type="application/json")
        return response.json()["data"]["later"]

    answers = await asyncio.gather(*(one(number) for number in range(20)))
    assert answers == [f"Q{number}" for number in range(20)]
    spans = {span.attributes[semconv.OPERATION_NAME]: span for span in seen.operation_spans}
    assert len(spans) == len(seen.operation_spans) == 20
    assert all(span.status.is_ok == (int(name[1:]) % 3 != 0) for name, span in spans.items())
    assert len({span.context.trace_id for span in spans.values()}) == 20
    assert current_operation() is None


async def test_the_sync_view_under_asgi(seen, async_client):
    """Django runs it in a thread; the operation is there and its context does not leak."""
    response = await async_client.post("/graphql", json.dumps({"query": "query W { who threadWho }"}), content_type="application/json")
    assert response.json() == {"data": {"who": "W", "threadWho": "W"}}
    assert names(seen) == [("query", "W")]


def _execute(document):
    return schema.execute(document)


def _execute_async(document):
    return asyncio.run(schema.execute_async(document))


def _graphql_sync(document):
    return core.graphql_sync(schema.graphql_schema, document)


def _graphql(document):
    return asyncio.run(core.graphql(schema.graphql_schema, document))


def _core_execute(document):
    return core.execute(schema.graphql_schema, core.parse(document))


def _core_execute_sync(document):
    return core.execute_sync(schema.graphql_schema, core.parse(document))


@pytest.mark.parametrize("run", [_execute, _execute_async, _graphql_sync, _graphql, _core_execute, _core_execute_sync])
def test_executing_without_a_view_is_an_operation(seen, run):
    """Each function that people call themselves."""
    result = run("query Own { who }")
    assert result.errors is None
    assert result.data == {"who": "Own"}
    assert names(seen) == [("query", "Own")]
    assert durations_counted(seen) == 1
    assert current_operation() is None


def test_an_operation_inside_a_resolver_is_an_operation_of_its_own(seen, post):
    """Outer and inner each count once, the inner span inside the outer."""
    assert post("query Outer { inner who }").json()["data"] == {"inner": "{'hello': 'world'}", "who": "Outer"}
    inner, outer = seen.operation_spans
    assert names(seen) == [("query", "Inner"), ("query", "Outer")]
    assert inner.parent.span_id == outer.context.span_id


if core.version_info >= (3, 2, 11):  # older releases leave a task behind, which the event loop of a later test finds

    @pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
    def test_a_sync_call_of_an_async_operation_fails_as_without_us(seen):
        """graphql_sync with check_sync refuses awaitables, and Python warns of the resolver's as it does without us; the operation ends."""
        with pytest.raises(RuntimeError, match="failed to complete synchronously"):
            core.graphql_sync(schema.graphql_schema, "query L { later }", check_sync=True)
        gc.collect()
        (span,) = seen.operation_spans
        assert span.attributes[semconv.ERROR_TYPE].endswith("CancelledError")
        assert current_operation() is None
        assert [point.value for point in seen.metrics()[semconv.REQUEST_ACTIVE.name]] == [0]


async def test_a_cancelled_operation_ends(seen):
    """A client that hangs up cancels the task: the span ends as the client's fault."""
    task = asyncio.ensure_future(schema.execute_async("query L { later(ms: 5000) }"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (span,) = seen.operation_spans
    assert span.attributes[semconv.FAULT] == "client"


async def test_a_subscription_is_one_operation_with_an_event_for_each_result(seen):
    """The operation's span lasts as long as the stream; each event is a child of it."""
    stream = await schema.subscribe("subscription S { count(to: 3) }")
    assert current_operation() is None
    assert [result.data["count"] async for result in stream] == [0, 1, 2]
    events = [span for span in seen.spans if span.name == semconv.SPAN_SUBSCRIPTION_EVENT]
    (operation,) = seen.operation_spans
    assert len(events) == 3
    assert {event.parent.span_id for event in events} == {operation.context.span_id}
    assert operation.end_time >= max(event.end_time for event in events)
    assert seen.metrics()[semconv.SUBSCRIPTION_EVENT_COUNT.name][0].value == 3


async def test_an_event_that_fails_is_its_own_error(seen):
    """The subscription goes on, and only the event's span says Error."""
    stream = await schema.subscribe("subscription F { fragile }")
    results = [result async for result in stream]
    assert [bool(result.errors) for result in results] == [False, True]
    events = [span for span in seen.spans if span.name == semconv.SPAN_SUBSCRIPTION_EVENT]
    assert [event.status.is_ok for event in events] == [True, False]
    assert [event.name for event in events[1].events] == [semconv.EVENT_ERROR]
    assert seen.operation_spans[0].status.is_ok


async def test_graphql_cores_own_subscribe_and_a_subscriber_who_leaves(seen):
    """Without graphene, and closed after the first result."""
    stream = await core.subscribe(schema.graphql_schema, core.parse("subscription S { count(to: 100) }"))
    assert (await stream.__anext__()).data == {"count": 0}
    assert seen.operation_spans == []
    await stream.aclose()
    assert names(seen) == [("subscription", "S")]
    assert seen.operation_spans[0].status.is_ok


@pytest.mark.parametrize("document", ["subscription {", "subscription { nope }", "subscription { hello }"])
async def test_a_subscription_that_cannot_begin_is_a_failed_operation(seen, document):
    """Errors of the set-up belong to the operation."""
    result = await schema.subscribe(document)
    assert result.errors
    (span,) = seen.operation_spans
    assert not span.status.is_ok


def test_variables_are_a_phase_of_their_own(seen, post):
    """Coerced inside execute(), told apart from it; what cannot be coerced is the client's fault."""
    assert post("query V($t: String) { echo(text: $t) }", variables={"t": "x"}).json() == {"data": {"echo": "x"}}
    post("query V($t: String!) { echo(text: $t) }", variables={})
    good, bad = seen.operations
    assert [phase.type for phase in good.phases] == ["parse", "validate", "variable_coercion", "execute"]
    assert good.phases[2].ended <= good.phases[3].started + 1
    assert bad.failed_in == "variable_coercion"
    assert seen.operation_spans[1].attributes[semconv.FAULT] == "client"


def test_a_view_class_written_later_is_met(seen, rf):
    """Also one whose get_response does not call graphene-django's."""
    from django.http import HttpResponse
    from graphene_django.views import GraphQLView

    class Late(GraphQLView):
        def dispatch(self, request, *args, **kwargs):
            return HttpResponse(self.get_response(request, self.parse_body(request)))

        def get_response(self, request, data, show_graphiql=False):
            return str(schema.execute(data["query"], context_value=request).data)

    request = rf.post("/late", json.dumps({"query": "query Late { hello }"}), content_type="application/json")
    assert Late.as_view(schema=schema)(request).content == b"{'hello': 'world'}"
    assert names(seen) == [("query", "Late")]
    assert "__init_subclass__" in vars(GraphQLView)


async def test_a_subscription_read_inside_another_operation_gives_that_one_back(seen):
    """Between two events the reader's own operation is the current one."""
    stream = await schema.subscribe("subscription S { count(to: 2) }")
    during = []

    class Query(graphene.ObjectType):
        field = graphene.Int()

        async def resolve_field(self, info):
            async for result in stream:
                during.append((result.data["count"], current_operation().name))
            return len(during)

    assert (await graphene.Schema(Query).execute_async("query Reader { field }")).data == {"field": 2}
    assert during == [(0, "Reader"), (1, "Reader")]
    assert current_operation() is None


def test_an_operation_that_is_over_holds_nothing_large(seen, post):
    """A task that outlives it keeps its context, and must not keep requests and answers with it."""
    post("query V($t: String) { echo(text: $t) }", variables={"t": "x"})
    (operation,) = seen.operations
    assert (operation.result, operation.request, operation.variables, operation.outer) == (None, None, None, None)
    assert operation.name == "V"


def test_a_schema_that_is_not_valid_is_the_servers_fault(seen, rf):
    """It fails every operation before any phase; each is seen all the same."""
    from graphene_django.views import GraphQLView
    from graphql import GraphQLObjectType, GraphQLSchema

    class Broken(graphene.Schema):
        def __init__(self):
            self.graphql_schema = GraphQLSchema(GraphQLObjectType("Query", {}))

    broken = Broken()
    assert broken.execute("{ hello }").errors
    request = rf.post("/broken", json.dumps({"query": "{ hello }"}), content_type="application/json")
    assert GraphQLView.as_view(schema=broken)(request).status_code == 400
    assert [span.attributes[semconv.FAULT] for span in seen.operation_spans] == ["server", "server"]


async def test_a_source_stream_is_handed_on_as_it_is(seen):
    """For callers who map it themselves."""
    from graphql.execution.subscribe import create_source_event_stream

    stream = await create_source_event_stream(schema.graphql_schema, core.parse("subscription { count(to: 2) }"))
    assert [payload async for payload in stream] == [0, 1]
    del stream
    assert names(seen) == [("subscription", None)]


def test_an_operation_keeps_to_the_rooms_that_saw_it_begin(post):
    """What was attached since learns nothing of its end."""
    from otel_graphql_auto.testing import capture

    coroutine = None
    with capture() as first:
        coroutine = schema.execute_async("{ later }")
        loop = asyncio.new_event_loop()
        task = loop.create_task(coroutine)
        loop.run_until_complete(asyncio.sleep(0))
    with capture() as second:
        assert loop.run_until_complete(task).data == {"later": "later"}
        loop.close()
        assert second.spans == []
    assert len(first.operations) == 1
