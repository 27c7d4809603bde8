"""Whether a real request makes what it shall: a SERVER span of the HTTP request, and below it the span of the operation."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.trace import format_trace_id

from otel_graphql_auto.doctor import obstacles
from otel_graphql_auto.doctor.bounded import first_line, limited
from otel_graphql_auto.doctor.pipelines import has_sdk, provider_of, shown
from otel_graphql_auto.doctor.report import joined
from otel_graphql_auto.doctor.sending import Answer, Target, host, send, targets
from otel_graphql_auto.doctor.spans import Kept, Memory, Parent, sort_out
from otel_graphql_auto.finding import ERROR, INFO, OK, WARNING, Finding

__all__ = ["requests"]

_SECONDS = 5.0
"""For one request."""

_SUBJECT = "request"

_REFUSALS = (301, 302, 303, 307, 308, 400, 401, 403, 405)
"""Answers that say that the request was not what the project wants, and nothing of telemetry."""


class _Made(NamedTuple):
    target: Target
    answer: Answer
    kept: Kept
    trace_id: str


class _Outcome(NamedTuple):
    """A finding about whatever addresses fared alike."""

    level: str
    what: str
    advice: str


def requests(paths: Sequence[str], headers: Mapping[str, str], seconds: float) -> Iterator[Finding]:
    """One row for each address."""
    found = targets(paths)
    if not found:
        advice = "Name the address of one, also of a view written by hand: doctor --path /its/address/."
        yield Finding(WARNING, _SUBJECT, "none was made: the URLconf has no GraphQL route, or none without parameters", advice)
        return
    provider = provider_of("traces")
    if not has_sdk(provider):
        yield Finding(INFO, _SUBJECT, "none was made: without an SDK there are no spans")
        return
    if not hasattr(provider, "add_span_processor"):
        yield Finding(WARNING, _SUBJECT, f"none was made: the spans of {type(provider).__name__} cannot be looked at")
        return
    memory = Memory()
    provider.add_span_processor(memory)
    elsewhere: Any = trace.get_tracer_provider()  # where the HTTP spans go
    if elsewhere is not provider and hasattr(elsewhere, "add_span_processor"):
        elsewhere.add_span_processor(memory)
    memory.is_open = True
    made: list[_Made] = []
    rows: dict[_Outcome, list[str]] = {}
    end = time.monotonic() + seconds
    for target in found:
        left = min(_SECONDS, end - time.monotonic())
        try:
            if left <= 0:
                raise TimeoutError("there was no time left for it")
            made.append(limited(functools.partial(_make, target, headers, memory), left))
        except Exception as error:  # noqa: BLE001 - the project's middleware may raise whatever it likes
            failed = _Outcome(ERROR, f"failed: {first_line(error)}", "Does it answer when the project is served as usual?")
            rows.setdefault(failed, []).append(target.path)
    memory.is_open = False
    proven = any(one.kept.operations and one.kept.below for one in made)
    for one in made:
        rows.setdefault(_judge(one, proven=proven), []).append(one.target.path)
    for (level, what, advice), addresses in rows.items():
        yield Finding(level, _SUBJECT, f"POST {joined(addresses)} {what}", advice)


def _make(target: Target, headers: Mapping[str, str], memory: Memory) -> _Made:
    memory.take()
    parent = Parent()
    answer = send(target, {**headers, **parent.headers()})
    kept = sort_out(memory.take(), parent)
    span = kept.server or next(iter(kept.operations), None)
    return _Made(target, answer, kept, format_trace_id(span.context.trace_id) if span is not None and span.context is not None else "")


def _judge(made: _Made, *, proven: bool) -> _Outcome:
    """`proven`: another request has shown that the wiring is right, so that this one's refusal is less of a loss."""
    kept = made.kept
    if kept.operations and kept.below:
        status = "" if made.answer.status == 200 else f"; answered with HTTP {made.answer.status}"
        return _Outcome(OK, f"made a SERVER span with an operation below it (trace {made.trace_id}){status}", "")
    if kept.operations and kept.server is not None:
        return _Outcome(ERROR, "made a SERVER span and an operation that is not below it", "Please report it as a bug.")
    if kept.operations:
        obstacle = obstacles.of_http_span(made.target.path)
        return _Outcome(obstacle.level, f"made an operation span, and no span of the HTTP request{obstacle.reason}", obstacle.advice)
    refused = _refusal(made.answer, proven=proven)
    if refused is not None:
        return refused
    obstacle = obstacles.of_operation()
    if kept.server is not None:
        return _Outcome(obstacle.level, f"made a SERVER span, and no operation{obstacle.reason}", obstacle.advice)
    obstacle = obstacles.of_sampling() or obstacles.both(obstacles.of_http_span(made.target.path), obstacle)
    return _Outcome(obstacle.level, f"made no span{obstacle.reason}", obstacle.advice)


def _refusal(answer: Answer, *, proven: bool) -> _Outcome | None:
    if answer.status == 200:
        return None
    if answer.error:
        return _Outcome(ERROR, f"failed: {answer.error}", obstacles.of_failure())
    what = f"got HTTP {answer.status}, and no operation began"
    said = shown(answer.location) or answer.said
    said = f" ({said})" if said else ""
    if answer.status not in _REFUSALS:
        advice = "Name another address: --path." if answer.status == 404 else "The application answers so; nothing of telemetry."
        return _Outcome(ERROR, what + said, advice)
    if answer.status == 400 and host() is None:
        return _Outcome(ERROR, what + said, "ALLOWED_HOSTS is empty and DEBUG is off: name the hosts of this service in it.")
    advice = "Let it in: --header 'Authorization: …' or --header 'Cookie: …'; or name another address: --path."
    return _Outcome(WARNING if proven else ERROR, what + said, advice)
