"""What a client writes into URLs and headers reaches the HTTP span only cut, escaped and without documents."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider

from otel_graphql_auto.http_span import clean_http_span


def cleaned(rf, attributes, path="/graphql", data=None, **headers):
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("GET", attributes=attributes)
    clean_http_span(span, rf.get(path, data, headers=headers or None))
    return dict(span.attributes)


def test_the_document_and_variables_of_a_graphql_get_are_hidden(rf):
    """The rest of the query string stays, under the stable and the old names."""
    request = rf.get("/graphql", {"query": '{ user(password: "hunter2") }', "variables": '["swordfish"]', "operationName": "A"})
    query = request.META["QUERY_STRING"]
    span = (
        TracerProvider(shutdown_on_exit=False)
        .get_tracer("t")
        .start_span("GET", attributes={"url.query": query, "http.target": f"/graphql?{query}", "url.path": "/graphql"})
    )
    clean_http_span(span, request)
    assert dict(span.attributes) == {
        "url.query": "query=[redacted]&variables=[redacted]&operationName=A",
        "http.target": "/graphql?query=[redacted]&variables=[redacted]&operationName=A",
        "url.path": "/graphql",
    }


def test_an_url_that_upstream_has_decoded_is_rebuilt(rf):
    """As it does under ASGI, under the old names."""
    request = rf.get("/graphql", {"query": '{ user(password: "hunter2") }', "page": "2"})
    url = 'http://testserver/graphql?query={ user(password: "hunter2") }&page=2'
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("GET", attributes={"http.url": url})
    clean_http_span(span, request)
    assert dict(span.attributes) == {"http.url": "http://testserver/graphql?query=[redacted]&page=2"}


def test_an_ordinary_query_string_is_left_as_it_is(rf):
    """A search form may well call its field `query`."""
    assert cleaned(rf, {"url.query": "query=shoes&page=2"}, data={"query": "shoes", "page": "2"}) == {"url.query": "query=shoes&page=2"}


@pytest.mark.parametrize(
    ("attributes", "path", "headers", "expected"),
    [
        ({"url.path": "/a\x00\x1b"}, "/a\x00\x1b", {}, {"url.path": "/a\\x00\\x1b"}),
        ({"user_agent.original": "x" * 5000}, "/", {"user-agent": "x" * 5000}, {"user_agent.original": "x" * 999 + "…"}),
        (
            {"url.path": "/ok", "user_agent.original": "curl"},
            "/ok",
            {"user-agent": "curl"},
            {"url.path": "/ok", "user_agent.original": "curl"},
        ),
    ],
)
def test_paths_and_user_agents_are_cut_and_escaped(rf, attributes, path, headers, expected):
    """However long, and whatever is in them."""
    assert cleaned(rf, attributes, path, **headers) == expected
