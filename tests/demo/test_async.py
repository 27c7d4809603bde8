"""The async view and the stream answer under ASGI and under WSGI."""

import asyncio
import json
import time

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from blog.models import Comment, Post, User
from blog.schema import schema
from otel_graphql_auto import semconv


def post_asgi(path, document):
    """Status and whole body of an answer that came through Django's ASGI handler."""

    async def send():
        response = await AsyncClient().post(path, json.dumps({"query": document}), content_type="application/json")
        if response.streaming:
            return response.status_code, b"".join([part async for part in response.streaming_content]).decode()
        return response.status_code, response.content.decode()

    return async_to_sync(send)()


def post_wsgi(path, document):
    response = Client().post(path, json.dumps({"query": document}), content_type="application/json")
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, body.decode()


both = pytest.mark.parametrize("post", [post_asgi, post_wsgi])


def results(body):
    """The results in a body of Server-Sent Events, which must end with `complete`."""
    *events, last, rest = body.split("\n\n")
    assert (last, rest) == ("event: complete\ndata:", "")
    assert all(event.startswith("event: next\ndata: ") for event in events)
    return [json.loads(event.removeprefix("event: next\ndata: ")) for event in events]


@both
def test_async_fields_are_awaited(post, blog):
    status, body = post("/graphql/async/", "{ hello slowAsync(ms: 5) postsAsync(limit: 4) { title author { username } } }")
    assert status == 200
    data = json.loads(body)["data"]
    assert (data["hello"], data["slowAsync"]) == ("Hello, world!", "awaited for 5 ms")
    assert len(data["postsAsync"]) == 4
    assert all(post["author"]["username"] for post in data["postsAsync"])


LOADED = (
    "{ postsAsync(limit: 5) { author: authorLoaded { username } comments: commentsLoaded { text author: authorLoaded { username } } } }"
)


@both
def test_loaders_give_what_the_joined_query_gives_in_four_statements(post, ask, seen, blog):
    fast = ask(LOADED.replace("postsAsync", "postsFast").replace(": authorLoaded", "").replace(": commentsLoaded", ""))[1]["data"][
        "postsFast"
    ]
    status, body = post("/graphql/async/", LOADED)
    assert status == 200
    assert json.loads(body) == {"data": {"postsAsync": fast}}
    assert sum(len(post["comments"]) for post in fast) == 10
    assert seen.operation_spans[-1].attributes[semconv.DB_QUERY_COUNT] == 4


def test_a_loader_does_not_outlive_its_request(blog):
    """What it has fetched for one request is not shown to the next."""
    names = LOADED.replace("username", "firstName")
    User.objects.update(first_name="before")
    assert '"before"' in post_asgi("/graphql/async/", names)[1]
    User.objects.update(first_name="after")
    status, body = post_asgi("/graphql/async/", names)
    assert status == 200
    assert '"after"' in body
    assert '"before"' not in body


def test_async_fields_wait_together(blog):
    began = time.perf_counter()
    status, body = post_asgi("/graphql/async/", "{ a: slowAsync(ms: 300) b: slowAsync(ms: 300) }")
    assert status == 200
    assert json.loads(body)["data"] == {"a": "awaited for 300 ms", "b": "awaited for 300 ms"}
    assert 0.3 <= time.perf_counter() - began < 0.55


def test_the_sync_view_runs_the_same_fields_one_after_the_other(ask):
    _, body = ask("{ slowAsync(ms: 5) postsAsync(limit: 4) { author { username } } }")
    assert body["data"]["slowAsync"] == "slept for 5 ms"
    assert len(body["data"]["postsAsync"]) == 4


@both
def test_the_async_view_answers_errors_as_the_sync_one_does(post, ask, blog):
    for document in ("{ hello unexpectedFailure }", "{ badUserInput }", "{ nothing }", "{ hello"):
        status, body = post("/graphql/async/", document)
        assert (status, json.loads(body)) == ask(document)
        assert "errors" in json.loads(body)


def test_the_async_view_takes_posts_with_a_query_only(client, db):
    assert client.get("/graphql/async/?query={hello}").status_code == 405
    assert client.post("/graphql/async/", "{}", content_type="application/json").status_code == 400
    assert client.post("/graphql/async/", "not JSON", content_type="application/json").status_code == 400


@both
def test_a_subscription_is_streamed_to_its_end(post, blog):
    status, body = post("/graphql/stream/", "subscription { countdown(from: 2, interval: 0) }")
    assert status == 200
    assert results(body) == [{"data": {"countdown": number}} for number in (2, 1, 0)]


def test_events_are_sent_as_they_happen_under_wsgi_too(blog):
    body = json.dumps({"query": "subscription { countdown(from: 1, interval: 0.3) }"})
    response = Client().post("/graphql/stream/", body, content_type="application/json")
    events = iter(response.streaming_content)
    began = time.perf_counter()
    assert b'"countdown": 1' in next(events)
    assert time.perf_counter() - began < 0.2
    assert b'"countdown": 0' in next(events)
    assert time.perf_counter() - began >= 0.3
    response.close()


def test_a_client_that_leaves_ends_the_subscription(blog):
    """Closing the stream after its first event runs the subscription's own `finally`."""
    ended = []
    source = schema.graphql_schema.subscription_type.fields["countdown"]
    original = source.subscribe

    async def watched(*arguments, **keywords):
        try:
            async for number in original(*arguments, **keywords):
                yield number
        finally:
            ended.append(True)

    source.subscribe = watched
    try:
        body = json.dumps({"query": "subscription { countdown(from: 50, interval: 0.01) }"})
        response = Client().post("/graphql/stream/", body, content_type="application/json")
        events = iter(response.streaming_content)
        assert b'"countdown": 50' in next(events)
        assert not ended
        response.close()
    finally:
        source.subscribe = original
    assert ended == [True]


@both
@pytest.mark.parametrize("document", ["subscription { nothing }", "subscription {", "{ hello }"])
def test_what_cannot_be_subscribed_to_is_a_bad_request(post, document, blog):
    status, body = post("/graphql/stream/", document)
    assert status == 400
    assert json.loads(body)["errors"]


@pytest.mark.parametrize("body", ["", "[]", "{}", "not JSON"])
def test_the_stream_wants_json_with_a_query(client, db, body):
    assert client.post("/graphql/stream/", body, content_type="application/json").status_code == 400
    assert client.get("/graphql/stream/").status_code == 405


def test_new_comments_are_seen_when_they_are_written(blog):
    async def listen():
        stream = await schema.subscribe("subscription { newComments(limit: 1) { text author { username } post { title } } }")
        first = asyncio.ensure_future(stream.__anext__())
        await asyncio.sleep(0.1)
        assert not first.done()
        post, author = await Post.objects.afirst(), await User.objects.aget(username="user0003")
        await Comment.objects.acreate(post=post, author=author, text="Just now.")
        result = await asyncio.wait_for(first, 5)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(stream.__anext__(), 5)
        return result

    result = async_to_sync(listen)()
    assert result.errors is None
    assert result.data["newComments"]["text"] == "Just now."
    assert result.data["newComments"]["author"] == {"username": "user0003"}
    assert result.data["newComments"]["post"]["title"]
