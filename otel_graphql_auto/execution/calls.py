"""Wraps single resolvers: measured, with a span of their own, or with their use noted.

What a wrapper does for itself cannot raise or is guarded; the resolver is called as it was called, and gives what it gives.
"""

from __future__ import annotations

import functools
import inspect
from asyncio import CancelledError, isfuture
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, NamedTuple, Protocol

from otel_graphql_auto._safety import guard
from otel_graphql_auto.execution.errors import path_text
from otel_graphql_auto.operation import ENDED, Cause, Operation, cause, current

__all__ = ["SLOW_FIELD_NS", "FieldCall", "FieldSpan", "measured", "spanned", "use_noted"]

SLOW_FIELD_NS = 10_000_000
"""A resolver that takes this long gets a span under FIELD_SPANS = "slow"."""

_MAX_CALLS = 100
"""Calls of one operation that are kept for a span each; the time of the others is in the metric all the same."""

_MAX_CALLS_PER_COORDINATE = 10
"""The same of one field: a list of a thousand failing ones shall leave room for others."""

_PLAIN = frozenset({str, int, float, bool, type(None), list, tuple, dict})
"""Types that most resolvers return and nobody can await."""

_MISSING: Any = object()


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


def _straight(resolve: Callable[..., Any], source: Any, args: dict[str, Any]) -> Any:
    """Call a resolver as it was called, by somebody who gave its two first arguments by name."""
    return resolve(**args) if source is _MISSING else resolve(source, **args)


def _named_like(awaitable: Any, coroutine: Any) -> Any:
    """Python's "was never awaited" warning shall name the application's resolver."""
    coroutine.__name__, coroutine.__qualname__ = awaitable.__name__, awaitable.__qualname__
    return coroutine


_name = guard("execution", _named_like)


def _like(awaitable: Any, coroutine: Any) -> Any:
    return _name(awaitable, coroutine) or coroutine


async def _finish_later(awaitable: Any, span: FieldSpan) -> Any:
    span.enter()
    try:
        result = await awaitable
    except BaseException as error:
        span.finish(error)
        raise
    span.finish(None)
    return result


def use_noted(resolve: Callable[..., Any], coordinate: str | None) -> Callable[..., Any]:
    """`resolve`, its use noted once in an operation."""

    def resolve_deprecated(source: Any = _MISSING, info: Any = _MISSING, /, **args: Any) -> Any:
        if info is _MISSING:
            return _straight(resolve, source, args)
        operation = current.get()
        if operation is not None and operation.deprecated is not None:
            operation.deprecated.add(coordinate or _coordinate(info))
        return resolve(source, info, **args)

    return resolve_deprecated


def measured(resolve: Callable[..., Any], coordinate: str | None, *, span: bool = True) -> Callable[..., Any]:
    """`resolve`, its time added to the operation. This runs for every object of every list: each line of it was weighed."""
    operation_now, now, slow, plain = current.get, perf_counter_ns, SLOW_FIELD_NS, _PLAIN

    def resolve_measured(source: Any = _MISSING, info: Any = _MISSING, /, **args: Any) -> Any:
        operation = operation_now()
        if operation is None or (fields := operation.fields) is None or info is _MISSING:
            return _straight(resolve, source, args) if info is _MISSING else resolve(source, info, **args)
        started = now()
        try:
            # Most fields have no arguments, and a call without ** is much cheaper.
            result = resolve(source, info, **args) if args else resolve(source, info)
        except BaseException as error:
            _note(operation, info, coordinate, started, error, span)
            raise
        if type(result) not in plain and hasattr(type(result), "__await__") and _is_awaited(info, result):
            if inspect.iscoroutine(result):
                return _like(result, _measure_later(result, operation, info, coordinate, started, span))
            if isfuture(result):
                # It stays the object that it is: somebody else may hold it too.
                result.add_done_callback(functools.partial(_future_done, operation, info, coordinate, started, span))
                return result
        elapsed = now() - started
        if elapsed >= slow:
            _note(operation, info, coordinate, started, None, span)
            return result
        key = coordinate or _coordinate(info)
        try:
            fields[key] += elapsed
        except KeyError:
            fields[key] = elapsed
        return result

    return resolve_measured


def _is_awaited(info: Any, result: Any) -> bool:
    """Whether the executor waits for awaitables at all. `graphql_sync` hands them on, and what is handed on must not change."""
    decide = getattr(info, "is_awaitable", None)
    return True if decide is None else bool(decide(result))


def _coordinate(info: Any) -> str:
    return f"{info.parent_type.name}.{info.field_name}"


def _note_call(operation: Operation, info: Any, coordinate: str | None, started: int, error: BaseException | None, span: bool) -> None:
    ended = perf_counter_ns()
    coordinate = coordinate or _coordinate(info)
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


_note = guard("execution", _note_call)


async def _measure_later(awaitable: Any, operation: Operation, info: Any, coordinate: str | None, started: int, span: bool) -> Any:
    # Whoever looks for the field from a thread or a task of this coroutine finds it here: its stack does not show it.
    token = cause.set(Cause(coordinate or _coordinate(info), info.path))
    try:
        result = await awaitable
    except BaseException as error:
        _note(operation, info, coordinate, started, error, span)
        raise
    finally:
        _reset(token)
    _note(operation, info, coordinate, started, None, span)
    return result


def _reset_cause(token: Any) -> None:
    try:
        cause.reset(token)
    except ValueError:
        pass  # closed from another context than it ran in, which is gone with it


_reset = guard("execution", _reset_cause)


def _note_future(operation: Operation, info: Any, coordinate: str | None, started: int, span: bool, future: Any) -> None:
    if operation.state == ENDED:
        return
    error = CancelledError() if future.cancelled() else future.exception()
    _note(operation, info, coordinate, started, error, span)


_future_done = guard("execution", _note_future)


def spanned(
    resolve: Callable[..., Any], coordinate: str | None, start_span: Callable[[Operation, Any, str], FieldSpan | None]
) -> Callable[..., Any]:
    """`resolve` with a span of its own for each call, in which what it does takes place."""
    measured_only = measured(resolve, coordinate, span=False)

    def resolve_traced(source: Any = _MISSING, info: Any = _MISSING, /, **args: Any) -> Any:
        operation = current.get()
        if operation is None or operation.fields is None or info is _MISSING:
            return _straight(resolve, source, args)
        span: FieldSpan | None = start_span(operation, info, coordinate or _coordinate(info))
        if span is None:
            return measured_only(source, info, **args)
        try:
            result = measured_only(source, info, **args)
        except BaseException as error:
            span.finish(error)
            raise
        if inspect.iscoroutine(result):
            span.leave()
            return _like(result, _finish_later(result, span))
        span.finish(None)
        return result

    return resolve_traced
