"""Beside an instrumentation of the driver no statement of an operation is traced twice, and all others stay that one's."""

import sys

import pytest
from django.db import connections
from opentelemetry.instrumentation import dbapi
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

from otel_graphql_auto import semconv
from tests.database.schema import schema


class MariaDBInstrumentor:
    """As the instrumentations of MySQL's drivers do it, whose cursor is inside one of Django's backend."""

    def instrument(self, *, tracer_provider):
        dbapi.wrap_connect("tests", sys.modules["MySQLdb"], "connect", "mysql", tracer_provider=tracer_provider)

    def uninstrument(self):
        dbapi.unwrap_connect(sys.modules["MySQLdb"], "connect")


INSTRUMENTORS = {"sqlite": SQLite3Instrumentor, "postgres": PsycopgInstrumentor, "mariadb": MariaDBInstrumentor}


@pytest.mark.parametrize("server", INSTRUMENTORS)
def test_a_statement_is_traced_once(seen, blog_on, request, server):
    """Inside of an operation by us, who know the field; outside by the driver's instrumentation."""
    where = "sqlite" if server == "sqlite" else request.getfixturevalue(server)
    if server == "mariadb":
        where.settings()  # puts the driver in its place
    instrumentor = INSTRUMENTORS[server]()
    instrumentor.instrument(tracer_provider=seen.tracer_provider)
    try:
        with blog_on(where) as db:
            connections[db].ensure_connection()
            before = len(seen.spans)
            with connections[db].cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM blog_post")
                assert cursor.fetchone() == (20,)
            (outside,) = seen.spans[before:]
            assert outside.instrumentation_scope.name != semconv.SCOPE
            document = 'query Q($db: String!) { articles(db: $db, first: 3) { writer } twice(db: $db) raw(db: $db, sql: ["SELECT 1", "SELECT * FROM no_such_table"]) }'
            (error,) = schema.execute(document, variable_values={"db": db}).errors
            assert "no_such_table" in error.message
            inside = [span for span in seen.spans[before + 1 :] if "SELECT" in span.name]
            assert len(inside) == 9
            assert {span.instrumentation_scope.name for span in inside} == {semconv.SCOPE}
            with connections[db].cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM blog_user")
            assert seen.spans[-1].instrumentation_scope.name != semconv.SCOPE
    finally:
        instrumentor.uninstrument()
