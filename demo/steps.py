"""The steps of the tour: what is sent, what must be answered, and why it is worth seeing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["SLOW_MS", "SLOW_SQL_MS", "STEPS", "TREE_MS", "Step"]

SLOW_MS = 250
"""Threshold of slow operations in the tour."""

SLOW_SQL_MS = 50
"""Threshold of slow SQL statements in the tour."""

TREE_MS = 100
"""Requests that took so long are drawn as a tree, faster ones as a line."""


@dataclass(frozen=True)
class Step:
    """One request. A list of documents is sent as one HTTP batch; over GET a document stands in the query string."""

    title: str
    why: str
    document: str | list[str] = ""
    expected: str = ""
    path: str = "/graphql/"
    method: str = "POST"
    variables: dict[str, Any] | None = None
    headers: dict[str, str] | None = None
    is_seen: bool = True
    """Whether the console has something to say about it."""


RELATIONS = "title author { username } comments { text author { username } }"
LOADED_RELATIONS = "title author: authorLoaded { username } comments: commentsLoaded { text author: authorLoaded { username } }"

STEPS = [
    Step(
        "A fast query: one line",
        "HTTP knows only POST /graphql/. Here every operation has its name, and keeps it in metrics and alerts.",
        "query Hello { hello }",
        '"hello":"Hello, world!"',
    ),
    Step(
        "A deprecated field, asked for by an old client",
        "A counter tells when nobody asks for Post.summary any more, and the span who still does: then it can go.",
        "query OldClient { feed(limit: 1) { title summary } }",
        '"summary":',
        headers={"apollographql-client-name": "blog-web", "apollographql-client-version": "1.4.0"},
    ),
    Step(
        "Relations, naively: three N+1 queries",
        "Each N+1 line says which field repeats which statement, from which line of code, and how to fix it.",
        f"query PostsNaive {{ postsNaive(limit: 40) {{ {RELATIONS} }} }}",
        '"text":',
    ),
    Step(
        "The same answer, joined and prefetched",
        "Two statements instead of two hundred, and no N+1 line: what the fix has brought can be read off.",
        f"query PostsFast {{ postsFast(limit: 40) {{ {RELATIONS} }} }}",
        '"text":',
    ),
    Step(
        "The same answer from DataLoaders, in an async view",
        "Four statements: a loader asks once for all that wait for it. Nothing is repeated, so there is no N+1.",
        f"query PostsLoaded {{ postsAsync(limit: 40) {{ {LOADED_RELATIONS} }} }}",
        '"text":',
        path="/graphql/async/",
    ),
    Step(
        f"A slow SQL statement: over {SLOW_SQL_MS} ms here",
        "It is marked, with its field and its text, but without a value: an index may help here.",
        "query QuotedPosts { quotedPosts }",
        '"quotedPosts":0',
    ),
    Step(
        "A mutation",
        "Writes are told apart from reads: mutations have their own type, and so their own error rate and alert.",
        'mutation CreateComment { createComment(post: 1, username: "user0001", text: "Nice tour.") { comment { id text } } }',
        '"text":"Nice tour."',
    ),
    Step(
        f"A slow operation: over {SLOW_MS} ms here",
        "It is marked, counted and logged, with the phase and the field that took the time.",
        "query Slow { slow(ms: 400) }",
        '"slow":',
    ),
    Step(
        "A document that is slow before anything runs: one field 350 times",
        "Attacks look like this. No resolver is slow, so only the duration of the phases shows where the time went.",
        f"query SlowValidation {{ {' '.join(['hello'] * 350)} }}",
        '{"data":{"hello":"Hello, world!"}}',
    ),
    Step(
        "A failure of the server: HTTP says 200",
        "The load balancer's error rate stays at 0. Here it counts as an error, and as the server's fault: wake somebody.",
        "query UnexpectedFailure { unexpectedFailure }",
        "does not answer",
    ),
    Step(
        "A failure of the client, beside data",
        "Half an answer is an error too, but by its code it is the client's fault: counted, and nobody is woken.",
        "query PartialData { hello badUserInput }",
        '"code":"BAD_USER_INPUT"',
    ),
    Step(
        "A variable of the wrong type",
        "The span has the message without the value, which may be a password in the wrong field.",
        "query BadVariable($limit: Int!) { postsFast(limit: $limit) { title } }",
        "Int cannot represent",
        variables={"limit": "hunter2"},
    ),
    Step(
        "A document that is not valid",
        "After a deployment this says which client still asks for a field that is gone.",
        "query Typo { helo }",
        "Cannot query field",
    ),
    Step(
        "GraphQL over GET, with a name in the document",
        "The query string holds the whole document. Nothing of it leaves the process with the span.",
        'query ByGet { hello(name: "Grace Hopper") }',
        "Hello, Grace Hopper!",
        method="GET",
    ),
    Step(
        "Three operations in one HTTP batch",
        "One HTTP request, three operations: each with its own name, time and errors.",
        [f"query Batch{letter} {{ hello }}" for letter in "ABC"],
        '"status":200',
        path="/graphql/batch/",
    ),
    Step(
        "An operation inside another: a resolver that calls schema.execute",
        "Both are seen, and which one caused the other. Nothing is counted twice.",
        "query Outer { nestedOperation }",
        '"nestedOperation":"Hello from inside!"',
    ),
    Step(
        "An async view: two fields wait for 120 ms each",
        "The bars show that they wait at the same time. A blocking call among them would show.",
        "query Async { one: slowAsync(ms: 120) two: slowAsync(ms: 120) }",
        '"two":"awaited for 120 ms"',
        path="/graphql/async/",
    ),
    Step(
        "A subscription, streamed; its last event fails",
        "For HTTP the request was over at once, and fine. Each event has its own time, and its own errors.",
        "subscription Countdown { countdown(from: 2, interval: 0.1, failAt: 0) }",
        "event: complete",
        path="/graphql/stream/",
    ),
    Step(
        "Readiness, for a load balancer",
        "It asks each database and cache itself, within a time limit, and a probe every second leaves no trace at all.",
        expected='"status": "ok"',
        path="/readyz",
        method="GET",
        is_seen=False,
    ),
]
