"""A field that runs the same statement again and again is found, with the line of code and the remedy that the models prove."""

import asyncio
import inspect
import logging
from pathlib import Path

import pytest

from otel_graphql_auto import semconv
from tests.database import schema as schema_module
from tests.database.schema import Article, Query, run, schema

FILE = str(Path(schema_module.__file__))


@pytest.fixture
def db(blog_on):
    with blog_on("sqlite") as alias:
        yield alias


def events(seen):
    return [dict(event.attributes) for span in seen.operation_spans for event in span.events if event.name == semconv.EVENT_N_PLUS_ONE]


def lines_of(function):
    lines, first = inspect.getsourcelines(function)
    return range(first, first + len(lines))


FIXES = {
    "a forward relation by its column": ("articles", "author { username }", "Article.author", "select_related", "blog.Post.author", Query.resolve_articles),
    "a forward relation in a resolver": ("articles", "writer", "Article.writer", "select_related", "blog.Post.author", Article.resolve_writer),
    "a reverse relation": ("articles", "remarks { text }", "Article.remarks", "prefetch_related", "blog.Post.comments", Article.resolve_remarks),
    "a count of a reverse relation": ("articles", "remarkCount", "Article.remarkCount", "annotate", "blog.Post.comments", Article.resolve_remark_count),
    "a prefetch that an order throws away": ("prefetched", "latestRemarks { text }", "Article.latestRemarks", "prefetch_lost", "blog.Post.comments", Article.resolve_latest_remarks),
    "a column that was deferred": ("deferred", "body", "Article.body", "load_field", "blog.Post.content", Article.resolve_body),
    "a look-up by hand": ("articles", "categoryName", "Article.categoryName", "dataloader", None, Article.resolve_category_name),
}  # fmt: skip


@pytest.mark.parametrize(("parent", "field", "coordinate", "fix", "relation", "code"), FIXES.values(), ids=FIXES)
def test_the_kind_of_remedy_is_proved_by_frames_and_models(seen, db, caplog, parent, field, coordinate, fix, relation, code):
    """Event, counter, one WARNING, the receipt and the span's count say the same; the line is the application's."""
    caplog.set_level(logging.WARNING, "otel_graphql_auto.n_plus_one")
    run(f"query Q($db: String!) {{ {parent}(db: $db, first: 10) {{ {field} }} }}", db=db)
    (event,) = events(seen)
    assert event[semconv.FIELD_SCHEMA_COORDINATE] == coordinate
    assert event[semconv.N_PLUS_ONE_QUERY_COUNT] == 10
    assert event[semconv.N_PLUS_ONE_DURATION] > 0
    assert (event[semconv.N_PLUS_ONE_FIX], event.get(semconv.N_PLUS_ONE_RELATION)) == (fix, relation)
    assert event[semconv.CODE_FILE_PATH] == FILE
    assert event[semconv.CODE_LINE_NUMBER] in lines_of(code)
    (operation,) = seen.operations
    (finding,) = operation.queries.findings
    assert (finding.coordinate, finding.query_count, finding.fingerprint) == (coordinate, 10, event[semconv.DB_FINGERPRINT])
    (span,) = seen.operation_spans
    assert span.attributes[semconv.N_PLUS_ONE_COUNT] == 1
    (point,) = seen.metrics()[semconv.N_PLUS_ONE.name]
    assert (point.attributes[semconv.FIELD_SCHEMA_COORDINATE], point.value) == (coordinate, 1)
    (record,) = [record for record in caplog.records if record.name == "otel_graphql_auto.n_plus_one"]
    message = record.getMessage()
    assert f"{coordinate} ran" in message
    assert "10 times" in message
    assert f"schema.py:{event[semconv.CODE_LINE_NUMBER]}" in message
    assert f"{span.context.trace_id:032x}" in message
    if relation:
        assert f'"{relation.rpartition(".")[2]}"' in message


def test_variants_without_an_n_plus_one_are_not_reported(seen, db):
    """Joins and prefetches of the same data."""
    for parent, field in (("joined", "author { username } writer"), ("prefetched", "author { username } remarks { text }")):
        data = run(f"query Q($db: String!) {{ {parent}(db: $db, first: 20) {{ {field} }} }}", db=db)
        assert len(data[parent]) == 20
    assert events(seen) == []
    assert semconv.N_PLUS_ONE.name not in seen.metrics()
    assert all(operation.queries.count <= 3 and operation.queries.findings == [] for operation in seen.operations)
    assert all(semconv.N_PLUS_ONE_COUNT not in span.attributes for span in seen.operation_spans)


@pytest.mark.parametrize(("rows", "found"), [(4, 0), (5, 1), (6, 1)])
def test_the_threshold_is_the_number_that_is_reported(seen, db, rows, found):
    """N_PLUS_ONE_THRESHOLD is 5 unless set."""
    run("query Q($db: String!, $rows: Int!) { articles(db: $db, first: $rows) { writer } }", db=db, rows=rows)
    assert len(events(seen)) == found


def test_the_threshold_can_be_set(seen, db, configure):
    configure(N_PLUS_ONE_THRESHOLD=3)
    run("query Q($db: String!) { articles(db: $db, first: 3) { writer } }", db=db)
    assert len(events(seen)) == 1


def test_async_resolvers_are_found_too(seen, db):
    """The ORM runs in another thread; the code line is that of the resolver."""
    result = asyncio.run(
        schema.execute_async(
            "query Q($db: String!) { articlesAsync(db: $db, first: 8) { laterAuthor { username } } }", variable_values={"db": db}
        )
    )
    assert not result.errors
    (event,) = events(seen)
    assert (event[semconv.FIELD_SCHEMA_COORDINATE], event[semconv.N_PLUS_ONE_QUERY_COUNT]) == ("Article.laterAuthor", 8)
    assert event[semconv.CODE_FILE_PATH] == FILE
    assert event[semconv.CODE_LINE_NUMBER] in lines_of(Article.resolve_later_author)


def test_a_loop_of_writes_is_not_called_an_n_plus_one(seen, blog_on):
    """There is no join for them, and a transaction's own statements repeat as well."""
    with blog_on("sqlite", fresh=True) as db:
        sql = [f"UPDATE blog_post SET title = 'x' WHERE id = {number}" for number in range(8)]
        run("query Q($db: String!, $sql: [String]!) { raw(db: $db, sql: $sql) }", db=db, sql=sql)
    assert events(seen) == []
    assert seen.operations[0].queries.count == 8


def test_one_warning_for_each_field_and_hour(seen, db, caplog, monkeypatch):
    """A busy field would fill the log; the counter goes on."""
    from otel_graphql_auto.database import reports

    now = [1000.0]
    monkeypatch.setattr(reports, "monotonic", lambda: now[0])
    caplog.set_level(logging.WARNING, "otel_graphql_auto.n_plus_one")

    def ask():
        before = len(caplog.records)
        run("query Q($db: String!) { articles(db: $db) { writer } }", db=db)
        return len(caplog.records) - before

    assert [ask(), ask()] == [1, 0]
    now[0] += 3599
    assert ask() == 0
    now[0] += 2
    assert ask() == 1
    (point,) = seen.metrics()[semconv.N_PLUS_ONE.name]
    assert point.value == 4


def test_each_field_of_an_operation_is_a_finding_of_its_own(seen, db):
    run("query Q($db: String!) { articles(db: $db) { writer remarks { text } categoryName } }", db=db)
    assert {event[semconv.FIELD_SCHEMA_COORDINATE] for event in events(seen)} == {
        "Article.writer",
        "Article.remarks",
        "Article.categoryName",
    }
    assert seen.operation_spans[0].attributes[semconv.N_PLUS_ONE_COUNT] == 3


def test_a_repeated_statement_with_the_same_parameters_is_a_duplicate(seen, db):
    """The same row asked for again: of three, one is."""
    run("query Q($db: String!) { twice(db: $db) }", db=db)
    assert seen.operation_spans[0].attributes[semconv.DB_DUPLICATE_COUNT] == 1


@pytest.mark.urls("tests.database.urls")
def test_headers_tell_of_statements_and_findings(seen, db, post, configure):
    """`Server-Timing` has the very numbers of the span."""
    configure(RESPONSE_HEADERS="always", RESPONSE_EXTENSIONS="always")
    response = post("query Q($db: String!) { articles(db: $db) { writer } }", path="/articles", variables={"db": db})
    assert "errors" not in response.json()
    attributes = seen.operation_spans[0].attributes
    timing = dict(part.strip().split(";", 1) for part in response["Server-Timing"].split(","))
    assert timing["db"] == f'dur={attributes[semconv.DB_DURATION] * 1000:.3f};desc="11"'
    assert timing["n_plus_one"] == 'desc="1"'
    assert response["X-GraphQL-DB-Queries"] == "11"
    assert response.json()["extensions"]["performance"]["counts"] == {"db": 11, "n_plus_one": 1}


def test_an_operation_without_statements_has_none(seen, post, configure):
    """0, not nothing: it is known."""
    configure(RESPONSE_HEADERS="always")
    response = post("{ hello }")
    assert response["X-GraphQL-DB-Queries"] == "0"
    assert seen.operation_spans[0].attributes[semconv.DB_QUERY_COUNT] == 0
    (point,) = seen.metrics()[semconv.OPERATION_DB_QUERIES.name]
    assert (point.count, point.sum) == (1, 0)
    assert semconv.OPERATION_DB_DURATION.name not in seen.metrics()


def found_in_the_hook(operation, _result):
    """Keeps what a RESPONSE_HOOK sees."""
    HOOKED.append([finding.coordinate for finding in operation.queries.findings])


HOOKED = []


def test_a_response_hook_sees_the_findings(seen, db, configure):
    """On the receipt, when it is over: for rules of one's own."""
    HOOKED.clear()
    configure(RESPONSE_HOOK=found_in_the_hook)
    run("query Q($db: String!) { articles(db: $db) { writer } }", db=db)
    assert HOOKED == [["Article.writer"]]
