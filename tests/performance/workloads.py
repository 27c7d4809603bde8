"""What the benchmark asks, which answer is right, and which cost is the goal; one entry per workload, no Django in here.

A leaf is a scalar column of a DjangoObjectType that graphene's default resolver answers; a resolver is a plain Python function of the
type. Rows come from the database in one statement. The SQL workload looks up each of 50 authors by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["WORKLOADS", "Workload"]


@dataclass(frozen=True)
class Workload:
    """One GraphQL request with the facts that must hold for its answer."""

    title: str
    document: str
    count: Callable[[dict[str, Any]], int]
    """Counts in the answer's `data` whatever the workload is about; raises when the shape is another."""
    expected: int
    goal: float
    """Wall time of `ours` as a ratio to `bare`, upstream's HTTP span included."""
    upstream: float
    """What opentelemetry-instrumentation-django alone cost where the goals were set; where its share differs here, so does ours."""
    statements: int = 0
    """SQL statements of one request."""


def _leaves(data: dict[str, Any]) -> int:
    return sum(value is not None for row in data["readings"] for value in row.values())


def _authors(data: dict[str, Any]) -> int:
    return len({book["title"] for book in data["books"] if book["author"]["name"].startswith("Author ")})


def _edges(data: dict[str, Any]) -> int:
    edges = data["bookNodes"]["edges"]
    return len({edge["node"]["id"] for edge in edges if edge["cursor"] and edge["node"]["title"] and edge["node"]["pages"]})


WORKLOADS: dict[str, Workload] = {
    "hello": Workload(
        "{ hello }",
        "{ hello }",
        lambda data: int(data["hello"] == "world"),
        expected=1,
        goal=1.45,
        upstream=1.30,
    ),
    "leaves_400": Workload(
        "400 leaves",
        "{ readings(first: 100) { a b c d } }",
        _leaves,
        expected=400,
        goal=1.10,
        upstream=1.06,
        statements=1,
    ),
    "leaves_5000": Workload(
        "5,000 leaves",
        "{ readings(first: 500) { a b c d e f g h i j } }",
        _leaves,
        expected=5000,
        goal=1.03,
        upstream=0.99,
        statements=1,
    ),
    "sql_51": Workload(
        "51 SQL statements",
        "{ books(first: 50) { title author { name } } }",
        _authors,
        expected=50,
        goal=1.14,
        upstream=1.02,
        statements=51,
    ),
    "resolvers_1500": Workload(
        "1,500 resolvers",
        "{ readings(first: 500) { first second third } }",
        _leaves,
        expected=1500,
        goal=1.07,
        upstream=1.03,
        statements=1,
    ),
    "relay_100": Workload(
        "relay, 100 edges",
        "{ bookNodes(first: 100) { edges { cursor node { id title pages } } pageInfo { hasNextPage endCursor } } }",
        _edges,
        expected=100,
        goal=1.10,
        upstream=1.04,
        statements=2,
    ),
}
