"""What is noted on an operation's receipt of the calls of its resolvers."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any, NamedTuple, Protocol

from otel_graphql_auto._safety import guard
from otel_graphql_auto.operation import Operation, path_text

__all__ = ["MISSING", "SLOW_FIELD_NS", "FieldCall", "FieldSpan", "coordinate_of", "note", "straight"]

SLOW_FIELD_NS = 10_000_000
"""A resolver that takes this long gets a span under FIELD_SPANS = "slow"."""

_MAX_CALLS = 100
"""Calls of one operation that are kept for a span each; the time of the others is in the metric all the same."""

_MAX_CALLS_PER_COORDINATE = 10
"""The same of one field: a list of a thousand failing ones shall leave room for others."""

MISSING: Any = object()
"""Stands for an argument that a resolver was not given by position."""


class FieldCall(NamedTuple):
    """One call of a resolver that deserves a span. Times are monotonic nanoseconds."""

    coordinate: str
    field_name: str
    parent_type: str
    alias: str
    path: str
    started: int
    ended: int
    error: BaseException | None


class FieldSpan(Protocol):
    """The span of one call of a marked resolver. It is current until `leave`, and again from `enter` on."""

    def enter(self) -> None:
        """Control is in the resolver."""

    def leave(self) -> None:
        """Control has left it for a while."""

    def finish(self, error: BaseException | None) -> None:
        """Its result is there, or will never be."""


def straight(resolve: Any, source: Any, args: dict[str, Any]) -> Any:
    """Call a resolver as it was called, by somebody who gave `info`, and perhaps the source, by name."""
    return resolve(**args) if source is MISSING else resolve(source, **args)


def coordinate_of(info: Any) -> str:
    """The coordinate of the field that `info` is about."""
    return f"{info.parent_type.name}.{info.field_name}"


def _note(operation: Operation, info: Any, coordinate: str | None, started: int, error: BaseException | None, *, span: bool) -> None:
    ended = perf_counter_ns()
    coordinate = coordinate or coordinate_of(info)
    if operation.fields is None:
        return
    operation.fields[coordinate] = operation.fields.get(coordinate, 0) + ended - started
    calls = operation.slow_fields
    if not span or calls is None or len(calls) >= _MAX_CALLS or (error is None and ended - started < SLOW_FIELD_NS):
        return
    if sum(call.coordinate == coordinate for call in calls) >= _MAX_CALLS_PER_COORDINATE:
        return
    path = info.path.as_list()
    calls.append(FieldCall(coordinate, info.field_name, info.parent_type.name, str(path[-1]), path_text(path), started, ended, error))


note = guard("execution", _note)
"""Add a call that began at `started` and is over now to the receipt; keep it for a span where it failed or took long."""
