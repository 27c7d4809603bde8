"""Bad input gets byte for byte the answer that it gets without us, and reaches telemetry only cut and escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .bad_inputs import BAD_INPUTS, DEPTHS, SECRET, as_json, deep, deep_by_fragments
from .client import Exchange
from .receiver import Receiver
from .service import Service, telemetry_environment
from .telemetry import Telemetry

LONGEST = 1024
"""Characters of client text that one attribute may carry."""

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
STACKS = {"exception.stacktrace", "code.stacktrace"}
"""Written by Python, not by a client."""

MULTI_LINE = STACKS | {"graphql.error.message"}
"""Texts in which line breaks and tabs are ordinary."""

MEASURED_DEPTHS = (3, 50, 100, 150)
MOST_FRAMES = 20
"""Frames that telemetry may stand in for, the HTTP middleware of the Django instrumentation included."""

FRAMES_OF_A_LEVEL = 4
"""Calls that graphql-core makes for each level of a selection."""

END_OF_STACK = b"maximum recursion depth exceeded"

VARYING = {"date", "set-cookie"}
"""Headers that differ between two answers of the same server; the CSRF cookie is new each time."""


@dataclass
class Pair:
    """The same requests to a bare and to an instrumented server."""

    bare: dict[str, Exchange]
    instrumented: dict[str, Exchange]
    boundaries: tuple[int, int]
    free_frames: tuple[list[int], list[int]]
    telemetry: Telemetry
    output: str


def shallowest_failure(service: Service) -> int:
    """The smallest depth that this server does not answer."""
    answered, failed = 25, 400
    while failed - answered > 1:
        middle = (answered + failed) // 2
        exchange = service.client.send(**as_json({"query": deep_by_fragments(middle)}))
        if exchange.status == 200 and "errors" not in exchange.json:
            answered = middle
        else:
            failed = middle
    return failed


def free_frames(service: Service) -> list[int]:
    """How many calls a resolver may still make, by depth of its field."""
    answers = []
    for depth in MEASURED_DEPTHS:
        answer = service.client.send(**as_json({"query": deep(depth, "freeFrames")})).data
        while isinstance(answer, dict):
            (answer,) = answer.values()
        answers.append(answer)
    return answers


@pytest.fixture(scope="module", params=["gunicorn-single", "gunicorn-threads", "uvicorn"])
def pair(request: pytest.FixtureRequest, project: Path) -> Iterator[Pair]:
    """Every bad input, sent to a bare server and to an instrumented one."""
    server = request.param
    with Service(project, server, instrumented=False) as service:
        bare = {name: service.client.send(**bad) for name, bad in BAD_INPUTS.items()}
        bare_boundary, bare_frames = shallowest_failure(service), free_frames(service)
        service.stop()
    with Receiver() as receiver:
        with Service(project, server, telemetry_environment(receiver.endpoint)) as service:
            instrumented = {name: service.client.send(**bad) for name, bad in BAD_INPUTS.items()}
            boundary, frames = shallowest_failure(service), free_frames(service)
            service.stop()
        yield Pair(bare, instrumented, (bare_boundary, boundary), (bare_frames, frames), receiver.telemetry, service.output)


def headers_of(exchange: Exchange) -> dict[str, str]:
    """Headers that must be equal, lower case."""
    return {name.lower(): value for name, value in exchange.headers.items() if name.lower() not in VARYING}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_the_answer_is_the_bare_one(pair: Pair, name: str) -> None:
    """Status, body and every header are those of the application without telemetry."""
    bare, instrumented = pair.bare[name], pair.instrumented[name]
    assert instrumented.status == bare.status
    if END_OF_STACK in bare.body:
        # Older releases of graphql-core have no limit of their own; how the interpreter words its own depends on the very last call.
        assert END_OF_STACK in instrumented.body
        return
    assert instrumented.body == bare.body
    assert headers_of(instrumented) == headers_of(bare)


def test_the_table_is_not_all_of_one_kind(pair: Pair) -> None:
    """The inputs reach the answers that they are meant to reach: good, refused, and broken ones."""
    statuses = {exchange.status for exchange in pair.bare.values()}
    assert {200, 400, 404, 405} <= statuses
    assert pair.bare["3,000 aliases"].status == 200
    assert pair.bare["depth 25"].status == 200
    assert pair.bare["a GET mutation"].headers["Allow"] == "POST"


def test_depth_is_not_ours_to_limit(pair: Pair) -> None:
    """The smallest depth that is not answered is the bare server's, less the few levels that our frames take of the interpreter's stack."""
    bare, instrumented = pair.boundaries
    assert DEPTHS[0] < bare < 400
    assert 0 <= bare - instrumented <= MOST_FRAMES // FRAMES_OF_A_LEVEL, f"bare fails from {bare} on, instrumented from {instrumented} on"


def test_we_take_a_few_frames_and_none_for_each_level(pair: Pair) -> None:
    """A resolver has nearly as much of the interpreter's stack left as without us, at every depth of its field."""
    bare, instrumented = pair.free_frames
    assert bare == sorted(bare, reverse=True)
    taken = [without - with_us for without, with_us in zip(bare, instrumented, strict=True)]
    # The interpreter's own count wavers by one; a frame for each level would be 147.
    assert max(taken) - min(taken) <= 2, f"at depths {MEASURED_DEPTHS} bare {bare}, instrumented {instrumented}"
    assert max(taken) <= MOST_FRAMES


def texts(telemetry: Telemetry) -> Iterator[tuple[str, str]]:
    """Every text that was exported, with the place where it stands."""
    for span in telemetry.spans:
        yield f"{span.name[:40]!r} name", span.name
        yield f"{span.name[:40]!r} status", span.status_message
        for key, value in span.attributes.items():
            yield f"{span.name[:40]!r} {key}", as_text(value)
        for event in span.events:
            for key, value in event.attributes.items():
                yield f"{span.name[:40]!r} {event.name} {key}", as_text(value)
    for point in telemetry.points.values():
        for key, value in point.attributes.items():
            yield f"{point.name} {key}", as_text(value)


def as_text(value: Any) -> str:
    """A value as it would be shown; the parts of a list are joined with a space."""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def test_every_request_reached_telemetry(pair: Pair) -> None:
    """No span was lost to text that cannot be encoded: each request has its HTTP span, and every export could be decoded."""
    arrived = {span.trace_id for span in pair.telemetry.servers()}
    missing = {name for name, exchange in pair.instrumented.items() if exchange.trace_id not in arrived}
    # A traceparent that cannot be read begins a new trace, and a host that Django does not allow has no URL to name a span by.
    missing -= {"a broken traceparent"} | {name for name in BAD_INPUTS if name.startswith("a host ")}
    # What the server itself refuses never reaches Django.
    assert {name for name in missing if b"<title>Bad Request</title>" not in pair.bare[name].body} == set()
    assert pair.telemetry.undecodable == []
    operations = pair.telemetry.operations()
    assert len(operations) > len(BAD_INPUTS) / 2
    # Those two requests to hosts that are not allowed reach GraphQL all the same.
    assert len([operation for operation in operations if not operation.parent_id]) == 2


def test_client_text_is_cut(pair: Pair) -> None:
    """No name, attribute, event or label is longer than about a kilobyte."""
    long = {(place, len(text)) for place, text in texts(pair.telemetry) if len(text) > LONGEST and place.split()[-1] not in STACKS}
    assert long == set()


def test_control_characters_are_escaped(pair: Pair) -> None:
    """No exported text carries a raw control character, apart from the line breaks of a message or a stack."""
    raw = set()
    for place, text in texts(pair.telemetry):
        line = text.translate({ord("\n"): " ", ord("\t"): " "}) if place.split()[-1] in MULTI_LINE else text
        if CONTROL.search(line):
            raw.add((place, text[:60]))
    assert raw == set()


def test_literals_of_a_get_document_stay_out(pair: Pair) -> None:
    """A literal inside a document sent by GET is nowhere in telemetry."""
    assert SECRET in pair.instrumented["a GET with a secret"].body.decode()
    assert [place for place, text in texts(pair.telemetry) if SECRET[:16] in text] == []


def test_the_servers_output_shows_no_failure_of_ours(pair: Pair) -> None:
    """Nothing of telemetry failed: no line about it in the server's output."""
    ours = [line for line in pair.output.splitlines() if "opentelemetry" in line.lower() or "otel_graphql" in line.lower()]
    # The Django instrumentation stands in the traceback that Django prints for an error of the application.
    assert [line for line in ours if "File " not in line] == []
