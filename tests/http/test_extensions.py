"""`extensions.performance` in the bodies of answers: only for those who asked for it, and never where a cache could keep it."""

from __future__ import annotations

import gzip
import json

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.urls import path as route
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView
from opentelemetry.trace import format_trace_id

import otel_graphql_auto
from otel_graphql_auto import semconv
from otel_graphql_auto.instrumentor import GraphQLInstrumentor
from otel_graphql_auto.room import Number, Room
from tests import urls
from tests.schema import schema


class OwnEncoding(GraphQLView):
    """One that writes its JSON in its own way, with extensions of its own."""

    def json_encode(self, request, d, pretty=False):
        return json.dumps({**d, "extensions": {"mine": 1, **d.get("extensions", {})}})


class OnTop(GraphQLView):
    """One that calls what it overrides."""

    def json_encode(self, request, d, pretty=False):
        return super().json_encode(request, d, pretty=pretty)


class OtherNames(GraphQLView):
    """One whose parameters have other names, and that passes them by name."""

    def get_response(self, req, payload, show_graphiql=False):
        return super().get_response(req, payload, show_graphiql)

    def json_encode(self, req, payload, pretty=False):
        return super().json_encode(request=req, d=payload, pretty=pretty)


class OddExtensions(GraphQLView):
    """One whose extensions are no object."""

    def json_encode(self, request, d, pretty=False):
        return super().json_encode(request, {**d, "extensions": ["odd"]})


urlpatterns = [
    route("other-names", csrf_exempt(OtherNames.as_view(schema=schema))),
    route("odd", csrf_exempt(OddExtensions.as_view(schema=schema))),
    *urls.urlpatterns,
    route("own", csrf_exempt(OwnEncoding.as_view(schema=schema))),
    route("on-top", csrf_exempt(OnTop.as_view(schema=schema))),
    route("pretty", csrf_exempt(GraphQLView.as_view(schema=schema, pretty=True))),
]


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def always(configure):
    configure(RESPONSE_EXTENSIONS="always", PHASE_SPANS="always")


def block(response):
    return response.json().get("extensions", {}).get("performance")


def test_by_default_a_body_is_what_it_is_without_us(seen, post, settings):
    """Byte for byte, in DEBUG too."""
    settings.DEBUG = True
    assert post("{ hello }").content == b'{"data":{"hello":"world"}}'


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("path", ["/graphql", "/derived", "/api/gql/", "/own", "/on-top", "/pretty", "/other-names"])
def test_the_block_holds_the_times_of_the_phases_and_the_trace(seen, post, path):
    """Milliseconds, as in the spans; `total` up to the encoding of the answer."""
    response = post("query Q { hello items { square } }", path=path)
    assert response.json()["data"]["hello"] == "world"
    found = block(response)
    (operation,) = seen.operation_spans
    spans = {span.name: (span.end_time - span.start_time) / 1e6 for span in seen.spans}
    milliseconds = found["milliseconds"]
    assert set(milliseconds) == {"total", "parse", "validate", "execute", "db"}
    for phase in ("parse", "validate", "execute"):
        assert milliseconds[phase] == pytest.approx(spans[semconv.SPAN_BY_PHASE[phase]], abs=0.001)
    assert sum(milliseconds.values()) - milliseconds["total"] <= milliseconds["total"] <= spans[operation.name]
    assert found["traceId"] == format_trace_id(operation.context.trace_id)
    assert found["counts"] == {"db": 0}
    assert int(response.headers.get("Content-Length", len(response.content))) == len(response.content)


@pytest.mark.usefixtures("always")
def test_what_a_view_has_in_extensions_stays(seen, post):
    """Ours is one entry more."""
    assert post("{ hello }", path="/own").json()["extensions"]["mine"] == 1


@pytest.mark.usefixtures("always")
def test_extensions_that_are_no_object_stay_as_they_are(seen, post):
    """There is nowhere to put ours."""
    assert post("{ hello }", path="/odd").json()["extensions"] == ["odd"]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(("query", "phases"), [("{ hello", {"parse"}), ("{ nope }", {"parse", "validate"})])
def test_answers_with_errors_have_it_too(seen, post, query, phases):
    """A phase that never ran is absent."""
    response = post(query)
    assert response.status_code == 400
    assert response.json()["errors"]
    assert set(block(response)["milliseconds"]) == {"total", "db", *phases}


@pytest.mark.usefixtures("always")
def test_each_entry_of_a_batch_has_its_own(seen, client):
    """As each is an operation."""
    body = json.dumps([{"id": "1", "query": "{ slow(ms: 20) }"}, {"id": "2", "query": "{ hello }"}])
    slow, fast = client.post("/batch", body, content_type="application/json").json()
    assert (slow["id"], slow["status"], slow["data"]) == ("1", 200, {"slow": "slow"})
    assert slow["extensions"]["performance"]["milliseconds"]["total"] >= 20 > fast["extensions"]["performance"]["milliseconds"]["total"]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("path", ["/async", "/hand-made"])
async def test_async_views_have_it(seen, async_client, path):
    """Where they encode with the view's `json_encode`."""
    response = await async_client.post(path, json.dumps({"query": "query L { later }"}), content_type="application/json")
    assert response.json()["data"] == {"later": "L"}
    assert block(response)["milliseconds"]["execute"] > 0


@pytest.mark.usefixtures("always")
def test_an_answer_to_get_never_has_it(seen, client):
    """Those are what caches keep and share."""
    response = client.get("/graphql?query={hello}")
    assert response.content == b'{"data":{"hello":"world"}}'
    assert len(seen.operations) == 1


@pytest.mark.usefixtures("always")
def test_results_of_the_schema_do_not_have_it(seen, post):
    """Only bodies of HTTP answers: what code executes and compares or keeps is left alone."""
    assert schema.execute("{ hello }").extensions is None
    answer = post("query Outer { inner }").json()
    assert answer["data"] == {"inner": "{'hello': 'world'}"}


@pytest.mark.usefixtures("always")
def test_an_answer_that_no_operation_made_does_not_have_it(seen, client):
    """A request without a document, or with a method that GraphQL does not know."""
    for response in (client.post("/graphql", "{}", content_type="application/json"), client.put("/graphql")):
        assert response.status_code in (400, 405)
        assert set(response.json()) == {"errors"}


@pytest.mark.usefixtures("always")
def test_it_is_in_the_body_before_that_is_compressed(seen, client, settings):
    """So that length and encoding are right."""
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", "django.middleware.common.CommonMiddleware"]
    body = json.dumps({"query": "{ items(count: 50) { number square } }"})
    response = client.post("/graphql", body, content_type="application/json", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert json.loads(gzip.decompress(response.content))["extensions"]["performance"]["milliseconds"]["total"] > 0


@pytest.mark.usefixtures("always")
def test_other_rooms_have_their_part_in_it(seen, post):
    """Durations and counts by name."""

    class Counting(Room):
        name = "counting"

        def numbers(self, operation):
            yield Number("db", 2_500_000, 3)

    GraphQLInstrumentor().add_room(Counting())
    found = block(post("{ hello }"))
    assert found["milliseconds"]["db"] == 2.5
    assert found["counts"] == {"db": 3}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "sees"), [("staff", True), ("other", False), (None, False)])
@pytest.mark.parametrize("asgi", [False, True])
async def test_staff_see_it_and_others_do_not(seen, client, async_client, configure, settings, name, sees, asgi):
    """Looking them up is nobody's operation."""
    configure(RESPONSE_EXTENSIONS="staff")
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    browser = async_client if asgi else client
    if name:
        user = await get_user_model().objects.acreate(username=name, is_staff=name == "staff")
        await sync_to_async(browser.force_login)(user)
    post = browser.post if asgi else sync_to_async(browser.post)
    response = await post("/graphql", json.dumps({"query": "{ hello }"}), content_type="application/json")
    assert response.json()["data"] == {"hello": "world"}
    assert bool(block(response)) is sees


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("loads", [False, True])
async def test_an_async_view_shows_it_to_staff_that_it_has_loaded(seen, async_client, configure, settings, loads):
    """In an event loop nobody else can be looked up while the answer is encoded."""
    configure(RESPONSE_EXTENSIONS="staff")
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        *([f"{__name__}.loads_the_user"] if loads else []),
    ]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    user = await get_user_model().objects.acreate(username="staff", is_staff=True)
    await sync_to_async(async_client.force_login)(user)
    response = await async_client.post("/async", json.dumps({"query": "{ hello }"}), content_type="application/json")
    assert response.json()["data"] == {"hello": "world"}
    assert bool(block(response)) is loads


def loads_the_user(get_response):
    def middleware(request):
        assert request.user.is_authenticated
        return get_response(request)

    return middleware


@pytest.mark.usefixtures("always")
def test_after_uninstrument_it_is_gone(seen, post):
    """From the classes that bring their own encoding, too."""
    paths = ["/graphql", "/own", "/on-top"]
    assert all(block(post("{ hello }", path=path)) for path in paths)
    otel_graphql_auto.uninstrument()
    assert not any(block(post("{ hello }", path=path)) for path in paths)
    assert "json_encode_observed" not in repr([vars(view)["json_encode"] for view in (GraphQLView, OwnEncoding, OnTop)])
    assert not hasattr(vars(GraphQLView)["json_encode"], "__wrapped__")
