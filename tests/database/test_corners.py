"""What a second reading found: finalizers that execute statements, questions that Django splits, several databases, readers beside writers."""

import gc
import threading

import pytest
from django.db import connections

from blog.models import Category, Post
from otel_graphql_auto import current_operation, semconv
from tests.database.schema import schema


@pytest.fixture
def db(blog_on):
    with blog_on("sqlite") as alias:
        yield alias


@pytest.fixture
def resolve_with():
    """Lets a function resolve Query.twice for the length of a test."""
    field = schema.graphql_schema.query_type.fields["twice"]
    before = field.resolve

    def use(function):
        field.resolve = lambda _root, _info, db: function(db) or 1

    yield use
    field.resolve = before


def ask(db):
    result = schema.execute("query Q($db: String!) { twice(db: $db) }", variable_values={"db": db})
    assert not result.errors, result.errors


def findings(seen):
    return [finding for operation in seen.operations for finding in operation.queries.findings]


def test_a_finalizer_may_execute_statements(seen, db, resolve_with):
    """The garbage collector runs it wherever something is allocated, inside of us too: nothing hangs, nothing is lost."""
    executed = []

    class Node:
        def __init__(self):
            self.me = self

        def __del__(self):
            if threading.current_thread().name != "worker":
                return  # the last ones may go when the alias is gone
            executed.append(1)
            connections[db].cursor().execute(f"SELECT 1 AS c{len(executed)}")

    def work(db):
        with connections[db].cursor() as cursor:
            for number in range(600):
                Node()
                cursor.execute(f"SELECT 1 AS a{number % 300}")

    before = gc.get_threshold()
    gc.set_threshold(7, 2, 2)
    resolve_with(work)
    try:
        thread = threading.Thread(target=lambda: (ask(db), connections[db].close()), name="worker", daemon=True)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
    finally:
        gc.set_threshold(*before)
    assert len(executed) > 100
    assert seen.operations[0].queries.count >= 600 + 100


def test_in_bulk_of_many_keys_is_one_question(seen, db, resolve_with, monkeypatch):
    """SQLite takes so many parameters and no more: Django asks several times."""
    monkeypatch.setattr(type(connections[db].features), "max_query_params", 999)  # as its older releases do
    resolve_with(lambda db: Post.objects.using(db).in_bulk(range(1, 8001)) and None)
    ask(db)
    assert seen.operations[0].queries.count > 5
    assert findings(seen) == []


def test_a_prefetch_for_each_chunk_is_one_question(seen, db, resolve_with):
    resolve_with(
        lambda db: (
            [list(post.comments.all()) for post in Post.objects.using(db).prefetch_related("comments").iterator(chunk_size=2)] and None
        )
    )
    ask(db)
    assert seen.operations[0].queries.count == 11
    assert findings(seen) == []


def test_the_same_statement_on_several_databases_is_no_repetition(seen, blog_on):
    """Shards and tenants: each is asked once."""
    with blog_on("sqlite") as one, blog_on("sqlite", fresh=True) as other:
        for _ in range(1):
            document = "query Q($one: String!, $other: String!) { a: articles(db: $one, first: 4) { writer } b: articles(db: $other, first: 4) { writer } }"
            assert not schema.execute(document, variable_values={"one": one, "other": other}).errors
        # On a slow machine the field itself has a span too.
        spans = [
            span
            for span in seen.spans
            if span.attributes.get(semconv.FIELD_SCHEMA_COORDINATE) == "Article.writer" and semconv.DB_NAMESPACE in span.attributes
        ]
        assert len({span.attributes[semconv.DB_NAMESPACE] for span in spans}) == 2
    assert len(spans) == 8
    assert findings(seen) == []


def test_executemany_does_not_look_at_what_it_is_given(seen, db, resolve_with):
    """The length of a queryset is a statement of its own, which nobody has asked for."""
    sent = []

    def refuse(execute, sql, params, many, context):
        sent.append(sql)
        if many:
            raise RuntimeError("refused")
        return execute(sql, params, many, context)

    def work(db):
        with connections[db].execute_wrapper(refuse), connections[db].cursor() as cursor, pytest.raises(RuntimeError):
            cursor.executemany("UPDATE blog_category SET name = name WHERE id = %s", Category.objects.using(db).values_list("pk"))

    resolve_with(work)
    ask(db)
    assert sent == ["UPDATE blog_category SET name = name WHERE id = %s"]


def test_parameters_whose_hashes_are_equal_are_no_duplicates(seen, db, resolve_with):
    """-1 and -2, 1 and True."""

    def work(db):
        with connections[db].cursor() as cursor:
            for value in (-1, -2, 1, True, "1"):
                cursor.execute("SELECT %s", [value])

    resolve_with(work)
    ask(db)
    assert seen.operations[0].queries.duplicate_count == 0


def test_the_same_parameters_in_a_tuple_are_duplicates(seen, db, resolve_with):
    """And one SELECT more, with other parameters, is none."""

    def work(db):
        with connections[db].cursor() as cursor:
            for values in ([1, 2], (1, 2), (2, 1)):
                cursor.execute("SELECT %s + %s", values)

    resolve_with(work)
    ask(db)
    assert seen.operations[0].queries.duplicate_count == 1


def test_whoever_looks_sees_everything_that_has_run(seen, db, resolve_with):
    """Threads that write and one that reads: numbers never fall short of what has returned, and the entries can be iterated."""
    problems = []

    def work(db):
        import contextvars

        returned, over = [], threading.Event()

        def write():
            with connections[db].cursor() as cursor:
                for number in range(1500):
                    cursor.execute(f"SELECT 1 AS a{number % 100}")
                    returned.append(1)
            connections[db].close()

        def read():
            while not over.is_set():
                at_least = len(returned)
                queries = current_operation().queries
                if queries is not None and (queries.count < at_least or sum(entry.count for entry in queries.entries.values()) < at_least):
                    problems.append((queries.count, at_least))

        writers = [threading.Thread(target=contextvars.copy_context().run, args=(write,)) for _ in range(2)]
        reader = threading.Thread(target=contextvars.copy_context().run, args=(read,))
        for thread in (*writers, reader):
            thread.start()
        for thread in writers:
            thread.join()
        over.set()
        reader.join()

    resolve_with(work)
    ask(db)
    assert problems == []
    assert seen.operations[0].queries.count == 3000


def test_connections_that_stay_open_are_observed_again(db):
    """Attached, detached, attached: a thread of a pool keeps its connection all the while."""
    from concurrent.futures import ThreadPoolExecutor

    from otel_graphql_auto.testing import capture

    with ThreadPoolExecutor(1) as pool:
        counts = []
        for _ in range(2):
            with capture() as seen:
                pool.submit(
                    lambda: schema.execute("query Q($db: String!) { articles(db: $db) { title } }", variable_values={"db": db})
                ).result()
                counts.append(seen.operations[0].queries.count)
        pool.submit(lambda: connections[db].close()).result()
    assert counts == [1, 1]
