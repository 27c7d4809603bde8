"""PerformanceMiddleware: who sees which numbers in response headers, and that nothing else of a response changes."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.urls import path as route
from django.views.decorators.csrf import csrf_exempt

import otel_graphql_auto
from otel_graphql_auto import semconv
from otel_graphql_auto.http import PerformanceMiddleware
from otel_graphql_auto.http.numbers import Receipts, collected
from otel_graphql_auto.instrumentor import GraphQLInstrumentor
from otel_graphql_auto.room import Number, Room
from tests import urls
from tests.schema import schema

HEADERS = (semconv.SERVER_TIMING, semconv.EXECUTION_TIME, semconv.DB_QUERIES)
SESSIONS = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


def timings(response):
    """Server-Timing as {name: milliseconds}."""
    entries = re.findall(r"(?:^|, )([a-z_]+);dur=([0-9.]+)", response.headers[semconv.SERVER_TIMING])
    assert entries
    return {name: float(milliseconds) for name, milliseconds in entries}


def duration(span):
    return (span.end_time - span.start_time) / 1e6


def ours(response):
    return [name for name in HEADERS if name in response.headers]


def text_view(request):
    return HttpResponse("plain")


def timed_view(request):
    schema.execute("{ hello }")
    return HttpResponse("timed", headers={"Server-Timing": "app;dur=1"})


def upload_view(request):
    return HttpResponse(request.FILES["file"].read() + schema.execute("{ hello }").data["hello"].encode())


def raw_view(request):
    """Reads the body as a stream, which is refused once anybody else has looked at request.body."""
    return HttpResponse(request.read() + schema.execute("{ hello }").data["hello"].encode())


def streaming_view(request):
    def chunks():
        for number in range(3):
            pulled.append(number)
            yield str(schema.execute("{ hello }").data["hello"]).encode()

    return StreamingHttpResponse(chunks())


def failing_view(request):
    schema.execute("{ hello }")
    raise RuntimeError("after the operation")


pulled: list[int] = []

urlpatterns = [
    *urls.urlpatterns,
    *(
        route(name, csrf_exempt(view))
        for name, view in {
            "text": text_view,
            "timed": timed_view,
            "upload": upload_view,
            "raw": raw_view,
            "streaming": streaming_view,
            "failing": failing_view,
        }.items()
    ),
]


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def always(configure):
    configure(RESPONSE_HEADERS="always", PHASE_SPANS="always")


def test_outside_debug_nobody_sees_a_header(seen, post):
    """The default: an answer's times tell an attacker something too."""
    response = post("{ hello }")
    assert response.json() == {"data": {"hello": "world"}}
    assert len(seen.operations) == 1
    assert ours(response) == []


def test_while_debug_is_on_everybody_sees_them(seen, post, settings):
    """The default: a developer sees them in the browser's network panel without doing anything."""
    settings.DEBUG = True
    assert ours(post("{ hello }")) == [semconv.SERVER_TIMING, semconv.EXECUTION_TIME, semconv.DB_QUERIES]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("path", ["/graphql", "/derived", "/api/gql/"])
def test_header_values_equal_the_spans_values(seen, post, path):
    """To the microsecond that the header has; `http` is the time of everything inside the middleware."""
    response = post("query Q($text: String) { echo(text: $text) items { square } }", path=path, variables={"text": "x"})
    shown = timings(response)
    spans = {span.name: duration(span) for span in seen.spans}
    (operation,) = seen.operation_spans
    assert shown.pop("http") >= shown["total"]
    assert shown.pop("db") == 0
    assert shown.pop("total") == pytest.approx(duration(operation), abs=0.001)
    assert set(shown) == {"parse", "validate", "variable_coercion", "execute"}
    for phase, milliseconds in shown.items():
        assert milliseconds == pytest.approx(spans[semconv.SPAN_BY_PHASE[phase]], abs=0.001)
    assert response.headers[semconv.EXECUTION_TIME] == f"{duration(operation):.2f}ms"


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("path", ["/graphql", "/async", "/hand-made"])
async def test_under_asgi_they_are_the_same(seen, async_client, path):
    """The sync view in its thread, and async views."""
    response = await async_client.post(path, json.dumps({"query": "query Q { hello }"}), content_type="application/json")
    assert response.json() == {"data": {"hello": "world"}}
    (span,) = seen.operation_spans
    assert timings(response)["total"] == pytest.approx(duration(span), abs=0.001)


@pytest.mark.usefixtures("always")
def test_concurrent_requests_do_not_mix(seen, async_client):
    """Twenty at once on one loop: each answer has the time of its own operation."""

    async def ask():
        return await asyncio.gather(
            *(
                async_client.post("/async", json.dumps({"query": f"query Q{n} {{ later(ms: {n * 5}) }}"}), content_type="application/json")
                for n in range(20)
            )
        )

    responses = asyncio.run(ask())
    by_name = {span.attributes[semconv.OPERATION_NAME]: duration(span) for span in seen.operation_spans}
    assert len(by_name) == 20
    for response in responses:
        name = response.json()["data"]["later"]
        assert timings(response)["total"] == pytest.approx(by_name[name], abs=0.001)


@pytest.mark.usefixtures("always")
def test_a_batch_shows_sums(seen, client):
    """One HTTP response for three operations."""
    body = json.dumps([{"id": str(n), "query": f"query B{n} {{ slow(ms: 5) }}"} for n in range(3)])
    response = client.post("/batch", body, content_type="application/json")
    spans = seen.operation_spans
    assert len(spans) == 3
    assert timings(response)["total"] == pytest.approx(sum(map(duration, spans)), abs=0.001)


@pytest.mark.usefixtures("always")
def test_an_operation_inside_another_is_not_counted_twice(seen, post):
    """Its time is part of the outer one's."""
    response = post("query Outer { inner }")
    outer = next(span for span in seen.operation_spans if span.attributes[semconv.OPERATION_NAME] == "Outer")
    assert len(seen.operation_spans) == 2
    assert timings(response)["total"] == pytest.approx(duration(outer), abs=0.001)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(("query", "phases"), [("{ hello", {"parse"}), ("{ nope }", {"parse", "validate"})])
def test_a_request_that_fails_early_shows_how_far_it_got(seen, post, query, phases):
    """A phase that never ran is absent, not 0."""
    response = post(query)
    assert response.status_code == 400
    assert set(timings(response)) - {"total", "http", "db"} == phases


@pytest.mark.usefixtures("always")
def test_a_number_whose_room_is_not_there_is_absent_and_one_that_is_there_is_shown(seen, post, configure):
    """No room counts statements then, so nothing says 0; a room that does has its part in the header."""
    configure(RESPONSE_HEADERS="always", DISABLED=["database"])
    response = post("{ hello }")
    assert "db" not in timings(response)
    assert ours(response) == [semconv.SERVER_TIMING, semconv.EXECUTION_TIME]

    class Counting(Room):
        name = "counting"

        def numbers(self, operation):
            yield Number("db", 2_500_000, 3)
            yield Number("cache", amount=7)

    GraphQLInstrumentor().add_room(Counting())
    response = post("{ hello }")
    assert response.headers[semconv.SERVER_TIMING].split(", ")[-3:-1] == ['db;dur=2.500;desc="3"', 'cache;desc="7"']
    assert response.headers[semconv.DB_QUERIES] == "3"


@pytest.mark.usefixtures("always")
def test_what_others_say_in_server_timing_stays(seen, client):
    """Ours comes after it."""
    assert client.get("/timed").headers[semconv.SERVER_TIMING].startswith("app;dur=1, total;dur=")


@pytest.mark.usefixtures("always")
def test_a_request_without_an_operation_has_no_header(seen, client):
    """A page, a GraphiQL page, a request that no operation came of."""
    for response in (client.get("/text"), client.get("/api/gql/", headers={"accept": "text/html"}), client.get("/no/such/page")):
        assert ours(response) == []


@pytest.mark.usefixtures("always")
def test_a_view_that_fails_after_its_operation_answers_500_as_ever(seen, client):
    """And the time of the operation is there all the same."""
    client.raise_request_exception = False
    response = client.get("/failing")
    assert response.status_code == 500
    assert "total" in timings(response)


@pytest.mark.usefixtures("always")
def test_uploads_are_left_to_the_view(seen, client):
    """Nobody has read request.body: multipart files and raw streams are still there."""
    response = client.post("/upload", {"file": SimpleUploadedFile("a.txt", b"contents, ")})
    assert response.content == b"contents, world"
    assert ours(response)
    response = client.post("/raw", b"stream, ", content_type="application/octet-stream")
    assert response.content == b"stream, world"


@pytest.mark.usefixtures("always")
def test_a_stream_is_not_touched(seen, client):
    """Nothing is pulled from it, and what it executes later is nobody's header."""
    pulled.clear()
    response = client.get("/streaming")
    assert ours(response) == []
    assert pulled == []
    assert response.getvalue() == b"world" * 3
    assert len(seen.operations) == 3


@pytest.mark.usefixtures("always")
async def test_a_client_that_hangs_up_leaves_nothing_behind(seen):
    """The cancellation passes through, and what runs afterwards in the same context gathers nothing."""
    waiting = asyncio.Event()

    async def never(request):
        waiting.set()
        await asyncio.Event().wait()

    async def request():
        try:
            await PerformanceMiddleware(never)(RequestFactory().get("/"))
        finally:
            left.append(collected.get())

    left: list[object] = []
    task = asyncio.create_task(request())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left == [None]


def test_what_outlives_its_request_adds_nothing_to_it():
    """A task may hold the receipts for ever: they are closed."""
    receipts = Receipts(None)
    receipts.add([Number("total", 5)])
    receipts.close()
    receipts.add([Number("total", 5), Number("later", 1)])
    assert receipts.numbers == {"total": Number("total", 5)}
    assert collected.get() is None


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("listed", ["otel_graphql_auto.http.PerformanceMiddleware", f"{__name__}.Derived"])
def test_whoever_lists_it_chooses_its_place(seen, post, settings, listed):
    """Then there is no second one around everything."""
    settings.MIDDLEWARE = [f"{__name__}.looks_at_the_header", listed]
    response = post("{ hello }")
    assert response.headers["X-Seen-Outside"] == "True"
    assert response.headers[semconv.SERVER_TIMING].count("total;") == 1


class Derived(PerformanceMiddleware):
    """One of the user's own."""


def looks_at_the_header(get_response):
    def middleware(request):
        response = get_response(request)
        response.headers["X-Seen-Outside"] = str(semconv.SERVER_TIMING in response.headers)
        return response

    return middleware


@pytest.mark.usefixtures("always")
def test_unlisted_it_stands_outside_of_everything(seen, post, settings):
    """A middleware that caches or compresses never sees a header of ours."""
    settings.MIDDLEWARE = [f"{__name__}.looks_at_the_header"]
    response = post("{ hello }")
    assert response.headers["X-Seen-Outside"] == "False"
    assert ours(response)


@pytest.mark.usefixtures("always")
def test_a_page_that_a_cache_answers_has_no_times_of_an_earlier_request(seen, client, settings):
    """The cache keeps the bare page."""
    settings.MIDDLEWARE = ["django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "headers"}}
    kept, from_cache = (client.get("/timed") for _ in range(2))
    assert len(seen.operations) == 1
    assert "total" in timings(kept)
    assert from_cache.content == kept.content
    assert from_cache.headers[semconv.SERVER_TIMING] == "app;dur=1"


@pytest.fixture
def users(db, settings):
    """Sessions as a project has them, in signed cookies."""
    settings.MIDDLEWARE = SESSIONS
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    model = get_user_model()
    return {
        "staff": model.objects.create(username="staff", email="staff@example.org", is_staff=True),
        "other": model.objects.create(username="other", email="other@example.org"),
        "left": model.objects.create(username="left", email="left@example.org", is_staff=True, is_active=False),
        None: None,
    }


@pytest.mark.parametrize(("name", "sees"), [("staff", True), ("other", False), ("left", False), (None, False)])
def test_staff_see_them_and_others_do_not(seen, client, configure, users, name, sees):
    """Sync, and without a word of the view about the user."""
    configure(RESPONSE_HEADERS="staff")
    if name:
        client.force_login(users[name])
    response = client.post("/graphql", json.dumps({"query": "{ hello }"}), content_type="application/json")
    assert response.json() == {"data": {"hello": "world"}}
    assert bool(ours(response)) is sees


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("path", "loads"), [("/graphql", False), ("/async", True), ("/async", False)])
@pytest.mark.parametrize(("name", "sees"), [("staff", True), ("other", False), (None, False)])
async def test_under_asgi_staff_see_them_too(seen, async_client, configure, settings, name, sees, path, loads):
    """In an async view where the application has loaded the user: looking one up in the event loop would be an error."""
    configure(RESPONSE_HEADERS="staff")
    settings.MIDDLEWARE = [*SESSIONS, *([f"{__name__}.loads_the_user"] if loads else [])]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    if name:
        user = await get_user_model().objects.acreate(username=name, is_staff=name == "staff")
        await sync_to_async(async_client.force_login)(user)
    response = await async_client.post(path, json.dumps({"query": "{ hello }"}), content_type="application/json")
    assert response.json() == {"data": {"hello": "world"}}
    assert bool(ours(response)) is (sees and (loads or path == "/graphql"))


def loads_the_user(get_response):
    def middleware(request):
        assert request.user.pk or not request.user.is_authenticated
        return get_response(request)

    return middleware


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["staff", "other"])
def test_looking_for_staff_logs_nobody_out(seen, client, configure, settings, name):
    """With a rotated SECRET_KEY Django renews the session of whoever is loaded: that is saved, and the new cookie sent."""
    configure(RESPONSE_HEADERS="staff")
    settings.MIDDLEWARE = SESSIONS
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.sessions"]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.file"
    user = get_user_model().objects.create(username=name, email="a@example.org", is_staff=name == "staff")
    client.force_login(user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    before = client.cookies["sessionid"].value
    for _ in range(2):
        response = client.post("/graphql", json.dumps({"query": "query Who { user }"}), content_type="application/json")
        assert response.status_code == 400  # no such field; the view itself never asks for the user
        response = client.post("/graphql", json.dumps({"query": "{ hello }"}), content_type="application/json")
        assert response.json() == {"data": {"hello": "world"}}
        assert bool(ours(response)) is (name == "staff")
    assert client.cookies["sessionid"].value != before
    assert client.session["_auth_user_id"] == str(user.pk)


def test_what_is_asked_by_a_task_of_an_earlier_request_is_answered_as_ever(seen, client, configure):
    """The receipts of that request are closed, and count for nothing."""
    configure(RESPONSE_HEADERS="always")
    receipts = Receipts(None)
    receipts.duration_ns = 1
    response = client.post("/graphql", json.dumps({"query": "{ hello }"}), content_type="application/json")
    collected.set(None)
    assert ours(response)


def test_a_user_who_cannot_be_loaded_costs_the_header_only(seen, post, configure, settings):
    """A broken transaction, a database that is gone."""
    configure(RESPONSE_HEADERS="staff")
    settings.MIDDLEWARE = [f"{__name__}.without_a_database"]
    response = post("{ hello }")
    assert response.json() == {"data": {"hello": "world"}}
    assert ours(response) == []


def without_a_database(get_response):
    class Request:
        @property
        def is_active(self):
            raise ConnectionError("no database")

    def middleware(request):
        request.user = Request()
        return get_response(request)

    return middleware


@pytest.mark.parametrize("values", [{"PERFORMANCE_MONITORING": False}, {"DISABLED": ["http"]}])
def test_switched_off_there_are_none(seen, post, configure, values):
    """Whatever RESPONSE_HEADERS says."""
    configure(RESPONSE_HEADERS="always", **values)
    response = post("{ hello }")
    assert response.json() == {"data": {"hello": "world"}}
    assert ours(response) == []


@pytest.mark.usefixtures("always")
def test_without_the_execution_room_they_are_there_all_the_same(seen, post, configure):
    """Rooms know nothing of each other."""
    configure(RESPONSE_HEADERS="always", DISABLED=["execution"])
    assert "execute" in timings(post("{ hello }"))
    assert seen.operation_spans == []


@pytest.mark.usefixtures("always")
def test_after_uninstrument_a_running_server_shows_none(seen, post):
    """Its handler keeps the middleware, which has nothing to say."""
    assert ours(post("{ hello }"))
    otel_graphql_auto.uninstrument()
    response = post("{ hello }")
    assert response.json() == {"data": {"hello": "world"}}
    assert ours(response) == []
