"""Cuts and redacts what the HTTP span of opentelemetry-instrumentation-django says of the request's URL and client.

GraphQL over GET puts whole documents there, with the literals in them, and paths and user agents are whatever a client sends.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import MAX_TEXT, guard, text

__all__ = ["clean_http_span"]

_GRAPHQL_PARAMETERS = ("query", "variables", "extensions")
_HIDDEN = "[redacted]"


def _clean(span: Any, request: Any) -> None:
    meta = request.META
    query = meta.get("QUERY_STRING", "")
    if not query and _is_harmless(request.path) and _is_harmless(meta.get("HTTP_USER_AGENT", "")):
        return  # nearly every GraphQL request
    if not span.is_recording():
        return
    for name in semconv.HTTP_CLIENT_ATTRIBUTES:
        value = (span.attributes or {}).get(name)
        if isinstance(value, str):
            cleaned = text(_without_graphql(name, value, query) if query else value)
            if cleaned != value:
                span.set_attribute(name, cleaned)


clean_http_span = guard("http", _clean)
"""The request hook for DjangoInstrumentor: `hook(span, request)`."""


def _is_harmless(value: str) -> bool:
    return len(value) <= MAX_TEXT and value.isprintable()


def _without_graphql(name: str, value: str, query: str) -> str:
    """`value` with the GraphQL parameters of the query string in it hidden. A search form's `?query=shoes` is none."""
    pairs = parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="backslashreplace")
    if not any(key in _GRAPHQL_PARAMETERS and "{" in item for key, item in pairs):
        return value
    hidden = [(key, _HIDDEN if key in _GRAPHQL_PARAMETERS else item) for key, item in pairs]
    rebuilt = urlencode(hidden, safe="[]")
    if name == semconv.URL_QUERY:
        return rebuilt
    # Not by searching for the query string: under ASGI upstream has decoded it.
    before, mark, _ = value.partition("?")
    return f"{before}?{rebuilt}" if mark else value
