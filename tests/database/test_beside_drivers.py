"""Beside an instrumentation of the driver no statement of an operation is traced twice, and all others stay that one's."""

import pytest
from django.db import connections
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

from otel_graphql_auto import semconv
from tests.database.schema import schema

INSTRUMENTORS = {"sqlite": SQLite3Instrumentor, "postgres": PsycopgInstrumentor}


@pytest.mark.parametrize("server", INSTRUMENTORS)
def test_a_statement_is_traced_once(seen, blog_on, request, server):
    """Inside of an operation by us, who know the field; outside by the driver's instrumentation."""
    instrumentor = INSTRUMENTORS[server]()
    instrumentor.instrument(tracer_provider=seen.tracer_provider)
    try:
        with blog_on("sqlite" if server == "sqlite" else request.getfixturevalue(server)) as db:
            connections[db].ensure_connection()
            before = len(seen.spans)
            with connections[db].cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM blog_post")
                assert cursor.fetchone() == (20,)
            (outside,) = seen.spans[before:]
            assert outside.instrumentation_scope.name != semconv.SCOPE
            document = "query Q($db: String!) { articles(db: $db, first: 3) { writer } many: twice(db: $db) }"
            assert not schema.execute(document, variable_values={"db": db}).errors
            inside = [span for span in seen.spans[before + 1 :] if "SELECT" in span.name]
            assert len(inside) == 7
            assert {span.instrumentation_scope.name for span in inside} == {semconv.SCOPE}
            with connections[db].cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM blog_user")
            assert seen.spans[-1].instrumentation_scope.name != semconv.SCOPE
    finally:
        instrumentor.uninstrument()
