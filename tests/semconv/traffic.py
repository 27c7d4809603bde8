"""Real operations, one function per thing that can happen to an operation, through the view or the schema, with its answer checked."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.test import RequestFactory
from graphene_django.views import GraphQLView

from .schema import other_schema, schema

__all__ = ["SCENARIOS", "Scenario"]

MANIFEST = Path(__file__).with_name("manifest.json")
"""Declares the one operation whose span may carry its name."""

MANY = 12
"""More errors than a span gets events for."""


def post(
    document: str, *, of=schema, status: int = 200, errors: int = 0, name: str | None = None, variables: Any = None, **headers: str
) -> Any:
    """One request to the view; the number of errors in its answer must be `errors`."""
    body = json.dumps({"query": document, "variables": variables, "operationName": name})
    request = RequestFactory().post("/graphql/", body, content_type="application/json", headers=headers)
    response = GraphQLView.as_view(schema=of)(request)
    answer = json.loads(response.content)
    assert (response.status_code, len(answer.get("errors", ()))) == (status, errors), answer
    return answer.get("data")


def run(document: str, *, errors: int = 0) -> None:
    """`Schema.execute`, without a view."""
    assert len(schema.execute(document).errors or ()) == errors


async def run_async(document: str) -> None:
    """`Schema.execute_async`."""
    assert (await schema.execute_async(document)).data == {"hello": "world"}


async def subscribe(document: str, *, events: int, errors: int) -> None:
    """A subscription to its end."""
    results = [result async for result in await schema.subscribe(document)]
    assert (len(results), sum(bool(result.errors) for result in results)) == (events, errors)


def batch() -> None:
    """Three operations in one HTTP request."""
    body = json.dumps([{"query": "{ hello }"}, {"query": "query Second { hello }"}, {"query": "{ fails }"}])
    request = RequestFactory().post("/graphql/", body, content_type="application/json")
    response = GraphQLView.as_view(schema=schema, batch=True)(request)
    assert [entry["data"] for entry in json.loads(response.content)] == [{"hello": "world"}, {"hello": "world"}, {"fails": None}]


def names() -> None:
    """Two operation names where only one is admitted, each often enough to matter."""
    for _ in range(30):
        post("query First { hello }")
    for _ in range(30):
        post("query Second { hello }")


def two_schemas() -> None:
    """The same field of two schemas, twice each: from the second schema on, telemetry has to say which."""
    for _ in range(2):
        assert post("{ hello }") == {"hello": "world"}
        assert post("{ hello }", of=other_schema) == {"hello": "another world"}


def get_mutation() -> None:
    """A mutation that the view refuses after parsing, because it came by GET."""
    request = RequestFactory().get("/graphql/", {"query": 'mutation { rename(name: "a") { name } }'})
    assert GraphQLView.as_view(schema=schema)(request).status_code == 405


@dataclass(frozen=True)
class Scenario:
    """One thing that happens, the settings under which it happens, and what must be seen of it."""

    drive: Callable[[], Any]
    operations: list[tuple[str, Any]]
    """(span name, error.type) of each operation span, in the order in which they ended; `...` stands for any class of errors."""
    settings: dict[str, Any] = field(default_factory=dict)
    spans: frozenset[str] = frozenset()
    """Processing types of spans that must be there besides."""
    kind: str = "INTERNAL"
    name_with_operation: bool = False
    swallows: bool = False
    """Something of ours raises here, on purpose."""


ALWAYS = {"PHASE_SPANS": "always"}
PHASES = frozenset({"parse", "validate", "execute"})
COERCION = frozenset({"variable_coercion"})
RESOLVE = frozenset({"resolve"})

SCENARIOS: dict[str, Scenario] = {
    "query": Scenario(lambda: post("query Greeting { hello }"), [("query", None)]),
    "anonymous query": Scenario(lambda: post("{ hello }"), [("query", None)]),
    "every phase": Scenario(
        lambda: post("query Say($text: String!) { echo(text: $text) }", variables={"text": "hi"}),
        [("query", None)],
        ALWAYS,
        PHASES | COERCION,
    ),
    "mutation": Scenario(lambda: post('mutation Rename { rename(name: "a") { name } }'), [("mutation", None)], ALWAYS, PHASES),
    "one of several operations": Scenario(
        lambda: post('query A { hello } mutation B { rename(name: "b") { name } }', name="B"), [("mutation", None)]
    ),
    "an operation that is not there": Scenario(
        lambda: post('query A { hello } mutation B { rename(name: "b") { name } }', name="C", status=400, errors=1),
        [("GraphQL Operation", "GraphQLError")],
    ),
    "parse error": Scenario(
        lambda: post("query Broken { hello", status=400, errors=1),
        [("GraphQL Operation", "GRAPHQL_PARSE_FAILED")],
        spans=frozenset({"parse"}),
    ),
    "validation error": Scenario(
        lambda: post("query Wrong { goodbye farewell }", status=400, errors=2),
        [("query", "GRAPHQL_VALIDATION_FAILED")],
        spans=frozenset({"validate"}),
    ),
    "variable error": Scenario(
        lambda: post("query Say($text: String!) { echo(text: $text) }", variables={"text": None}, status=400, errors=1),
        [("query", "GraphQLError")],
        spans=COERCION,
    ),
    "partial error": Scenario(lambda: post("query Some { hello fails }", errors=1), [("query", "ValueError")], spans=RESOLVE | {"execute"}),
    "total error": Scenario(lambda: post("{ hello requiredFails }", errors=1), [("query", "KeyError")], spans=RESOLVE | {"execute"}),
    "error with a code": Scenario(lambda: post("{ forbidden }", errors=1), [("query", "FORBIDDEN")], spans=RESOLVE),
    "more errors than events": Scenario(
        lambda: post(f"query Many {{ items(count: {MANY}) {{ number broken }} }}", errors=MANY), [("query", "LookupError")], spans=RESOLVE
    ),
    "slow operation": Scenario(lambda: post("query Slow { slow }"), [("query", None)], {"SLOW_QUERY_THRESHOLD": 5}, RESOLVE | {"execute"}),
    "marked field": Scenario(lambda: post("{ alias: marked }"), [("query", None)], spans=RESOLVE),
    "deprecated field": Scenario(lambda: post("{ old }"), [("query", None)]),
    "client": Scenario(
        lambda: post("{ hello }", **{"apollographql-client-name": "web", "apollographql-client-version": "1.2"}), [("query", None)]
    ),
    "document and variables": Scenario(
        lambda: post("query Say($text: String!) { echo(text: $text) }", variables={"text": "hi"}),
        [("query", None)],
        {"CAPTURE_DOCUMENT": "full", "CAPTURE_VARIABLES": True, "CAPTURE_USER": True},
    ),
    "server kind": Scenario(lambda: post("{ hello }"), [("query", None)], {"SPAN_KIND": "server", **ALWAYS}, PHASES, kind="SERVER"),
    "declared operation": Scenario(
        lambda: post("query Declared { hello }"),
        [("query Declared", None)],
        {"SPAN_NAMES": "type_and_name", "OPERATION_MANIFEST": str(MANIFEST)},
        name_with_operation=True,
    ),
    "several schemas": Scenario(two_schemas, [("query", None)] * 4),
    "batch": Scenario(batch, [("query", None), ("query", None), ("query", "ValueError")]),
    "refused method": Scenario(get_mutation, [("mutation", ...)]),
    "schema.execute": Scenario(lambda: run("query Plain { hello }"), [("query", None)]),
    "schema.execute, parse error": Scenario(lambda: run("{", errors=1), [("GraphQL Operation", "GRAPHQL_PARSE_FAILED")]),
    "schema.execute_async": Scenario(lambda: asyncio.run(run_async("query Plain { hello }")), [("query", None)]),
    "operation in a resolver": Scenario(lambda: post("query Outer { nested }"), [("query", None), ("query", None)]),
    "subscription": Scenario(
        lambda: asyncio.run(subscribe("subscription Count { numbers }", events=3, errors=0)),
        [("subscription", None)],
        spans=frozenset({"subscription_event"}),
    ),
    # An event that fails fails alone: its errors, and with them the status, are on its own span.
    "subscription with an event that fails": Scenario(
        lambda: asyncio.run(subscribe("subscription Count { numbers(failing: 1) }", events=3, errors=1)),
        [("subscription", None)],
        spans=frozenset({"subscription_event"}),
    ),
    "SQL": Scenario(
        lambda: post("query Sql { items(count: 7) { sql } }"),
        [("query", None)],
        {"SQL_SPANS_PER_FIELD": 2, "SLOW_SQL_THRESHOLD": 0},
        spans=frozenset({"database"}),
    ),
    "SQL that fails": Scenario(
        lambda: post("query Sql { badSql }", errors=1), [("query", "django.db.utils.OperationalError")], spans=frozenset({"database"})
    ),
    "names beyond the limit": Scenario(names, [("query", None)] * 60, {"OPERATION_NAMES_LIMIT": 1}),
    "hook that raises": Scenario(
        lambda: post("{ hello }"), [("query", None)], {"REQUEST_HOOK": lambda operation, request: 1 / 0}, swallows=True
    ),
}
