"""Every statement of an operation is seen, on every database and in every way that it can be executed, and nothing about it changes."""

import asyncio
import threading

import pytest
from django.db import IntegrityError, connection, connections
from django.test.utils import CaptureQueriesContext
from opentelemetry.trace import StatusCode

from otel_graphql_auto import semconv
from tests.database.schema import run, schema

WITHOUT_CURSOR = {"BEGIN", "COMMIT", "ROLLBACK"}
"""What Django's debug log notes where the driver is asked for a transaction: no statement that goes through a cursor on PostgreSQL and MariaDB."""


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def db(request, blog_on):
    server = "sqlite" if request.param == "sqlite" else request.getfixturevalue(request.param)
    with blog_on(server) as alias:
        yield alias


def statements(seen):
    """The statements that spans stand for, folded ones included."""
    return sum(span.attributes.get(semconv.DB_FOLDED_COUNT, 1) for span in seen.spans if semconv.DB_SYSTEM_NAME in span.attributes)


OPERATIONS = {
    "lazily evaluated": "query Q($db: String!) { articles(db: $db) { title } }",
    "a relation for each row": "query Q($db: String!) { articles(db: $db) { author { username } remarks { text } } }",
    "raw cursors": 'query Q($db: String!) { raw(db: $db, sql: ["SELECT 1", "SELECT COUNT(*) FROM blog_post"]) }',
    "executemany": "query Q($db: String!) { many(db: $db) }",
    "server-side cursors": "query Q($db: String!) { iterated(db: $db) }",
    "transactions and savepoints": "query Q($db: String!) { inTransaction(db: $db) }",
    "a mutation": "mutation M($db: String!) { rename(db: $db) { renamed } }",
    "an operation inside": "query Q($db: String!) { nested(db: $db) }",
}


@pytest.mark.parametrize("document", OPERATIONS.values(), ids=OPERATIONS)
def test_as_many_statements_are_counted_as_django_counts(seen, db, document):
    """With DEBUG off; Django's own count is of the same execution. The span and the metric say the same number as the receipts."""
    connections[db].ensure_connection()
    writes = "renamed" in document or "many" in document
    if writes:
        connections[db].set_autocommit(False)  # the blog is shared: what is written is rolled back
    try:
        with CaptureQueriesContext(connections[db]) as queries:
            assert run(document, db=db)
    finally:
        if writes:
            connections[db].rollback()
            connections[db].set_autocommit(True)
    cursor_statements = [
        query
        for query in queries.captured_queries
        if connections[db].vendor == "sqlite" and query["sql"] == "BEGIN" or query["sql"] not in WITHOUT_CURSOR
    ]
    expected = len(cursor_statements)
    assert expected > 0
    assert sum(operation.queries.count for operation in seen.operations) == expected
    assert statements(seen) == expected
    assert sum(span.attributes[semconv.DB_QUERY_COUNT] for span in seen.operation_spans) == expected
    points = seen.metrics()[semconv.OPERATION_DB_QUERIES.name]
    assert sum(point.sum for point in points) == expected
    assert sum(point.count for point in seen.metrics()[semconv.DB_OPERATION_DURATION.name]) == expected
    assert sum(point.value for point in seen.metrics()[semconv.FIELD_DB_QUERIES.name]) == expected


def test_two_databases_at_once_add_up(seen, blog_on, postgres):
    """One operation that asks two aliases: each span says which, and the number is that of both."""
    with blog_on("sqlite") as one, blog_on(postgres) as other:
        for alias in (one, other):
            connections[alias].ensure_connection()
        with CaptureQueriesContext(connections[one]) as of_one, CaptureQueriesContext(connections[other]) as of_other:
            run(
                "query Q($one: String!, $other: String!) { a: articles(db: $one) { writer } b: each(db: $other, times: 3) c: inTransaction(db: $other) }",
                one=one,
                other=other,
            )
        expected = len(of_one), sum(query["sql"] not in WITHOUT_CURSOR for query in of_other.captured_queries)
    by_system = {"sqlite": 0, "postgresql": 0}
    for span in seen.spans:
        if semconv.DB_SYSTEM_NAME in span.attributes:
            by_system[span.attributes[semconv.DB_SYSTEM_NAME]] += 1
    assert (by_system["sqlite"], by_system["postgresql"]) == expected
    assert seen.operations[0].queries.count == sum(expected) > 10


def test_statements_of_threads_belong_to_their_operation(seen, db):
    """Threads with connections of their own, opened inside the operation, in the context of the resolver: nothing is lost between them."""
    run("query Q($db: String!) { inThreads(db: $db, threads: 4, each: 50) }", db=db)
    (operation,) = seen.operations
    assert operation.queries.count == 200
    assert statements(seen) == 200


def test_statements_under_sync_to_async_belong_to_their_operation(seen, db):
    """asgiref's thread pool copies the context."""
    result = asyncio.run(schema.execute_async("query Q($db: String!) { inPool(db: $db, threads: 5) }", variable_values={"db": db}))
    assert result.data == {"inPool": 100}
    assert seen.operations[0].queries.count == 5


def test_a_connection_that_is_opened_again_is_wrapped_once(seen, db):
    """The signal comes at each opening. MariaDB's backend asks the server something of its own then, which Django counts too."""
    own = {"mysql": 1}.get(connections[db].vendor, 0)
    for _ in range(3):
        run("query Q($db: String!) { newConnection(db: $db) }", db=db)
    assert len(connections[db].execute_wrappers) == 1
    assert [operation.queries.count for operation in seen.operations] == [1, 1 + own, 1 + own]


def test_statements_outside_of_operations_are_left_to_others(seen, db):
    """Admin pages, commands and workers have instrumentations of their own."""
    with connections[db].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM blog_post")
        assert cursor.fetchone() == (20,)
    assert seen.spans == []
    run("query Q($db: String!) { articles(db: $db) { title } }", db=db)
    assert statements(seen) == 1


def test_what_a_finished_operation_left_running_is_not_its_own(seen, db):
    """A thread that outlives its operation runs for nobody."""
    over = threading.Event()
    threads = []

    def late(_root, _info, db):
        import contextvars

        def run_late():
            over.wait(10)
            connections[db].cursor().execute("SELECT 1")
            connections[db].close()

        threads.append(threading.Thread(target=contextvars.copy_context().run, args=(run_late,)))
        threads[0].start()
        return 1

    field = schema.graphql_schema.query_type.fields["twice"]
    before, field.resolve = field.resolve, late
    try:
        run("query Q($db: String!) { twice(db: $db) }", db=db)
        over.set()
        threads[0].join()
    finally:
        field.resolve = before
    assert seen.operations[0].queries is None
    assert statements(seen) == 0


def test_nothing_that_is_executed_changes(seen, db):
    """Text, parameters, result and exception are the very objects that Django gets without us, and other wrappers keep their order."""
    calls = []
    error = IntegrityError("of the test")

    def outer(execute, sql, params, many, context):
        calls.append(("outer", sql, params, many, context["connection"].alias))
        return execute(sql, params, many, context)

    def inner(execute, sql, params, many, context):
        calls.append(("inner", sql, params, many, context["connection"].alias))
        if "blog_category" in sql:
            raise error
        return "result"

    sql, params = "SELECT %s /* as it was */", [object()]
    results = []

    def resolve(_root, _info, db):
        with connections[db].execute_wrapper(outer), connections[db].execute_wrapper(inner), connections[db].cursor() as cursor:
            results.append(cursor.execute(sql, params))
            with pytest.raises(IntegrityError) as raised:
                cursor.execute("SELECT 1 FROM blog_category")
            results.append(raised.value)
        return 1

    connections[db].ensure_connection()
    before_wrappers = list(connections[db].execute_wrappers)
    field = schema.graphql_schema.query_type.fields["twice"]
    before, field.resolve = field.resolve, resolve
    try:
        run("query Q($db: String!) { twice(db: $db) }", db=db)
    finally:
        field.resolve = before
    assert [call[0] for call in calls] == ["outer", "inner", "outer", "inner"]
    assert all(call[1] is sql and call[2] is params and call[3] is False and call[4] == db for call in calls[:2])
    assert results == ["result", error]
    assert results[1].__context__ is None
    assert connections[db].execute_wrappers == before_wrappers
    assert seen.operations[0].queries.count == 2


def test_a_wrapper_that_is_active_while_its_connection_opens_is_the_one_that_is_taken_off(seen, blog_on):
    """Django's `execute_wrapper()` takes off the last one in the list, whichever that is."""
    with blog_on("sqlite") as db:

        def theirs(execute, sql, params, many, context):
            return execute(sql, params, many, context)

        with connections[db].execute_wrapper(theirs):
            connections[db].ensure_connection()
            assert connections[db].execute_wrappers[-1] is theirs
        assert theirs not in connections[db].execute_wrappers
        run("query Q($db: String!) { articles(db: $db) { title } }", db=db)
    assert seen.operations[0].queries.count == 1


def test_a_statement_that_fails_is_counted_and_named(seen, db, forgiving):
    """By the SQLSTATE where the driver gives it, by the exception on SQLite; the application gets the very error."""
    result = schema.execute('query Q($db: String!) { raw(db: $db, sql: ["SELECT * FROM no_such_table"]) }', variable_values={"db": db})
    (error,) = result.errors
    assert "no_such_table" in error.message
    (span,) = [span for span in seen.spans if semconv.DB_SYSTEM_NAME in span.attributes]
    expected = {"sqlite": "django.db.utils.OperationalError", "postgresql": "42P01", "mariadb": "42S02"}[
        span.attributes[semconv.DB_SYSTEM_NAME]
    ]
    assert span.attributes[semconv.ERROR_TYPE] == expected
    assert span.attributes.get(semconv.DB_RESPONSE_STATUS_CODE) == (expected if expected[0].isdigit() else None)
    assert span.status.status_code is StatusCode.ERROR
    (point,) = seen.metrics()[semconv.DB_OPERATION_DURATION.name]
    assert (point.count, point.attributes[semconv.ERROR_TYPE]) == (1, expected)


def test_uninstrument_takes_every_wrapper_off(db):
    """Those of connections in other threads too; statements go on working."""
    from otel_graphql_auto.testing import capture

    opened, done = threading.Event(), threading.Event()
    found = []

    def other_thread():
        connections[db].ensure_connection()
        found.append(connections[db].execute_wrappers)
        found.append(len(connections[db].execute_wrappers))
        opened.set()
        done.wait(10)
        connections[db].close()

    thread = threading.Thread(target=other_thread)
    with capture():
        connections[db].ensure_connection()
        assert len(connections[db].execute_wrappers) == 1
        thread.start()
        assert opened.wait(10)
        assert found[1] == 1
    assert connections[db].execute_wrappers == []
    assert found[0] == []
    done.set()
    thread.join()
    connections[db].close()
    connections[db].ensure_connection()
    assert connections[db].execute_wrappers == []


@pytest.mark.django_db
def test_a_connection_that_was_open_before_is_observed_too():
    """`instrument()` may come late: in a shell, in a test."""
    from otel_graphql_auto.testing import capture

    connection.ensure_connection()
    assert connection.execute_wrappers == []
    with capture() as seen:
        run('{ articles(db: "default") { title } }')
        assert seen.operations[0].queries.count == 1


@pytest.mark.parametrize("values", [{"DISABLED": ["database"]}, {"PERFORMANCE_MONITORING": False}])
def test_the_room_can_be_switched_off(seen, blog_on, configure, values):
    """No span of a statement, no number, and the answer is the same."""
    configure(**values)
    with blog_on("sqlite") as db:
        assert len(run("query Q($db: String!) { articles(db: $db) { title } }", db=db)["articles"]) == 10
    assert statements(seen) == 0
    assert semconv.OPERATION_DB_QUERIES.name not in seen.metrics()


def test_the_doctor_says_whether_connections_are_observed(seen, blog_on, configure):
    """None opened yet, all observed, one that lost its wrapper, and the room switched off."""
    from otel_graphql_auto.finding import INFO, OK, WARNING
    from otel_graphql_auto.instrumentor import GraphQLInstrumentor

    (room,) = [part for part in GraphQLInstrumentor().parts() if part.name == "database"]

    def row():
        (finding,) = room.diagnose()
        return finding.level, finding.message

    levels = []

    def look_and_open(db):
        levels.append(row()[0])  # a thread has no connections before it opens one
        connections[db].ensure_connection()
        assert row() == (OK, "statements are observed on the open connection")
        connections[db].execute_wrappers.clear()
        assert row() == (WARNING, "1 of 1 open connections are not observed")
        connections[db].close()
        levels.append("looked")

    with blog_on("sqlite") as db:
        thread = threading.Thread(target=look_and_open, args=(db,))
        thread.start()
        thread.join()
    assert levels == [INFO, "looked"]
    configure(DISABLED=["database"])
    assert row() == (INFO, "the room database is switched off")
