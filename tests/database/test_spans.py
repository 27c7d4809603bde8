"""What the spans and metrics of statements say, how many there are, and that they stay few."""

import gc
import tracemalloc
import weakref

import pytest
from django.db import connections
from opentelemetry.trace import SpanKind

from otel_graphql_auto import semconv
from tests.database.schema import run, schema

SECRET = "hunter2"


def statement_spans(seen):
    return [span for span in seen.spans if semconv.DB_SYSTEM_NAME in span.attributes]


@pytest.fixture
def db(blog_on):
    with blog_on("sqlite") as alias:
        yield alias


@pytest.mark.parametrize("system", ["sqlite", "postgresql", "mariadb"])
def test_a_span_says_what_the_conventions_ask_for(seen, blog_on, request, system):
    """Name, kind, and every attribute; the text has no value of the statement in it, whichever way it got there."""
    server = "sqlite" if system == "sqlite" else request.getfixturevalue({"postgresql": "postgres"}.get(system, system))
    with blog_on(server) as db:
        name = connections[db].settings_dict["NAME"]
        port = connections[db].settings_dict.get("PORT")
        run(
            "query Q($db: String!, $sql: [String]!) { raw(db: $db, sql: $sql) }",
            db=db,
            sql=[f"SELECT title FROM blog_post WHERE title = '{SECRET}' AND id IN (1, 2, 3)"],
        )
    (span,) = statement_spans(seen)
    assert (span.name, span.kind) == ("SELECT blog_post", SpanKind.CLIENT)
    expected = {
        semconv.DB_SYSTEM_NAME: system,
        semconv.DB_NAMESPACE: name.rpartition("/")[2],
        semconv.DB_OPERATION_NAME: "SELECT",
        semconv.DB_COLLECTION_NAME: "blog_post",
        semconv.DB_QUERY_SUMMARY: "SELECT blog_post",
        semconv.DB_QUERY_TEXT: "SELECT title FROM blog_post WHERE title = ? AND id IN (?)",
        semconv.FIELD_SCHEMA_COORDINATE: "Query.raw",
        semconv.FIELD_PATH: "raw",
    }
    if system != "sqlite":
        expected |= {semconv.SERVER_ADDRESS: "127.0.0.1", semconv.SERVER_PORT: int(port)}
    attributes = dict(span.attributes)
    assert len(attributes.pop(semconv.DB_FINGERPRINT)) == 16
    assert attributes == expected
    (operation,) = seen.operation_spans
    assert span.parent.span_id == operation.context.span_id
    assert operation.start_time <= span.start_time < span.end_time <= operation.end_time
    (point,) = seen.metrics()[semconv.DB_OPERATION_DURATION.name]
    assert dict(point.attributes) == {
        key: expected[key] for key in (semconv.DB_SYSTEM_NAME, semconv.DB_NAMESPACE, semconv.DB_OPERATION_NAME, semconv.DB_COLLECTION_NAME)
    }
    assert point.sum == pytest.approx(operation.attributes[semconv.DB_DURATION])


def test_no_parameter_shows_anywhere(seen, db):
    """Values that go to the database beside the text stay out of all telemetry."""
    run("query Q($db: String!) { inner: articles(db: $db, first: 3) { writer } each(db: $db, times: 3) }", db=db)
    run(
        "query Q($db: String!, $sql: [String]!) { raw(db: $db, sql: $sql) }",
        db=db,
        sql=[f"INSERT INTO blog_category (name, slug) SELECT '{SECRET}', 'x' WHERE '1' = \"{SECRET}\" -- {SECRET}"],
    )
    everything = "".join(span.to_json() for span in seen.spans) + seen.metrics_data().to_json()
    assert SECRET not in everything
    assert "user00" not in everything


def test_batches_say_how_large_they_are(seen, blog_on):
    with blog_on("sqlite", fresh=True) as db:
        run("query Q($db: String!) { many(db: $db) }", db=db)
    (span,) = statement_spans(seen)
    assert (span.name, span.attributes[semconv.DB_OPERATION_BATCH_SIZE]) == ("UPDATE blog_post", 7)


def test_a_thousand_statements_make_eleven_spans_and_lose_no_number(seen, db):
    """Ten of their own, and one for the other 990 with their number and total time; metrics and receipt have all of them."""
    run("query Q($db: String!) { each(db: $db, times: 1000) }", db=db)
    spans = statement_spans(seen)
    assert len(spans) == 11
    *own, folded = sorted(spans, key=lambda span: span.start_time)
    assert all(semconv.DB_FOLDED_COUNT not in span.attributes for span in own)
    assert folded.attributes[semconv.DB_FOLDED_COUNT] == 990
    (operation,) = seen.operations
    assert operation.queries.count == 1000
    total = sum(span.end_time - span.start_time for span in own) / 1e9 + folded.attributes[semconv.DB_DURATION]
    assert total == pytest.approx(operation.queries.duration_ns / 1e9, rel=1e-6)
    assert folded.attributes[semconv.DB_DURATION] <= (folded.end_time - folded.start_time) / 1e9
    points = seen.metrics()[semconv.DB_OPERATION_DURATION.name]
    assert sum(point.count for point in points) == 1000
    assert sum(point.sum for point in points) == pytest.approx(operation.queries.duration_ns / 1e9)
    assert sum(sum(point.bucket_counts) for point in points) == 1000


def test_the_budget_can_be_set_and_is_for_each_field(seen, db, configure):
    configure(SQL_SPANS_PER_FIELD=2)
    run("query Q($db: String!) { articles(db: $db, first: 6) { writer categoryName } }", db=db)
    by_field = {}
    for span in statement_spans(seen):
        counts = by_field.setdefault(span.attributes[semconv.FIELD_SCHEMA_COORDINATE], [])
        counts.append(span.attributes.get(semconv.DB_FOLDED_COUNT, 1))
    assert by_field == {"Query.articles": [1], "Article.writer": [1, 1, 4], "Article.categoryName": [1, 1, 4]}


def test_slow_statements_are_marked_and_counted(seen, db, configure):
    """Every one beyond its threshold, with an exemplar that leads to its trace."""
    configure(SLOW_SQL_THRESHOLD=0)
    run("query Q($db: String!) { each(db: $db, times: 3) }", db=db)
    assert [span.attributes[semconv.DB_SLOW] for span in statement_spans(seen)] == [True] * 3
    metrics = seen.metrics()
    (point,) = metrics[semconv.DB_SLOW_QUERIES.name]
    assert point.value == 3
    assert dict(point.attributes) == {semconv.DB_SYSTEM_NAME: "sqlite", semconv.DB_COLLECTION_NAME: "blog_post"}
    (durations,) = metrics[semconv.DB_OPERATION_DURATION.name]
    assert durations.count == 3
    assert durations.exemplars
    assert durations.exemplars[0].trace_id == seen.operation_spans[0].context.trace_id


def test_fast_statements_are_not_marked(seen, db, configure):
    configure(SLOW_SQL_THRESHOLD=60_000)
    run("query Q($db: String!) { each(db: $db, times: 3) }", db=db)
    assert all(semconv.DB_SLOW not in span.attributes for span in statement_spans(seen))
    assert semconv.DB_SLOW_QUERIES.name not in seen.metrics()


def test_slow_ones_beyond_the_budget_get_a_span_all_the_same(seen, db, configure, monkeypatch):
    """Among a hundred fast ones a few slow ones are what is looked for; but they have a budget too."""
    configure(SLOW_SQL_THRESHOLD=0, SQL_SPANS_PER_FIELD=3)
    run("query Q($db: String!) { each(db: $db, times: 20) }", db=db)
    spans = statement_spans(seen)
    assert len(spans) == 7
    (folded,) = [span for span in spans if semconv.DB_FOLDED_COUNT in span.attributes]
    assert folded.attributes[semconv.DB_FOLDED_COUNT] == 14
    assert folded.attributes[semconv.DB_SLOW] is True


def test_a_statement_inside_a_field_with_a_span_is_its_child(seen, db):
    """`@traced` resolvers have a span that is current while they run."""
    from graphene import ObjectType, Schema, String

    from otel_graphql_auto.execution import traced

    class Query(ObjectType):
        marked = String()

        @traced
        def resolve_marked(root, info):
            with connections[db].cursor() as cursor:
                cursor.execute("SELECT 1 FROM blog_post")
            return "x"

    assert Schema(Query).execute("{ marked }").data == {"marked": "x"}
    (statement,) = statement_spans(seen)
    (field,) = [span for span in seen.spans if span.name == "Query.marked"]
    assert statement.parent.span_id == field.context.span_id


def test_made_up_tables_do_not_make_series_without_bound(seen, db, monkeypatch):
    """Raw SQL may name a table for each customer: labels are bounded, counts exact."""
    from otel_graphql_auto.database import durations

    monkeypatch.setattr(durations, "_MAX_SERIES", 5)
    sql = [f"SELECT 1 FROM blog_post AS made_up JOIN (SELECT 1 AS x) AS t{number} ON 1 = 1" for number in range(3)]
    sql += [f"CREATE TEMPORARY TABLE customer_{number} AS SELECT 1 AS a" for number in range(20)]
    sql += [f"SELECT * FROM customer_{number}" for number in range(20)]
    run("query Q($db: String!, $sql: [String]!) { raw(db: $db, sql: $sql) }", db=db, sql=sql)
    points = seen.metrics()[semconv.DB_OPERATION_DURATION.name]
    assert len(points) <= 8
    assert sum(point.count for point in points) == 43
    connections[db].close()


def test_an_operation_of_many_different_statements_is_bounded(seen, db, monkeypatch):
    """Beyond so many shapes they are counted together."""
    from otel_graphql_auto.database import ledger

    monkeypatch.setattr(ledger, "_MAX_ENTRIES", 20)
    sql = [f"SELECT 1 AS a{number}x" for number in range(100)]
    run("query Q($db: String!, $sql: [String]!) { raw(db: $db, sql: $sql) }", db=db, sql=sql)
    (operation,) = seen.operations
    assert operation.queries.count == 100
    assert len(operation.queries.entries) == 21
    assert sum(entry.count for entry in operation.queries.entries.values()) == 100
    assert sum(span.attributes.get(semconv.DB_FOLDED_COUNT, 1) for span in statement_spans(seen)) == 100


def test_those_that_are_too_many_keep_their_labels(seen, db, monkeypatch):
    """Counted together on the receipt, each under its own table in the metric."""
    from otel_graphql_auto.database import ledger

    monkeypatch.setattr(ledger, "_MAX_ENTRIES", 2)
    tables = ["blog_post", "blog_user", "blog_comment", "blog_category"]
    run(
        "query Q($db: String!, $sql: [String]!) { raw(db: $db, sql: $sql) }",
        db=db,
        sql=[f"SELECT COUNT(*) FROM {table}" for table in tables],
    )
    points = seen.metrics()[semconv.DB_OPERATION_DURATION.name]
    assert {point.attributes[semconv.DB_COLLECTION_NAME]: point.count for point in points} == dict.fromkeys(tables, 1)


def test_memory_does_not_grow_with_the_number_of_statements(blog_on, db):
    """20,000 statements of one operation keep what 12,000 do: counts, and the few rows that wait (`make bench` runs 100,000)."""
    from opentelemetry.sdk.trace import TracerProvider

    import otel_graphql_auto
    from otel_graphql_auto import current_operation

    otel_graphql_auto.instrument(tracer_provider=TracerProvider(shutdown_on_exit=False))
    sizes, pending = [], []

    def execute(_execute, _sql, _params, _many, _context):
        return None  # the database's part is not measured

    def resolve(_root, _info, db, times):
        connection = connections[db]
        with connection.cursor() as cursor, connection.execute_wrapper(execute):
            for number in range(20_000):
                cursor.execute("SELECT title FROM blog_post WHERE id = %s", (number,))
                pending.append(len(current_operation().queries.rows)) if number % 1000 == 0 else None
                if number in (12_000, 19_999):
                    gc.collect()
                    sizes.append(tracemalloc.get_traced_memory()[0])
        return times

    field = schema.graphql_schema.query_type.fields["each"]
    before, field.resolve = field.resolve, resolve
    tracemalloc.start()
    try:
        run("query Q($db: String!) { each(db: $db, times: 1) }", db=db)
    finally:
        tracemalloc.stop()
        field.resolve = before
    assert max(pending) <= 256
    assert sizes[1] - sizes[0] < 20_000


def test_a_receipt_keeps_no_rows_and_no_context(seen, db):
    """What is kept after the end is numbers and names: a task may hold its operation for long."""
    kept = []

    class Marker:
        pass

    marker = Marker()
    kept.append(weakref.ref(marker))

    def resolve(_root, _info, db, times):
        local = marker_holder.pop()
        with connections[db].cursor() as cursor:
            cursor.execute("SELECT 1")
        return times if local else 0

    marker_holder = [marker]
    del marker
    field = schema.graphql_schema.query_type.fields["each"]
    before, field.resolve = field.resolve, resolve
    try:
        run("query Q($db: String!) { each(db: $db, times: 1) }", db=db)
    finally:
        field.resolve = before
    gc.collect()
    assert kept[0]() is None
    (operation,) = seen.operations
    assert operation.queries.rows == []
    assert operation.queries.count == 1
