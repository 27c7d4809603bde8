"""What the demo shows of SQL does not depend on the database that it runs on."""

import asyncio

import pytest
from django.http import HttpRequest
from steps import LOADED_RELATIONS, RELATIONS

from blog.schema import schema
from otel_graphql_auto import semconv
from tests.database.conftest import blog_on, blogs  # noqa: F401 - fixtures


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def server(request, blog_on):  # noqa: F811
    """The demo's own queries go to the blog on this server."""
    with blog_on("sqlite" if request.param == "sqlite" else request.getfixturevalue(request.param), routed=True):
        yield request.param


def test_the_relations_have_three_findings_or_none_on_every_database(server, seen):
    naive = schema.execute(f"query Naive {{ posts: postsNaive(limit: 10) {{ {RELATIONS} }} }}")
    fast = schema.execute(f"query Fast {{ posts: postsFast(limit: 10) {{ {RELATIONS} }} }}")
    document = f"query Loaded {{ posts: postsAsync(limit: 10) {{ {LOADED_RELATIONS} }} }}"
    loaded = asyncio.run(schema.execute_async(document, context_value=HttpRequest()))
    assert naive.errors is fast.errors is loaded.errors is None
    assert naive.data == fast.data == loaded.data
    assert len(naive.data["posts"]) == 10
    spans = {span.attributes[semconv.OPERATION_NAME]: span for span in seen.operation_spans}
    assert {name: span.attributes.get(semconv.N_PLUS_ONE_COUNT) for name, span in spans.items()} == {
        "Naive": 3,
        "Fast": None,
        "Loaded": None,
    }
    # All who comment have posts in the list, so that their loader knows them.
    assert {name: spans[name].attributes[semconv.DB_QUERY_COUNT] for name in ("Fast", "Loaded")} == {"Fast": 2, "Loaded": 3}


def test_the_slow_statement_runs_on_every_database(server, seen, configure):
    configure(SLOW_SQL_THRESHOLD=0.001)
    result = schema.execute("query QuotedPosts { quotedPosts }")
    assert result.errors is None
    assert result.data == {"quotedPosts": 0}
    (span,) = [span for span in seen.spans if semconv.DB_QUERY_SUMMARY in span.attributes]
    assert span.attributes[semconv.DB_SLOW] is True
    assert span.attributes[semconv.DB_SYSTEM_NAME] == {"postgres": "postgresql"}.get(server, server)
