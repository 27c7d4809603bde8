"""Requests that take the demo through everything that it can show: each step of its tour, and what the tour leaves out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .blog import Blog
from .collector import REPOSITORY
from .planted import UNLUCKY
from .redis import Redis

# The demo's programs import one another by their plain names.
if str(REPOSITORY / "demo") not in sys.path:
    sys.path.append(str(REPOSITORY / "demo"))

from load import send, steps_by_name  # noqa: E402
from steps import SLOW_MS, STEPS, Step  # noqa: E402

NAMES_LIMIT = 60
"""More than the scenarios have names, and fewer than names are invented besides."""

PREFIX = "OTEL_PYTHON_GRAPHQL_AUTO_"
VARIABLES = {
    f"{PREFIX}SLOW_QUERY_THRESHOLD": str(SLOW_MS),
    f"{PREFIX}SLOW_SQL_THRESHOLD": "5",
    f"{PREFIX}OPERATION_NAMES_LIMIT": str(NAMES_LIMIT),
    f"{PREFIX}REQUEST_HOOK": "planted.hook",
}
"""Of the demo, so that no scenario has to last."""

CLIENTS = 8


def step(document: str, expected: str, **fields: object) -> Step:
    """One request beyond those of the tour."""
    return replace(Step("", "", document, expected), **fields)


NUL = {"slug": "\x00"}
"""PostgreSQL's driver refuses it: a statement that fails and takes no time."""

BEYOND_THE_TOUR = [
    step("{ serverTime }", '"serverTime":'),
    step("{", "Syntax Error"),
    step("query SlowReport { slow(ms: 1200) }", '"slow":'),
    step("query AllowedToBeSlow { slow(ms: 300) }", '"slow":'),
    step("query Page { allPosts(first: 5) { edges { node { title author { username } category { name } } } } }", '"edges":'),
    step("query Categories { categoriesNaive { name postCount } }", '"postCount":'),
    step("query Numbered { post(number: 7) { title excerpt readingMinutes author { fullName } } }", '"excerpt":'),
    step("query FailingSql($slug: String) { feed(category: $slug) { title } }", "NUL", variables=NUL),
    step("query NoLoop { postsFast(limit: 2) { authorLoaded { username } } }", "needs an event loop"),
    step(f"query {UNLUCKY} {{ hello }}", '"hello":'),
    step('mutation NotFound { createComment(post: 0, username: "nobody", text: "?") { comment { id } } }', '"code":"NOT_FOUND"'),
    step('mutation Invalid { createComment(post: 1, username: "user0001", text: "") { errors { field messages } } }', '"messages":'),
    step("subscription Comments { newComments(limit: 1, seconds: 1) { text } }", "event: complete", path="/graphql/stream/"),
    step("subscription NoSuchEvent { nothing }", "Cannot query field", path="/graphql/stream/"),
]

EVERYTHING = [*STEPS, *BEYOND_THE_TOUR]

INVENTED = [step(f"query Client{number} {{ hello }}", '"hello":') for number in range(NAMES_LIMIT + 20)]
"""More names than are admitted. Each process admits those that it meets first: to be sent after everything else, and more than once."""

OFTEN = [steps_by_name()["PostsNaive"]] * 6 + [step("query FewQuoted { quotedPosts(upTo: 50) }", '"quotedPosts":')] * 12
"""As many as rules want that do not look at a single one; the first run in each process has no name yet."""


def run_through(blog: Blog, steps: Iterable[Step] = EVERYTHING) -> list[str]:
    """Send each of them to both services, several at the same time; gives what was wrong with answers."""
    sent = [(f"http://127.0.0.1:{service.port}", one) for one in steps for service in (blog.wsgi, blog.asgi)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        complaints = pool.map(lambda pair: send(*pair), sent)
        return [
            f"{one.document[:60]!r} at {address}: {complaint}"
            for (address, one), complaint in zip(sent, complaints, strict=True)
            if complaint
        ]


def use_cache(redis: Redis, *, times: int = 20) -> None:
    """What applications do with a cache, and the demo does not: ask, write for a while, ask again."""
    client = redis.client()
    try:
        for number in range(times):
            key = f"scenario:{number}"
            if client.get(key) is None:
                client.set(key, "x" * 100, ex=1 + number)
            client.get(key)
        client.set("scenario:for ever", "x")
    finally:
        client.close()
