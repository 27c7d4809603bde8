"""Each statement knows the field and the path that caused it, or says that it does not."""

import asyncio
import contextvars

import pytest
from django.db import connections
from graphql import build_schema, graphql_sync

from otel_graphql_auto import semconv
from otel_graphql_auto.operation import Cause, cause, current
from tests.database.schema import run, schema


@pytest.fixture
def db(blog_on):
    with blog_on("sqlite") as alias:
        yield alias


def run_async(document, **variables):
    result = asyncio.run(schema.execute_async(document, variable_values=variables))
    assert not result.errors, result.errors
    return result.data


def places(seen):
    """(coordinate, path, table) of each statement's span, in the order of execution."""
    spans = [span for span in seen.spans if semconv.DB_SYSTEM_NAME in span.attributes]
    return [
        (
            span.attributes.get(semconv.FIELD_SCHEMA_COORDINATE),
            span.attributes.get(semconv.FIELD_PATH),
            span.attributes.get(semconv.DB_COLLECTION_NAME),
        )
        for span in sorted(spans, key=lambda span: span.start_time)
    ]


def test_lazily_evaluated_querysets_belong_to_the_field_that_returned_them(seen, db):
    """The library evaluates them while it completes the value: no resolver is running then."""
    run("query Q($db: String!) { articles(db: $db, first: 2) { remarks { text } } }", db=db)
    assert places(seen) == [
        ("Query.articles", "articles", "blog_post"),
        ("Article.remarks", "articles[0].remarks", "blog_comment"),
        ("Article.remarks", "articles[1].remarks", "blog_comment"),
    ]


def test_default_resolvers_of_foreign_keys_are_fields_too(seen, db):
    """No resolver of the application is involved, and nothing is done for each field."""
    run("query Q($db: String!) { articles(db: $db, first: 1) { author { username } } }", db=db)
    assert places(seen)[1] == ("Article.author", "articles[0].author", "blog_user")


def test_aliases_show_in_paths_and_not_in_coordinates(seen, db):
    run("query Q($db: String!) { best: articles(db: $db, first: 1) { by: writer } }", db=db)
    assert places(seen)[1] == ("Article.writer", "best[0].by", "blog_user")


def test_async_resolvers_and_the_threads_that_they_use(seen, db):
    """The ORM's async methods run in another thread, whose stack shows no field."""
    run_async("query Q($db: String!) { articlesAsync(db: $db, first: 2) { laterAuthor { username } } }", db=db)
    assert places(seen) == [
        ("Query.articlesAsync", "articlesAsync", "blog_post"),
        ("Article.laterAuthor", "articlesAsync[0].laterAuthor", "blog_user"),
        ("Article.laterAuthor", "articlesAsync[1].laterAuthor", "blog_user"),
    ]


def test_threads_started_in_the_context_of_an_async_resolver(seen, db):
    run_async("query Q($db: String!) { inPool(db: $db, threads: 3) }", db=db)
    assert places(seen) == [("Query.inPool", "inPool", "blog_post")] * 3


def test_an_operation_inside_another_has_its_own_fields(seen, db):
    """Each statement is on the receipt of the operation that ran it, under that one's field; the header counts both."""
    run("query Outer($db: String!) { nested(db: $db) }", db=db)
    assert places(seen)[0] == ("Query.articles", "articles", "blog_post")
    assert places(seen)[-1] == ("Query.nested", "nested", "blog_post")
    inner, outer = seen.operations
    assert (inner.queries.count, outer.queries.count, outer.queries.inner_count) == (11, 1, 11)


def test_an_async_operation_inside_another_has_its_own_fields(seen, db):
    """The outer field's cause is in the context all the while."""
    run_async("query Outer($db: String!) { nestedAsync(db: $db) }", db=db)
    coordinates = [place[0] for place in places(seen)]
    assert coordinates == ["Query.articlesAsync", *["Article.laterAuthor"] * 10, "Query.nestedAsync"]


def test_what_a_batch_runs_belongs_to_its_cause(seen, db):
    """A DataLoader's batch runs for fields that have returned; whoever runs it says for which, and the stack does not."""

    def resolve(_root, _info, db):
        token = cause.set(Cause("Article.loaded", schema_path(), current.get()))
        try:
            contextvars.copy_context().run(in_thread, lambda: connections[db].cursor().execute("SELECT 1 FROM blog_post"))
        finally:
            cause.reset(token)
        return 1

    def in_thread(work):
        import threading

        context = contextvars.copy_context()

        def run_and_close():
            work()
            connections[db].close()

        thread = threading.Thread(target=context.run, args=(run_and_close,))
        thread.start()
        thread.join()

    def schema_path():
        from graphql.pyutils import Path

        return Path(Path(None, "articles", "Query"), "loaded", "Article")

    field = schema.graphql_schema.query_type.fields["twice"]
    before, field.resolve = field.resolve, resolve
    try:
        run("query Q($db: String!) { twice(db: $db) }", db=db)
    finally:
        field.resolve = before
    assert places(seen) == [("Article.loaded", "articles.loaded", "blog_post")]


def test_what_cannot_be_known_is_said_and_not_guessed(seen, db):
    """A thread that a plain resolver started: its stack and its context say which operation it is, and not which field."""
    run("query Q($db: String!) { inThreads(db: $db, threads: 1, each: 6) }", db=db)
    spans = [span for span in seen.spans if semconv.DB_SYSTEM_NAME in span.attributes]
    assert len(spans) == 6
    assert all(
        span.attributes[semconv.DB_UNATTRIBUTED] is True and semconv.FIELD_SCHEMA_COORDINATE not in span.attributes for span in spans
    )
    (point,) = seen.metrics()[semconv.FIELD_DB_QUERIES.name]
    assert (point.attributes[semconv.FIELD_SCHEMA_COORDINATE], point.value) == (semconv.OTHER, 6)
    assert seen.operations[0].queries.findings == []


def test_a_cause_of_another_operation_does_not_count(seen, db):
    """The context of an outer field is still there when an inner operation runs something outside of its fields."""
    outer = build_schema("type Query { outer: Int }")
    inner = build_schema("type Query { inner: Int }")

    def resolve_outer(_root, _info):
        cause.set(Cause("Query.outer", None, current.get()))

        def in_context_of_inner(_source, _info):
            import threading

            context = contextvars.copy_context()

            def work():
                connections[db].cursor().execute("SELECT 1")
                connections[db].close()

            thread = threading.Thread(target=context.run, args=(work,))
            thread.start()
            thread.join()
            return 1

        inner.query_type.fields["inner"].resolve = in_context_of_inner
        return graphql_sync(inner, "query Inner { inner }").data["inner"]

    outer.query_type.fields["outer"].resolve = resolve_outer
    assert graphql_sync(outer, "query Outer { outer }").data == {"outer": 1}
    assert places(seen) == [(None, None, None)]


def test_execution_contexts_that_override_execute_field_are_followed(seen, db):
    """Other executors replace the method; the frame is known by its name and by what is in it."""
    from graphql import ExecutionContext, parse
    from graphql.execution import execute

    class Own(ExecutionContext):
        def execute_field(self, parent_type, source, field_nodes, path):
            return super().execute_field(parent_type, source, field_nodes, path)

    document = parse("query Q($db: String!) { articles(db: $db, first: 1) { writer } }")
    result = execute(schema.graphql_schema, document, variable_values={"db": db}, execution_context_class=Own)
    assert not result.errors
    assert [place[:2] for place in places(seen)] == [("Query.articles", "articles"), ("Article.writer", "articles[0].writer")]


def test_events_of_a_subscription_are_counted_one_by_one(seen, db):
    """The subscription may last for days: each event has its own numbers and its own spans."""

    async def consume():
        stream = await schema.subscribe("subscription S($db: String!) { titles(db: $db, to: 3) }", variable_values={"db": db})
        return [event.data["titles"] async for event in stream]

    assert len(asyncio.run(consume())) == 3
    events = [span for span in seen.spans if span.name == semconv.SPAN_SUBSCRIPTION_EVENT]
    assert [span.attributes[semconv.DB_QUERY_COUNT] for span in events] == [1, 1, 1]
    statements = [span for span in seen.spans if semconv.DB_SYSTEM_NAME in span.attributes]
    assert [span.parent.span_id for span in statements] == [span.context.span_id for span in events]
    assert {place[0] for place in places(seen)} == {"Subscription.titles"}


def test_one_statement_of_several_fields_is_told_apart(seen, db):
    """The same SQL in turn from a resolver and from a default resolver, in two operations: where it was the last time is no proof."""
    for _ in range(2):
        run(
            "query Q($db: String!) { articles(db: $db, first: 3) { writer author { username } } again: articles(db: $db, first: 2) { author { username } } }",
            db=db,
        )
    found = [(coordinate, path) for coordinate, path, table in places(seen) if table == "blog_user"]
    first = [("Article.writer", f"articles[{number}].writer") for number in range(3)]
    # Once the writer is loaded the row has its author.
    again = [("Article.author", f"again[{number}].author") for number in range(2)]
    assert found == (first + again) * 2


def test_a_list_that_asks_on_while_its_items_are_completed(seen, db):
    """Server-side iteration: later chunks are fetched when fields of earlier items have run."""

    def resolve(_root, _info, db, first):
        for post in schema_posts(db):
            connections[db].cursor().execute("SELECT 1 FROM blog_category")
            yield post

    def schema_posts(db):
        from tests.database.schema import posts

        return list(posts(db)[:3])

    field = schema.graphql_schema.query_type.fields["articles"]
    before, field.resolve = field.resolve, lambda root, info, **args: list_of(resolve(root, info, **args))

    class list_of:  # noqa: N801 - iterated by the library, item by item
        def __init__(self, items):
            self.items = items

        def __iter__(self):
            return self.items

    try:
        run("query Q($db: String!) { articles(db: $db, first: 3) { writer } }", db=db)
    finally:
        field.resolve = before
    assert [place[0] for place in places(seen) if place[2] == "blog_category"] == ["Query.articles"] * 3
    assert [place[0] for place in places(seen) if place[2] == "blog_user"] == ["Article.writer"] * 3
