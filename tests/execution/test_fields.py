"""Resolvers are measured by coordinate, marked ones have a span, and all are called as they were called."""

from __future__ import annotations

import asyncio
import gc
import inspect
import weakref

import graphene
import graphql as core
import pytest
from graphql import GraphQLArgument, GraphQLField, GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString, graphql_sync
from opentelemetry import trace

from otel_graphql_auto import semconv
from otel_graphql_auto.execution import traced
from otel_graphql_auto.execution.fields import Fields
from otel_graphql_auto.testing import capture
from tests.execution.test_room import span_named, value_of
from tests.schema import schema


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
    with capture() as seen:
        tracer = seen.tracer_provider.get_tracer("app")

        class Query(graphene.ObjectType):
            field = graphene.String()

            @traced
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


def resolved_by(resolve, kind=GraphQLString, **options):
    return GraphQLSchema(GraphQLObjectType("Query", {"field": GraphQLField(kind, resolve=resolve, **options)}))


def test_a_resolver_that_is_called_by_name_is_called_by_name(seen):
    """People call resolvers themselves, in tests and in other resolvers."""
    called = []

    def resolve(root=None, info=None, **args):
        called.append((root, info, args))
        return "x"

    core_schema = resolved_by(resolve)
    assert graphql_sync(core_schema, "{ field }").data == {"field": "x"}
    wrapped = core_schema.query_type.fields["field"].resolve
    assert wrapped is not resolve
    wrapped(1, info=2, more=3)
    wrapped(root=1, info=2)
    wrapped(1, None)
    assert called[1:] == [(1, 2, {"more": 3}), (1, 2, {}), (1, None, {})]


def test_arguments_may_have_any_name(seen):
    """Also those that the wrapper uses for itself."""
    arguments = {name: GraphQLArgument(GraphQLString) for name in ("source", "info", "args", "self")}
    core_schema = resolved_by(lambda *_, **args: "".join(sorted(args.values())), args=arguments)
    assert graphql_sync(core_schema, '{ field(source: "a", info: "b", args: "c", self: "d") }').data == {"field": "abcd"}


async def test_a_future_stays_the_object_that_it_is(seen):
    """Somebody else may hold it; its time is known when it is done."""
    futures = []

    class Query(graphene.ObjectType):
        field = graphene.String()
        broken = graphene.String()

        def resolve_field(self, info):
            futures.append(asyncio.ensure_future(asyncio.sleep(0.02, "done")))
            return futures[0]

        def resolve_broken(self, info):
            future = asyncio.get_running_loop().create_future()
            future.set_exception(ValueError("no"))
            return future

    local = graphene.Schema(Query)
    result = await local.execute_async("{ field broken }")
    assert result.data == {"field": "done", "broken": None}
    assert local.graphql_schema.query_type.fields["field"].resolve(None, None) is futures[0]
    assert {span.name: span.status.is_ok for span in seen.spans if span.attributes[semconv.PROCESSING_TYPE] == "resolve"} == {
        "Query.field": True,
        "Query.broken": False,
    }


async def test_a_marked_async_resolver_leaves_no_span_behind(seen):
    """Its span is current inside it, and neither in its siblings nor afterwards."""
    tracer = seen.tracer_provider.get_tracer("app")

    class Query(graphene.ObjectType):
        a = graphene.String()
        b = graphene.String()

        @traced
        async def resolve_a(self, info):
            with tracer.start_as_current_span("inside a"):
                await asyncio.sleep(0.005)

        async def resolve_b(self, info):
            with tracer.start_as_current_span("inside b"):
                await asyncio.sleep(0.001)

    assert not (await graphene.Schema(Query).execute_async("{ a b }")).errors
    assert not trace.get_current_span().get_span_context().is_valid
    assert span_named(seen, "inside a").parent.span_id == span_named(seen, "Query.a").context.span_id
    (operation,) = seen.operation_spans
    assert span_named(seen, "inside b").parent.span_id == operation.context.span_id
    assert span_named(seen, "Query.a").end_time - span_named(seen, "Query.a").start_time >= 5_000_000


async def test_a_marked_async_resolver_that_fails(seen):
    """Its span says so."""

    class Query(graphene.ObjectType):
        a = graphene.String()

        @traced
        async def resolve_a(self, info):
            await asyncio.sleep(0)
            raise KeyError("a")

    assert (await graphene.Schema(Query).execute_async("{ a }")).errors
    assert span_named(seen, "Query.a").attributes[semconv.ERROR_TYPE] == "KeyError"


def test_a_field_that_two_types_share_has_two_coordinates(seen):
    """graphql-core lets them share the object."""
    shared = GraphQLField(GraphQLInt, resolve=lambda root, info: 1)
    one, two = GraphQLObjectType("One", {"n": shared}), GraphQLObjectType("Two", {"n": shared})
    fields = {"one": GraphQLField(one, resolve=lambda *_: 1), "two": GraphQLField(two, resolve=lambda *_: 2)}
    assert graphql_sync(GraphQLSchema(GraphQLObjectType("Query", fields)), "{ one { n } two { n } }").data == {
        "one": {"n": 1},
        "two": {"n": 1},
    }
    coordinates = {point.attributes[semconv.FIELD_SCHEMA_COORDINATE] for point in seen.metrics()[semconv.FIELD_DURATION.name]}
    assert coordinates == {"Query.one", "Query.two", "One.n", "Two.n"}


def test_deprecated_default_resolvers_are_counted_and_not_timed(seen, post):
    """The duration is that of resolvers which do something."""
    post("{ old }")
    assert value_of(seen, semconv.FIELD_DEPRECATED) == 1
    assert semconv.FIELD_DURATION.name not in seen.metrics()


def test_a_schema_that_nobody_holds_goes(seen):
    """Although its resolvers hold it and were wrapped."""

    def make():
        core_schema = resolved_by(lambda root, info: core_schema and "x")
        assert graphql_sync(core_schema, "{ field }").data == {"field": "x"}
        return weakref.ref(core_schema)

    references = [make() for _ in range(5)]
    seen.spans.clear()
    gc.collect()
    assert [reference() for reference in references] == [None] * 5


def test_somebody_elses_wrapper_round_a_resolver_survives():
    """Detaching leaves it, and ours inside it is off."""
    import functools

    core_schema = resolved_by(lambda root, info: "x")
    field = core_schema.query_type.fields["field"]
    with capture():
        graphql_sync(core_schema, "{ field }")
        ours = field.resolve

        @functools.wraps(ours)
        def theirs(*args, **kwargs):
            return "theirs " + ours(*args, **kwargs)

        field.resolve = theirs
    assert field.resolve is theirs
    assert graphql_sync(core_schema, "{ field }").data == {"field": "theirs x"}


def test_errors_without_a_location_are_described(seen):
    """A document parsed with no_location, as caches of documents do."""
    result = core.execute(schema.graphql_schema, core.parse("{ failing }", no_location=True))
    assert result.errors
    (event,) = seen.operation_spans[0].events
    assert semconv.DOCUMENT_LOCATIONS not in event.attributes
    assert event.attributes[semconv.FIELD_SCHEMA_COORDINATE] == "Query.failing"


@pytest.mark.parametrize("mark", [lambda function: function, traced])
@pytest.mark.parametrize("reason", [None, "old"])
async def test_a_coroutine_function_stays_one(seen, mark, reason):
    """Middleware decides by that whether to run a resolver in a thread."""

    async def resolve(root, info):
        return "async"

    def in_thread_unless_async(following, root, info, **args):
        assert inspect.iscoroutinefunction(following)
        return following(root, info, **args)

    core_schema = resolved_by(mark(resolve), deprecation_reason=reason)
    for _ in range(2):
        result = await core.graphql(core_schema, "{ field }", middleware=[in_thread_unless_async])
        assert result.data == {"field": "async"}
    field = core_schema.query_type.fields["field"].resolve
    assert field is not resolve
    assert await field(None, info=None) == "async"


def test_a_marked_resolver_outside_an_operation_is_called_as_it_is(seen, configure):
    """With monitoring off, in a thread of its own, by hand."""

    @traced
    def resolve(root, info):
        return str(info is not None)

    core_schema = resolved_by(resolve)
    assert graphql_sync(core_schema, "{ field }").data == {"field": "True"}
    configure(PERFORMANCE_MONITORING=False)
    assert graphql_sync(core_schema, "{ field }").data == {"field": "True"}


def test_a_finished_future_of_another_loop_is_handed_on(seen):
    """As caches across event loops do; it takes no callbacks any more."""
    kept = {}

    def resolve(root, info):
        if "future" not in kept:
            kept["future"] = asyncio.ensure_future(asyncio.sleep(0, "kept"))
        return kept["future"]

    core_schema = resolved_by(resolve)
    for _ in range(2):
        assert asyncio.run(core.graphql(core_schema, "{ field }")).data == {"field": "kept"}


def test_results_of_odd_classes_are_handed_on(seen):
    """One whose class cannot be hashed, and one that answers every question."""

    class Meta(type):
        def __eq__(cls, other):
            return True

    class Odd(metaclass=Meta):
        def __str__(self):
            return "odd"

    class Yes:
        def __getattr__(self, name):
            return self

        def __call__(self, *args, **kwargs):
            return "yes"

    assert graphql_sync(resolved_by(lambda root, info: Odd()), "{ field }").data == {"field": "odd"}
    fields = {"odd": GraphQLField(GraphQLString, resolve=Yes()), "field": GraphQLField(GraphQLString, resolve=lambda *_: "x")}
    assert graphql_sync(GraphQLSchema(GraphQLObjectType("Query", fields)), "{ odd field }").data == {"odd": "yes", "field": "x"}
    assert value_of(seen, semconv.FIELD_DURATION, FIELD_SCHEMA_COORDINATE="Query.field") == 2


def test_no_resolver_is_wrapped_after_detaching():
    """An operation that is still under way may meet a new schema then."""
    core_schema = resolved_by(lambda root, info: "x")
    resolve = core_schema.query_type.fields["field"].resolve
    fields = Fields(lambda *_: None)
    fields.detach()
    fields.attach(core_schema)
    assert core_schema.query_type.fields["field"].resolve is resolve
