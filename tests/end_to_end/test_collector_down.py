"""A collector that is not there, or takes everything and never answers, costs the application nothing that anybody notices."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from .client import Exchange
from .receiver import never_answers, nobody_listens
from .service import Service, telemetry_environment

OVER_GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}

CASES: dict[str, tuple[Callable[[], AbstractContextManager[str]], str, signal.Signals, dict[str, str]]] = {
    "refused, runserver, control-C": (nobody_listens, "runserver", signal.SIGINT, {}),
    "refused, runserver, SIGTERM": (nobody_listens, "runserver", signal.SIGTERM, {}),
    "refused over gRPC, runserver, SIGTERM": (nobody_listens, "runserver", signal.SIGTERM, OVER_GRPC),
    "refused, gunicorn, SIGTERM": (nobody_listens, "gunicorn", signal.SIGTERM, {}),
    "refused, gunicorn preloaded, control-C": (nobody_listens, "gunicorn-preload", signal.SIGINT, {}),
    "refused, uvicorn, control-C": (nobody_listens, "uvicorn", signal.SIGINT, {}),
    "mute, runserver, control-C": (never_answers, "runserver", signal.SIGINT, {}),
    "mute, runserver, SIGTERM": (never_answers, "runserver", signal.SIGTERM, {}),
    "mute over gRPC, runserver, control-C": (never_answers, "runserver", signal.SIGINT, OVER_GRPC),
    "mute, gunicorn, SIGTERM": (never_answers, "gunicorn", signal.SIGTERM, {}),
    "mute, gunicorn preloaded, SIGTERM": (never_answers, "gunicorn-preload", signal.SIGTERM, {}),
    "mute, uvicorn, SIGTERM": (never_answers, "uvicorn", signal.SIGTERM, {}),
}
SECONDS_OF_TRAFFIC = 5
"""Long enough for several failed exports of spans and of metrics, at the intervals set by the tests."""


@dataclass
class Life:
    """What a server without a collector did."""

    answers: list[Exchange]
    output: str
    exit_seconds: float | None
    failure: str | None


def live(project: Path, case: str) -> Life:
    """Start a server, send requests for some seconds, and end it."""
    make_endpoint, server, number, extra = CASES[case]
    with ExitStack() as stack:
        endpoint = stack.enter_context(make_endpoint())
        service = stack.enter_context(Service(project, server, telemetry_environment(endpoint, extra)))
        # gunicorn listens before its workers have loaded the application; that wait has nothing to do with a collector.
        service.client.get("/page/")
        answers = []
        deadline = time.monotonic() + SECONDS_OF_TRAFFIC
        while time.monotonic() < deadline:
            answers.append(service.client.query("{ hello }"))
            time.sleep(0.2)
        failure = None
        try:
            service.stop(number)
        except AssertionError as error:
            failure = str(error)
        return Life(answers, service.output, service.exit_seconds, failure)


@pytest.fixture(scope="module")
def lives(project: Path) -> Iterator[dict[str, Life]]:
    """All cases, four at a time: nearly all of their time is waiting."""
    with ThreadPoolExecutor(4) as pool:
        yield dict(zip(CASES, pool.map(lambda case: live(project, case), CASES), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_answers_come_at_once(lives: dict[str, Life], case: str) -> None:
    """The first answer and every later one is right and waits for no export."""
    life = lives[case]
    assert len(life.answers) > 5
    assert {tuple(answer.data.items()) for answer in life.answers} == {(("hello", "hello world"),)}
    assert max(answer.seconds for answer in life.answers) < 2


@pytest.mark.parametrize("case", CASES)
def test_it_ends_within_ten_seconds(lives: dict[str, Life], case: str) -> None:
    """After the signal every process is gone within 10 seconds."""
    life = lives[case]
    assert life.failure is None
    assert life.exit_seconds is not None
    assert life.exit_seconds < 10


@pytest.mark.parametrize("case", CASES)
def test_the_log_is_not_flooded(lives: dict[str, Life], case: str) -> None:
    """In seconds of failing exports there are a handful of lines about it, and no traceback."""
    lines = [line for line in lives[case].output.splitlines() if "/graphql" not in line]
    about = [
        line
        for line in lines
        if any(word in line.lower() for word in ("export", "otel", "opentelemetry", "collector", "retry", "traceback"))
    ]
    assert len(about) <= 6, "\n".join(about)
    if case.startswith("refused"):
        # Silence would leave the user to wonder; a collector that says nothing is noticed only after the exporter's ten seconds.
        assert about
    assert "Traceback" not in lives[case].output
