"""The requests that every server gets, and what became of them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

from .client import Client, Exchange
from .telemetry import Telemetry

TOGETHER = 20
"""Requests that are under way at the same time."""

HTML = {"Accept": "text/html,application/json;q=0.5"}


@dataclass
class Recording:
    """One life of a server: what was asked, what was answered, what was exported."""

    server: str
    telemetry: Telemetry
    exchanges: dict[str, Exchange]
    sync_together: list[Exchange]
    async_together: list[Exchange]
    output: str = ""
    exit_code: int | None = None
    resident_bytes: dict[int, int] = field(default_factory=dict)

    @property
    def every_exchange(self) -> list[Exchange]:
        """Everything that was sent."""
        return [*self.exchanges.values(), *self.sync_together, *self.async_together]

    @property
    def expected_operations(self) -> int:
        """GraphQL operations in this traffic: one per request, three in the batch, none in pages."""
        return len(self.every_exchange) + 2 - len(NOT_OPERATIONS)


NOT_OPERATIONS = ("page", "graphiql")


def send_everything(client: Client) -> tuple[dict[str, Exchange], list[Exchange], list[Exchange]]:
    """Every kind of request once, then many sync ones together, then many async ones together."""
    exchanges = {
        "hello": client.query("query Hello { hello }", operationName="Hello"),
        "no parent": client.query("{ hello }", traced=False),
        "other mount": client.query("{ hello }", path="/api/gql/"),
        "right settings": client.query("{ marker installedApps }"),
        "database": client.query("query Articles { articles { id name } }"),
        "mutation": client.query('mutation Add { addArticle(name: "vase") { article { name } } }'),
        "variables": client.query("query Greet($name: String) { hello(name: $name) }", variables={"name": "Ada"}),
        "get": client.get("/graphql", query="query ByGet { hello }"),
        "async": client.query('query Later { later(label: "one") }', path="/later/"),
        "slow": client.query("query Slow { slow(milliseconds: 60) }"),
        "resolver error": client.query("query Fails { hello failing }"),
        "error code": client.query("query Forbidden { forbidden }"),
        "parse error": client.query("query Broken { hello"),
        "validation error": client.query("query Unknown { nothing }"),
        "batch": client.send(
            path="/batch/",
            body=json.dumps([{"id": n, "query": f"query Batch{n} {{ hello }}"} for n in (1, 2, 3)]).encode(),
            headers={"Content-Type": "application/json"},
        ),
        "graphiql": client.get("/graphql", headers=HTML),
        "page": client.get("/page/"),
    }
    sync_together = client.together([f"query Sync{n} {{ slow(milliseconds: 40) process }}" for n in range(TOGETHER)], path="/graphql")
    async_together = client.together([f'query Async{n} {{ later(label: "{n}") process }}' for n in range(TOGETHER)], path="/later/")
    return exchanges, sync_together, async_together


def resident_bytes(process: int) -> int:
    """Resident memory of a living process, as the kernel says."""
    with open(f"/proc/{process}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
