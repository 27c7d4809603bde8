"""Coroutines that stand for an application's awaitable and report when it is done."""

from __future__ import annotations

import inspect
import weakref
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from otel_graphql_auto import lifecycle
from otel_graphql_auto._safety import guard
from otel_graphql_auto.operation import Operation

__all__ = ["observed"]


def _observed(
    awaitable: Awaitable[Any], operation: Operation, *, owned: bool, done: Callable[[Any, BaseException | None], Any] | None = None
) -> Coroutine[Any, Any, Any]:
    """A coroutine that gives what `awaitable` gives and calls `done(value, error)` when it does.

    It is a real coroutine, because callers tell coroutines from other awaitables. With `owned` the operation ends with it; until it is
    awaited, and in whatever task that happens, the caller's context stays what it was before the operation.
    """
    if owned:
        lifecycle.suspend(operation)
    coroutine: Any = _await(awaitable, operation, owned, done)
    if inspect.iscoroutine(awaitable):
        # The name in Python's "was never awaited" warning stays the application's.
        coroutine.__name__, coroutine.__qualname__ = awaitable.__name__, awaitable.__qualname__
    weakref.finalize(coroutine, _abandoned, awaitable, operation, owned).atexit = False
    return coroutine  # type: ignore[no-any-return]


_guarded = guard("graphql-core", _observed)


def observed(awaitable: Any, operation: Operation, *, owned: bool, done: Callable[[Any, BaseException | None], Any] | None = None) -> Any:
    """A coroutine that stands for `awaitable`, or `awaitable` itself where that cannot be made."""
    return _guarded(awaitable, operation, owned=owned, done=done) or awaitable


async def _await(
    awaitable: Awaitable[Any], operation: Operation, owned: bool, done: Callable[[Any, BaseException | None], Any] | None
) -> Any:
    if owned:
        lifecycle.resume(operation)
    try:
        value = await awaitable
    except BaseException as error:
        if done is not None:
            done(None, error)
        if owned:
            lifecycle.end(operation, error)
        raise
    if done is not None:
        done(value, None)
    if owned:
        lifecycle.end(operation)
    return value


def _abandoned(awaitable: Any, operation: Operation, owned: bool) -> None:
    """The coroutine is gone. Where it was never awaited, neither is what it would have awaited; its own operation is over."""
    if inspect.iscoroutine(awaitable) and inspect.getcoroutinestate(awaitable) == inspect.CORO_CREATED:
        awaitable.close()
    if owned:
        lifecycle.abandon(operation, CancelledError())
