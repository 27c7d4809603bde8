"""Whatever of ours breaks, the application answers as if we were not there; and we let go of everything we touched."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from django.test import Client

import otel_graphql_auto
from otel_graphql_auto import _safety, lifecycle, semconv
from otel_graphql_auto._patching import Patch
from otel_graphql_auto._safety import Tally, guard, internal_errors, text, type_name
from otel_graphql_auto.execution.room import Execution
from otel_graphql_auto.frameworks import graphene as adapter
from otel_graphql_auto.instrumentor import ROOMS, GraphQLInstrumentor
from otel_graphql_auto.room import Room
from otel_graphql_auto.testing import capture
from tests.schema import schema

QUERIES = [
    "query A { hello items { number square } }",
    "query A($t: String) { echo(text: $t) }",
    "{ failing hello }",
    "{ required }",
    "{ refused }",
    "{ marked inner }",
    "{ nope }",
    "{ hello",
    "mutation { touch(times: 3) { touched } }",
]

OBSERVERS = [(room, name) for room in ROOMS for name in lifecycle._MOMENTS if name in vars(room)]
MOMENTS = ["begin", "identified", "claim", "executed", "answer", "suspend", "resume", "event_begins", "event_ends", "end"]


def answers(client, sub_requests=QUERIES):
    return [
        (response.status_code, response.content)
        for response in (client.post("/graphql", json.dumps({"query": query}), content_type="application/json") for query in sub_requests)
    ]


async def subscription_results():
    stream = await schema.subscribe("subscription { fragile }")
    return [str(result) async for result in stream]


async def async_results():
    return str(await schema.execute_async("{ later laterFailing }"))


@pytest.fixture
def bare(client):
    otel_graphql_auto.uninstrument()
    return answers(client)


def fail(*args, **kwargs):
    raise RuntimeError("planted")


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize(("room", "observer"), OBSERVERS)
async def test_an_observer_that_raises_changes_no_answer(bare, client, configure, monkeypatch, room, observer):
    """Each observer of each room in turn; the error is counted and logged once."""
    bare_async, bare_subscription = await async_results(), await subscription_results()
    configure(RESPONSE_HEADERS="always", RESPONSE_EXTENSIONS="always" if observer == "encode" else "never")
    monkeypatch.setattr(room, observer, fail)
    before = internal_errors.read().get((room.name, "RuntimeError"), 0)
    with capture():
        assert answers(Client()) == bare  # whose handler loads now, with our middleware
        assert await async_results() == bare_async
        assert await subscription_results() == bare_subscription
    assert internal_errors.read()[(room.name, "RuntimeError")] > before


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_moment_that_raises_changes_no_answer(bare, client, monkeypatch, moment):
    """The functions that adapters call, broken from inside."""
    bare_async, bare_subscription = await async_results(), await subscription_results()
    monkeypatch.setattr(lifecycle, moment, guard("lifecycle", fail))
    with capture():
        assert answers(client) == bare
        assert await async_results() == bare_async
        assert await subscription_results() == bare_subscription


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize(
    "target",
    [
        "otel_graphql_auto.execution.room.request_attributes",
        "otel_graphql_auto.execution.room.add_phase_spans",
        "otel_graphql_auto.execution.room.add_field_spans",
        "otel_graphql_auto.execution.room.report_slow",
        "otel_graphql_auto.execution.room.Failure",
        "otel_graphql_auto.execution.records.Records.ended",
        "otel_graphql_auto.execution.records.Records.event_ended",
        "otel_graphql_auto.execution.fields.Fields.attach",
        "otel_graphql_auto.execution.names.OperationNames.label",
        "otel_graphql_auto.execution.schemas.SchemaNames.name",
        "otel_graphql_auto.execution.options.Options.__init__",
        "otel_graphql_auto.settings.get",
        "otel_graphql_auto.operation.Operation.at",
        "otel_graphql_auto.operation.Operation.let_go",
        "otel_graphql_auto.operation.Phase",
        "otel_graphql_auto.frameworks.core._text_of",
        "otel_graphql_auto.frameworks.core._get_operation_ast",
        "otel_graphql_auto.frameworks.core._argument",
        "otel_graphql_auto.frameworks.core._request_in",
        "otel_graphql_auto.frameworks._awaiting._await",
        "otel_graphql_auto.execution.notes.path_text",
        "otel_graphql_auto.execution.notes.FieldCall",
        "otel_graphql_auto.execution.room.LiveFieldSpan",
        "otel_graphql_auto.execution.failures.Coordinates",
        "otel_graphql_auto.execution.errors.fault",
        "otel_graphql_auto.http.middleware.nobody_sees",
        "otel_graphql_auto.http.room.may_see",
        "otel_graphql_auto.http.middleware.server_timing",
        "otel_graphql_auto.http.middleware.Receipts",
        "otel_graphql_auto.http.room.numbers_of",
    ],
)
async def test_a_part_that_raises_changes_no_answer(bare, client, configure, monkeypatch, target):
    """Whatever the rooms are made of may break, and settings too."""
    configure(SLOW_QUERY_THRESHOLD=0, PHASE_SPANS="always", RESPONSE_HEADERS="always")
    monkeypatch.setattr(target, fail)
    with capture():
        assert answers(client) == bare
        assert "too late" in await async_results()
        assert "the second event breaks" in (await subscription_results())[1]


@pytest.mark.usefixtures("forgiving")
def test_a_broken_tracer_or_meter_changes_no_answer(bare, client):
    """SDK objects that raise at every call."""

    class Broken:
        def __getattr__(self, name):
            return fail

    otel_graphql_auto.instrument(tracer_provider=Broken(), meter_provider=Broken())
    assert answers(client) == bare


@pytest.mark.usefixtures("forgiving")
def test_swallowed_errors_are_counted_in_a_metric_and_logged_once(client, monkeypatch, caplog):
    """`graphql_auto.internal_errors` by room and type; the log has the first traceback and not the rest."""

    class PlantedError(Exception):
        pass

    def plant(*args):
        raise PlantedError

    monkeypatch.setattr(Execution, "ended", plant)
    with caplog.at_level(logging.WARNING, "otel_graphql_auto"), capture() as seen:
        answers(client)
        points = seen.metrics()[semconv.INTERNAL_ERRORS.name]
    (planted,) = [point for point in points if point.attributes[semconv.ERROR_TYPE].endswith("PlantedError")]
    assert planted.value == len(QUERIES) + 1  # one of them executes another
    assert planted.attributes[semconv.ROOM] == "execution"
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_in_strict_mode_our_errors_raise(client, monkeypatch):
    """Otherwise the rest of this suite would prove nothing."""
    monkeypatch.setattr(Execution, "ended", fail)
    with capture(), pytest.raises(RuntimeError, match="planted"):
        answers(client)


def _patched():
    for rows in adapter.FUNCTIONS.values():
        for module_name, path, _ in rows:
            owner = sys.modules[module_name]
            *classes, name = path.split(".")
            for attribute in classes:
                owner = getattr(owner, attribute)
            if name in vars(owner):  # graphene-django 3.1 does not import all of them
                yield owner, name


@pytest.mark.usefixtures("forgiving")
def test_a_room_whose_answer_raises_answers_nothing(bare, client):
    """The application does the work itself."""

    class Broken(Room):
        name = "broken"
        telemetry = False
        parse = validate = execute = fail

    with capture():
        GraphQLInstrumentor().add_room(Broken())
        assert answers(client) == bare


def test_with_the_sdk_disabled_nothing_is_attached(monkeypatch, post):
    """No telemetry, and no cost: not one function is wrapped."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    before = [vars(owner)[name] for owner, name in _patched()]
    otel_graphql_auto.instrument()
    assert all(vars(owner)[name] is then for (owner, name), then in zip(_patched(), before, strict=True))
    assert post("{ hello }").json() == {"data": {"hello": "world"}}


def test_a_lock_that_is_held_when_a_process_forks_is_free_in_the_child():
    """Or the child's first count would wait for ever."""
    import os

    tally = Tally()
    tally._lock.acquire()
    child = os.fork()
    if child == 0:
        tally.add(("x",))
        os._exit(0 if tally.read() == {("x",): 1} else 1)
    tally._lock.release()
    assert os.waitpid(child, 0)[1] == 0


def test_uninstrument_restores_the_identity_of_every_patched_attribute(client):
    """Functions, classes, methods and resolvers are the very objects that they were."""
    before = [vars(owner)[name] for owner, name in _patched()]
    fields = [field for kind in schema.graphql_schema.type_map.values() for field in getattr(kind, "fields", {}).values()]
    resolvers = [getattr(field, "resolve", None) for field in fields]
    from graphene_django.views import GraphQLView

    from tests.urls import AsyncView, Derived

    methods = [vars(view)["get_response"] for view in (AsyncView, Derived)]
    with capture():
        answers(client)
        client.post("/derived", json.dumps({"query": "{ hello }"}), content_type="application/json")
        during = [vars(owner)[name] for owner, name in _patched()]
        assert all(now is not then for now, then in zip(during, before, strict=True))
        assert [getattr(field, "resolve", None) for field in fields] != resolvers
        assert vars(Derived)["get_response"] is not methods[1]
    after = [vars(owner)[name] for owner, name in _patched()]
    assert all(now is then for now, then in zip(after, before, strict=True))
    assert all(getattr(field, "resolve", None) is then for field, then in zip(fields, resolvers, strict=True))
    assert [vars(view)["get_response"] for view in (AsyncView, Derived)] == methods
    assert "__init_subclass__" not in vars(GraphQLView)


def test_somebody_elses_later_wrapper_survives():
    """Detaching switches ours off inside it and leaves theirs where it is."""

    class Owner:
        def method(self):
            return "original"

    patch = Patch(Owner, "method", lambda original: lambda self: "ours " + original(self))
    patch.attach()
    ours = Owner.method
    theirs = lambda self: "theirs " + ours(self)  # noqa: E731
    Owner.method = theirs
    patch.detach()
    assert Owner.method is theirs
    assert Owner().method() == "theirs ours original"


def test_instrumenting_again_after_uninstrumenting_works(post):
    """And twice in a row is once."""
    for _ in range(2):
        with capture() as seen:
            otel_graphql_auto.instrument()
            assert post("{ items { square } }").status_code == 200
            assert len(seen.operation_spans) == 1
            assert len(seen.metrics()[semconv.FIELD_DURATION.name]) == 2


def test_client_text_is_cut_and_escaped():
    """What protobuf or a terminal could not take is written out."""
    assert text("plain é ü 漢") == "plain é ü 漢"
    assert text("a\x00b\ud800c\x1b[31m") == "a\\x00b\\ud800c\\x1b[31m"
    assert len(text("x" * 5000)) == _safety.MAX_TEXT
    text("\ud800" * 5000).encode("utf-8")
    assert text("line\nline") == "line\nline"


def test_type_names_are_qualified_but_for_builtins():
    """As the conventions write exception types."""
    assert type_name(ValueError()) == "ValueError"
    assert type_name(json.JSONDecodeError("", "", 0)) == "json.decoder.JSONDecodeError"


def test_a_tally_is_bounded():
    """However many keys come, a fixed number is kept and no count is lost."""
    tally = Tally()
    for number in range(2000):
        tally.add((str(number),))
    counts = tally.read()
    assert sum(counts.values()) == 2000
    assert len(counts) <= 501
