"""Wraps resolvers that are coroutine functions, and what other resolvers return to be awaited.

The wrapper of a coroutine function is one too: middleware and schema tools tell them apart.
"""

from __future__ import annotations

import functools
import inspect
from asyncio import CancelledError, isfuture
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from otel_graphql_auto._safety import guard
from otel_graphql_auto.execution.notes import MISSING, FieldSpan, coordinate_of, note, straight
from otel_graphql_auto.operation import ENDED, Cause, Operation, cause, current

__all__ = ["finished_later", "measured_async", "measured_later", "spanned_async", "use_noted_async"]


def measured_async(resolve: Callable[..., Any], coordinate: str | None, *, span: bool) -> Callable[..., Any]:
    """`resolve`, a coroutine function, its time from its first step to its result added to the operation."""

    async def resolve_measured(source: Any = MISSING, info: Any = MISSING, /, **args: Any) -> Any:
        if info is MISSING:
            return await straight(resolve, source, args)
        operation = current.get()
        if operation is None or operation.fields is None:
            return await resolve(source, info, **args)
        return await _measured(resolve(source, info, **args), operation, info, coordinate, perf_counter_ns(), span=span)

    return resolve_measured


def use_noted_async(resolve: Callable[..., Any], coordinate: str | None) -> Callable[..., Any]:
    """`resolve`, a coroutine function, its use noted once in an operation."""

    async def resolve_deprecated(source: Any = MISSING, info: Any = MISSING, /, **args: Any) -> Any:
        if info is MISSING:
            return await straight(resolve, source, args)
        operation = current.get()
        if operation is not None and operation.deprecated is not None:
            operation.deprecated.add(coordinate or coordinate_of(info))
        return await resolve(source, info, **args)

    return resolve_deprecated


def spanned_async(
    resolve: Callable[..., Any], coordinate: str | None, start_span: Callable[[Operation, Any, str], FieldSpan | None]
) -> Callable[..., Any]:
    """`resolve`, a coroutine function, with a span of its own for each call."""
    measured = measured_async(resolve, coordinate, span=False)

    async def resolve_traced(source: Any = MISSING, info: Any = MISSING, /, **args: Any) -> Any:
        if info is MISSING:
            return await straight(resolve, source, args)
        operation = current.get()
        span: FieldSpan | None = None
        if operation is not None and operation.fields is not None:
            span = start_span(operation, info, coordinate or coordinate_of(info))
        if span is None:
            return await measured(source, info, **args)
        return await _finished(measured(source, info, **args), span)

    return resolve_traced


def measured_later(result: Any, operation: Operation, info: Any, coordinate: str | None, started: int, *, span: bool) -> Any:
    """What stands for an awaitable `result` of a resolver that is no coroutine function itself."""
    later = _later(result, operation, info, coordinate, started, span=span)
    return result if later is None else later


def _measured_later(result: Any, operation: Operation, info: Any, coordinate: str | None, started: int, *, span: bool) -> Any:
    decide = getattr(info, "is_awaitable", None)
    if decide is not None and not decide(result):
        return None  # `graphql_sync` hands awaitables on, and what is handed on must not change
    if inspect.iscoroutine(result):
        return _named_like(result, _measured(result, operation, info, coordinate, started, span=span))
    if isfuture(result):
        # It stays the object that it is: somebody else may hold it too. One of a loop that is closed is done, and takes no callbacks.
        done = functools.partial(_note_future, operation, info, coordinate, started, span)
        if result.done():
            done(result)
        else:
            result.add_done_callback(guard("execution", done))
        return None
    note(operation, info, coordinate, started, None, span=span)
    return None


_later = guard("execution", _measured_later)


def _note_future(operation: Operation, info: Any, coordinate: str | None, started: int, span: bool, future: Any) -> None:
    if operation.state == ENDED:
        return
    # Not exception(): that counts as having looked at it, and asyncio would no longer say that nobody has.
    error = CancelledError() if future.cancelled() else getattr(future, "_exception", None)
    note(operation, info, coordinate, started, error, span=span)


async def _measured(awaitable: Any, operation: Operation, info: Any, coordinate: str | None, started: int, *, span: bool) -> Any:
    # Whoever looks for the field from a thread or a task of this coroutine finds it here: its stack does not show it.
    token = _set_cause(operation, coordinate, info)
    try:
        result = await awaitable
    except BaseException as error:
        note(operation, info, coordinate, started, error, span=span)
        raise
    finally:
        _reset_cause(token)
    note(operation, info, coordinate, started, None, span=span)
    return result


def _set(operation: Operation, coordinate: str | None, info: Any) -> Any:
    return cause.set(Cause(coordinate or coordinate_of(info), info.path, operation))


def _reset(token: Any) -> None:
    try:
        if token is not None:
            cause.reset(token)
    except ValueError:
        pass  # closed from another context than it ran in, which is gone with it


_set_cause, _reset_cause = guard("execution", _set), guard("execution", _reset)


def finished_later(result: Any, span: FieldSpan) -> Any:
    """A coroutine that gives what the coroutine `result` gives and then ends `span`."""
    span.leave()
    return _named_like(result, _finished(result, span, entered=False))


async def _finished(awaitable: Any, span: FieldSpan, *, entered: bool = True) -> Any:
    if not entered:
        span.enter()
    try:
        result = await awaitable
    except BaseException as error:
        span.finish(error)
        raise
    span.finish(None)
    return result


def _named_like(awaitable: Any, coroutine: Any) -> Any:
    """Python's "was never awaited" warning shall name the application's resolver."""
    coroutine.__name__, coroutine.__qualname__ = awaitable.__name__, awaitable.__qualname__
    return coroutine
