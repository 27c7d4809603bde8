"""Whatever of this room breaks, the application gets the same rows, the same errors, and no delay."""

import asyncio
import logging

import pytest
from django.db import connections

from otel_graphql_auto import semconv
from otel_graphql_auto.testing import capture
from tests.database.schema import schema

pytestmark = pytest.mark.long

PARTS = [
    "capture._is_traced",
    "comments.ApplicationName._name",
    "connections.Connections._add",
    "causes._describe",
    "books.Books._count",
    "books.Books._record",
    "ledger.Ledger.entry",
    "notes._hash_of",
    "ledger.Ledger.settle",
    "ledger.Ledger.close",
    "ledger.Executed._make",
    "notes.failure_of",
    "notes.find_cause",
    "notes.find_place",
    "notes.Notes.ledger_of",
    "notes.understand",
    "notes.text_of",
    "room.read_options",
    "places.find_relation",
    "durations.Durations.series",
    "durations.Durations.record",
    "reports.WarningLog.log",
    "room.server_of",
    "spans.path_text",
    "books.add_span",
    "totals.add_span_for_all",
    "totals.describe",
    "totals.find",
]

DOCUMENTS = [
    "query Q($db: String!) { articles(db: $db, first: 12) { writer remarks { text } } }",
    'query Q($db: String!) { raw(db: $db, sql: ["SELECT * FROM no_such_table"]) }',
    "query Q($db: String!) { inTransaction(db: $db) twice(db: $db) }",
]


def fail(*_args, **_kwargs):
    raise RuntimeError("planted")


def answers(db):
    results = [schema.execute(document, variable_values={"db": db}) for document in DOCUMENTS]
    document = "query Q($db: String!) { articlesAsync(db: $db) { laterAuthor { username } } }"
    results.append(asyncio.run(schema.execute_async(document, variable_values={"db": db})))
    return [(result.data, [(str(error), type(error.original_error)) for error in result.errors or ()]) for result in results]


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_raises_changes_no_answer(blog_on, monkeypatch, configure, part):
    """Nothing reaches the application, and the wrappers come off in the end."""
    configure(SQL_COMMENTS=True)
    with blog_on("sqlite") as db:
        bare = answers(db)
        assert len(bare[0][0]["articles"]) == 12
        assert bare[1][1]
        monkeypatch.setattr(f"otel_graphql_auto.database.{part}", fail)
        with capture() as seen:
            assert answers(db) == bare
            assert len(seen.operation_spans) == len(DOCUMENTS) + 1
        connections[db].close()
        connections[db].ensure_connection()
        assert connections[db].execute_wrappers == []


@pytest.mark.usefixtures("forgiving")
def test_what_breaks_is_counted_and_logged_once(blog_on, monkeypatch, caplog):
    """By room and class, as everywhere."""
    from otel_graphql_auto import _safety

    monkeypatch.setattr(_safety, "internal_errors", _safety.Tally())
    monkeypatch.setattr("otel_graphql_auto.database.notes.find_cause", fail)
    caplog.set_level(logging.WARNING, "otel_graphql_auto")
    with capture(), blog_on("sqlite") as db:
        answers(db)
    assert _safety.internal_errors.read()["database", "RuntimeError"] > 30
    assert len([record for record in caplog.records if "(database) failed" in record.getMessage()]) == 1


class Odd:
    """A parameter that can neither be hashed nor compared nor shown."""

    __hash__ = None

    def __eq__(self, other):
        raise RuntimeError("planted")

    def __repr__(self):
        raise RuntimeError("planted")


@pytest.mark.parametrize(
    "statement",
    [
        ("SELECT %s", [Odd()]),
        ("SELECT '\ud800'", None),
        ("SELECT '" + "x" * 500_000, None),
        ("(" * 20_000, None),
        ("", None),
        ("SELECT %s", iter([1])),
        (b"SELECT 1", None),
        (None, None),
        (object(), None),
    ],
    ids=["odd parameter", "lone surrogate", "half a megabyte", "parentheses", "empty", "iterator", "bytes", "None", "an object"],
)
def test_whatever_is_executed_reaches_the_database_as_it_is(seen, blog_on, statement):
    """Bad input gets the error that it gets without us, and good input its answer."""
    handed = []

    def database(_execute, sql, params, _many, _context):
        handed.append((sql, params))
        return "answer"

    def resolve(_root, _info, db):
        with connections[db].cursor() as cursor, connections[db].execute_wrapper(database):
            assert cursor.execute(*statement) == "answer"
        return 1

    field = schema.graphql_schema.query_type.fields["twice"]
    before, field.resolve = field.resolve, resolve
    try:
        with blog_on("sqlite") as db:
            result = schema.execute("query Q($db: String!) { twice(db: $db) }", variable_values={"db": db})
    finally:
        field.resolve = before
    assert result.data == {"twice": 1}
    assert len(handed) == 1
    assert handed[0][0] is statement[0]
    assert handed[0][1] is statement[1]
    (span,) = [span for span in seen.spans if semconv.DB_SYSTEM_NAME in span.attributes]
    assert len(span.attributes[semconv.DB_QUERY_TEXT]) <= 2000
    span.to_json().encode("utf-8")
    assert seen.operations[0].queries.count == 1
