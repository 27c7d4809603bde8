"""Which operation is which: several in a document, one inside another's preparation, names that come late, odd views and executors."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import json
import pickle
import time
import weakref

import graphene
import graphql as core
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from graphene_django.views import GraphQLView
from graphql.execution import ExecutionContext

from otel_graphql_auto import lifecycle, semconv
from otel_graphql_auto._safety import internal_errors
from otel_graphql_auto.instrumentor import GraphQLInstrumentor
from otel_graphql_auto.room import Room
from tests.schema import schema

TWO = "query A { hello } query B { who }"


def names(seen):
    return [(span.name, span.attributes.get(semconv.OPERATION_NAME)) for span in seen.operation_spans]


@pytest.mark.parametrize("path", ["/graphql", "/derived", "/async", "/hand-made"])
async def test_the_operation_that_was_asked_for_is_the_one_seen(seen, async_client, path):
    """In a document of two, also where only the executor learns the name."""
    body = json.dumps({"query": TWO, "operationName": "B"})
    response = await async_client.post(path, body, content_type="application/json")
    assert response.json()["data"] == {"who": "B"}
    assert names(seen) == [("query", "B")]
    assert [phase.type for phase in seen.operations[0].phases] == ["parse", "validate", "execute"]
    assert seen.operations[0].failed_in is None


def test_what_a_view_executes_to_prepare_is_an_operation_of_its_own(seen, rf):
    """A viewer looked up in get_context: neither takes the other's name."""

    class Prepared(GraphQLView):
        def get_context(self, request):
            request.viewer = schema.execute("query Viewer { hello }").data
            return request

    request = rf.post("/prepared", json.dumps({"query": "query Main { who }"}), content_type="application/json")
    assert json.loads(Prepared.as_view(schema=schema)(request).content) == {"data": {"who": "Main"}}
    assert names(seen) == [("query", "Viewer"), ("query", "Main")]
    assert {span.attributes[semconv.OPERATION_NAME] for span in seen.operation_spans if semconv.DOCUMENT_HASH in span.attributes} == {
        "Viewer",
        "Main",
    }


def test_validate_may_be_called_by_keywords(seen, rf):
    """As views that people write do."""

    class Keywords(GraphQLView):
        def execute_graphql_request(self, request, data, query, variables, operation_name, show_graphiql=False):
            document = core.parse(query)
            errors = core.validate(schema=self.schema.graphql_schema, document_ast=document)
            if errors:
                return core.ExecutionResult(errors=errors)
            return core.execute(schema=self.schema.graphql_schema, document=document, operation_name=operation_name)

    view = Keywords.as_view(schema=schema)
    for query in ("query Good { hello }", "query Bad { nope }"):
        view(rf.post("/keywords", json.dumps({"query": query}), content_type="application/json"))
    assert names(seen) == [("query", "Good"), ("query", "Bad")]
    assert [span.status.is_ok for span in seen.operation_spans] == [True, False]


def test_executing_what_raises_ends_the_operation(seen):
    """Middleware of the wrong type: the library raises, and so it does with us."""
    with pytest.raises(TypeError, match="Middleware must be"):
        core.execute(schema.graphql_schema, core.parse("query R { hello }"), middleware=7)
    assert seen.operation_spans[0].attributes[semconv.ERROR_TYPE] == "TypeError"
    assert [point.value for point in seen.metrics()[semconv.REQUEST_ACTIVE.name]] == [0]


@pytest.mark.parametrize("document", [None, {}, "not a document"])
def test_what_is_no_document_fails_as_without_us(seen, document):
    """And is no error of ours."""
    before = internal_errors.read()
    with pytest.raises((TypeError, AttributeError)):
        core.execute(schema.graphql_schema, document)
    assert internal_errors.read() == before


def test_every_execution_context_class_passes(seen, rf):
    """One that overrides how fields are executed is measured like the library's own."""

    class Shouting(ExecutionContext):
        def execute_field(self, *args, **kwargs):
            value = super().execute_field(*args, **kwargs)
            return value.upper() if isinstance(value, str) else value

    view = GraphQLView.as_view(schema=schema, execution_context_class=Shouting)
    request = rf.post("/shouting", json.dumps({"query": "query S { hello items(count: 2) { square } }"}), content_type="application/json")
    assert json.loads(view(request).content)["data"]["hello"] == "WORLD"
    assert names(seen) == [("query", "S")]
    assert set(seen.operations[0].fields) == {"Query.items", "Item.square"}


class Answering(Room):
    """A room that answers a moment, as limits and caches do."""

    name = "answering"
    telemetry = False

    def __init__(self, moment, answer):
        self.asked = []

        def give(operation, *args):
            self.asked.append(moment)
            return answer

        setattr(type(self), moment, lambda self, *args: give(*args))


@pytest.mark.parametrize(
    ("moment", "answer", "data", "phases"),
    [
        ("parse", core.parse("query Other { hello }"), {"hello": "world"}, ["parse", "validate", "execute"]),
        ("validate", [core.GraphQLError("refused")], None, ["parse", "validate"]),
        ("validate", [], {"who": "Asked"}, ["parse", "validate", "execute"]),
        ("execute", core.ExecutionResult({"who": "cached"}), {"who": "cached"}, ["parse", "validate", "execute"]),
        ("execute", None, {"who": "Asked"}, ["parse", "validate", "execute"]),
    ],
)
def test_a_room_can_answer_a_moment(seen, post, moment, answer, data, phases):
    """Its answer becomes the operation's, without an exception through the framework; None leaves it to the application."""
    room = type("Answering", (Answering,), {})(moment, answer)
    GraphQLInstrumentor().add_room(room)
    response = post("query Asked { who }").json()
    assert response.get("data") == data
    assert set(room.asked) == {moment}
    assert [phase.type for phase in seen.operations[0].phases] == phases


def test_a_room_that_does_not_only_observe_works_without_telemetry(post, configure):
    """PERFORMANCE_MONITORING = False switches off what observes; components that the application relies on go on."""
    from otel_graphql_auto.testing import capture

    configure(PERFORMANCE_MONITORING=False)
    with capture() as seen:
        room = type("Answering", (Answering,), {})("validate", [core.GraphQLError("refused")])
        GraphQLInstrumentor().add_room(room)
        assert post("{ hello }").json() == {"errors": [{"message": "refused"}]}
        assert seen.spans == []


def test_an_upload_reaches_the_resolver(seen, client):
    """Nothing reads the body of a multipart request before Django does."""

    class Query(graphene.ObjectType):
        size = graphene.Int()

        def resolve_size(self, info):
            return len(info.context.FILES["file"].read())

    from tests import urls

    view = urls.csrf_exempt(GraphQLView.as_view(schema=graphene.Schema(Query)))
    urls.urlpatterns.append(urls.path("upload", view))
    from django.urls import clear_url_caches

    clear_url_caches()
    try:
        data = {"query": "query Up { size }", "file": SimpleUploadedFile("a.bin", b"x" * 70_000)}
        assert client.post("/upload", data).json() == {"data": {"size": 70_000}}
    finally:
        urls.urlpatterns.pop()
        clear_url_caches()
    assert names(seen) == [("query", "Up")]


def test_odd_get_responses_are_left_alone(seen, rf):
    """A view whose get_response is no plain function works as without us."""

    class Odd(GraphQLView):
        def respond(self, request, data, show_graphiql=False, *, mark):
            return super().get_response(request, data, show_graphiql)

        get_response = functools.partialmethod(respond, mark=True)

    request = rf.post("/odd", json.dumps({"query": "query O { hello }"}), content_type="application/json")
    assert json.loads(Odd.as_view(schema=schema)(request).content) == {"data": {"hello": "world"}}
    assert names(seen) == [("query", "O")]


async def test_a_long_subscription_does_not_grow(seen):
    """Variables are coerced for each event; the receipt keeps the phases of the set-up, and each event its own fields."""
    stream = await schema.subscribe("subscription S($n: Int) { count(to: $n) }", variable_values={"n": 50})
    assert len([result async for result in stream]) == 50
    (operation,) = seen.operations
    assert [phase.type for phase in operation.phases] == ["parse", "validate", "variable_coercion", "execute"]


async def test_field_spans_of_an_event_are_inside_it_and_nowhere_else(seen):
    """Also those of the last event."""
    stream = await schema.subscribe("subscription F { fragile }")
    assert len([result async for result in stream]) == 2
    (field,) = [span for span in seen.spans if span.name == "Subscription.fragile"]
    events = [span for span in seen.spans if span.name == semconv.SPAN_SUBSCRIPTION_EVENT]
    assert field.parent.span_id == events[1].context.span_id


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_abandoned_operations_end_where_that_is_safe(seen):
    """A finalizer runs inside whatever the garbage collector interrupts: it only makes a note."""
    pending = core.execute(schema.graphql_schema, core.parse("query P { later }"))
    before = len(lifecycle._abandoned)
    pending.close()
    del pending
    gc.collect()
    assert len(lifecycle._abandoned) == before + 1
    assert schema.execute("query Next { hello }").data == {"hello": "world"}
    assert names(seen) == [("query", "P"), ("query", "Next")]


def test_an_init_subclass_of_the_base_is_kept():
    """Whoever gave GraphQLView one has it called while we are attached, and back afterwards."""
    from otel_graphql_auto.testing import capture

    met = []
    mark = classmethod(lambda cls, **kwargs: met.append(cls.__name__))
    GraphQLView.__init_subclass__ = mark
    try:
        with capture():
            type("Late", (GraphQLView,), {})
        assert vars(GraphQLView)["__init_subclass__"] is mark
    finally:
        del GraphQLView.__init_subclass__
    assert met == ["Late"]


QUERIES = ("query Good { hello }", "query Bad { nope }", "{ unparsable")
OUTCOMES = [("Good", None), ("Bad", "GRAPHQL_VALIDATION_FAILED"), (None, "GRAPHQL_PARSE_FAILED")]


def outcomes(seen):
    return [(span.attributes.get(semconv.OPERATION_NAME), span.attributes.get(semconv.ERROR_TYPE)) for span in seen.operation_spans]


def test_a_view_may_look_at_the_document_first(seen, rf):
    """To log it, say: what is parsed last is what runs."""

    class Looking(GraphQLView):
        def get_response(self, request, data, show_graphiql=False):
            with contextlib.suppress(core.GraphQLError):
                core.parse(data["query"])
            return super().get_response(request, data, show_graphiql)

    for query in QUERIES:
        Looking.as_view(schema=schema)(rf.post("/l", json.dumps({"query": query}), content_type="application/json"))
    assert outcomes(seen) == OUTCOMES
    assert all([phase.type for phase in operation.phases][:1] == ["parse"] for operation in seen.operations)


def test_a_view_may_change_the_document(seen, rf):
    """What is executed is what counts."""

    class Changing(GraphQLView):
        def execute_graphql_request(self, request, data, query, variables, operation_name, show_graphiql=False):
            document = core.visit(core.parse(query), core.Visitor())
            copy = core.DocumentNode(definitions=document.definitions)
            errors = core.validate(self.schema.graphql_schema, copy)
            if errors:
                return core.ExecutionResult(errors=errors)
            return core.execute(self.schema.graphql_schema, core.DocumentNode(definitions=copy.definitions))

    for query in QUERIES[:2]:
        Changing.as_view(schema=schema)(rf.post("/c", json.dumps({"query": query}), content_type="application/json"))
    assert outcomes(seen) == OUTCOMES[:2]


def plain(function):
    """A decorator that is no coroutine function itself."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)

    del call.__wrapped__
    return call


@pytest.mark.parametrize("form", ["decorated", "mixin"])
async def test_an_async_get_response_may_hide(seen, rf, form):
    """Behind a decorator, or in a class that is no view."""

    async def get_response(self, request, data, show_graphiql=False):
        document = core.parse(data["query"])
        errors = core.validate(schema.graphql_schema, document)
        return errors or await schema.execute_async(data["query"])

    if form == "decorated":
        view = type("Decorated", (GraphQLView,), {"get_response": plain(get_response)})(schema=schema)
    else:
        view = type("Mixed", (type("Mixin", (), {"get_response": get_response}), GraphQLView), {})(schema=schema)
    for query in QUERIES:
        with contextlib.suppress(core.GraphQLError):
            await view.get_response(rf.post("/h"), {"query": query})
    assert outcomes(seen) == OUTCOMES


def test_view_classes_that_nobody_holds_go(seen):
    """Although their get_response was wrapped."""
    references = [weakref.ref(type("Passing", (GraphQLView,), {"get_response": lambda *_: None})) for _ in range(5)]
    gc.collect()
    assert [reference() for reference in references] == [None] * 5


async def test_unsubscribing_while_an_event_runs_gives_the_context_back(seen):
    """Whatever the subscriber does next is its own."""
    tracer = seen.tracer_provider.get_tracer("app")

    class Subscription(graphene.ObjectType):
        tick = graphene.Int()

        async def subscribe_tick(self, info):
            yield 1
            yield 2

        async def resolve_tick(self, info):
            await asyncio.sleep(0.03)
            return self

    class Query(graphene.ObjectType):
        hello = graphene.String()

    stream = await graphene.Schema(Query, subscription=Subscription).subscribe("subscription S { tick }")

    async def consume():
        await stream.__anext__()
        with tracer.start_as_current_span("afterwards") as span:
            return span.parent

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.01)
    await stream.aclose()
    assert await task is None


async def test_a_source_that_fails_and_goes_on(seen):
    """The operation ends with the failure; what comes after it is executed as without us."""

    class Source:
        def __init__(self):
            self.step = 0

        def __aiter__(self):
            return self

        async def __anext__(self):
            self.step += 1
            if self.step == 1:
                raise ConnectionError("once")
            if self.step == 3:
                raise StopAsyncIteration
            return self.step

    fields = {"n": core.GraphQLField(core.GraphQLInt, subscribe=lambda *_: Source(), resolve=lambda root, info: root)}
    core_schema = core.GraphQLSchema(core.GraphQLObjectType("Query", fields), subscription=core.GraphQLObjectType("Subscription", fields))
    stream = await core.subscribe(core_schema, core.parse("subscription S { n }"))
    with pytest.raises(ConnectionError):
        await stream.__anext__()
    assert (await stream.__anext__()).data == {"n": 2}
    assert [span.attributes[semconv.ERROR_TYPE] for span in seen.operation_spans] == ["ConnectionError"]


async def test_one_source_for_many_subscribers_keeps_none_of_them(seen):
    """A broadcast lives as long as the process."""

    class Broadcast:
        def __aiter__(self):
            return self.events()

        async def events(self):
            yield 1

    broadcast = Broadcast()
    fields = {"n": core.GraphQLField(core.GraphQLInt, subscribe=lambda *_: broadcast, resolve=lambda root, info: root)}
    core_schema = core.GraphQLSchema(core.GraphQLObjectType("Query", fields), subscription=core.GraphQLObjectType("Subscription", fields))
    for _ in range(20):
        stream = await core.subscribe(core_schema, core.parse("subscription S { n }"))
        assert [result.data async for result in stream] == [{"n": 1}]
    del stream
    gc.collect()
    assert len(names(seen)) == 20
    assert weakref.getweakrefcount(broadcast) <= 1


def test_the_functions_can_still_be_pickled(seen):
    """For a pool that parses."""
    assert pickle.loads(pickle.dumps(core.parse)) is core.parse
    assert pickle.loads(pickle.dumps(core.validate)) is core.validate


def test_a_lazy_context_stays_lazy(seen):
    """Looking at what it stands for may run a query."""
    from django.utils.functional import SimpleLazyObject

    def fail():
        raise AssertionError("looked")

    assert schema.execute("{ hello }", context_value=SimpleLazyObject(fail)).data == {"hello": "world"}
    assert len(seen.operation_spans) == 1


async def test_a_forgotten_operation_goes(seen):
    """A task that nobody holds, waiting for what never comes."""

    class Query(graphene.ObjectType):
        forever = graphene.String()

        async def resolve_forever(self, info):
            await asyncio.get_running_loop().create_future()

    class Context:
        pass

    local, references = graphene.Schema(Query), []
    for _ in range(5):
        context = Context()
        references.append(weakref.ref(context))
        task = asyncio.create_task(local.execute_async("{ forever }", context_value=context))
        await asyncio.sleep(0)
        del task, context
    await asyncio.sleep(0.01)
    gc.collect()
    assert [reference() for reference in references] == [None] * 5


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_abandoned_operation_lasted_until_it_was_abandoned(seen, configure):
    """Not until somebody noticed."""
    configure(SLOW_QUERY_THRESHOLD=150)
    pending = core.execute(schema.graphql_schema, core.parse("query P { later }"))
    pending.close()
    del pending
    gc.collect()
    time.sleep(0.3)
    assert schema.execute("query Next { hello }").data
    assert seen.operations[0].duration < 0.15
    assert semconv.SLOW not in seen.operation_spans[0].attributes


async def test_deprecated_fields_of_an_event_are_counted_once(seen):
    """By the event that used them, and not again when the subscription ends."""

    async def source(*_):
        yield 1
        yield 2

    fields = {"n": core.GraphQLField(core.GraphQLInt, subscribe=source, resolve=lambda root, info: root, deprecation_reason="old")}
    core_schema = core.GraphQLSchema(core.GraphQLObjectType("Query", fields), subscription=core.GraphQLObjectType("Subscription", fields))
    stream = await core.subscribe(core_schema, core.parse("subscription S { n }"))
    assert [result.data["n"] async for result in stream] == [1, 2]
    assert [point.value for point in seen.metrics()[semconv.FIELD_DEPRECATED.name]] == [2]
    assert [point.count for point in seen.metrics()[semconv.FIELD_DURATION.name]] == [2]
