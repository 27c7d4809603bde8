"""Coroutines that stand for an application's awaitable and report when it is done."""

from __future__ import annotations

import inspect
import weakref
from asyncio import CancelledError, isfuture
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from otel_graphql_auto import lifecycle
from otel_graphql_auto._safety import guard
from otel_graphql_auto.operation import Operation

__all__ = ["observed"]


def _observed(
    awaitable: Awaitable[Any], operation: Operation, *, owned: bool, done: Callable[[Any, BaseException | None], Any] | None = None
) -> Coroutine[Any, Any, Any] | None:
    """A coroutine that gives what `awaitable` gives and calls `done(value, error)` when it does.

    It is a real coroutine, because callers tell coroutines from other awaitables; any other awaitable is left as it is. With `owned`
    the operation ends with it; until it is awaited, and in whatever task that happens, the caller's context stays what it was before
    the operation.
    """
    if owned:
        lifecycle.suspend(operation)
    if not inspect.iscoroutine(awaitable):
        _watch(awaitable, operation, owned, done)
        return None
    coroutine: Any = _await(awaitable, operation, owned, done)
    # The name in Python's "was never awaited" warning stays the application's.
    coroutine.__name__, coroutine.__qualname__ = awaitable.__name__, awaitable.__qualname__
    # Weakly: a finalizer is held for good, and through the inner coroutine it would hold the outer one too, which then never goes.
    weakref.finalize(coroutine, _abandoned, weakref.ref(awaitable), operation, owned).atexit = False
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


def _watch(awaitable: Any, operation: Operation, owned: bool, done: Callable[[Any, BaseException | None], Any] | None) -> None:
    """Report when a future is done. Of other awaitables nothing more is known than that they were given: that counts as the end."""

    def report(future: Any) -> None:
        error = CancelledError() if future.cancelled() else getattr(future, "_exception", None)
        value = None if error is not None else future.result()
        if done is not None:
            done(value, error)
        if owned:
            lifecycle.end(operation, error)

    if isfuture(awaitable) and not awaitable.done():
        awaitable.add_done_callback(guard("graphql-core", report))
    elif isfuture(awaitable):
        report(awaitable)
    else:
        if done is not None:
            done(None, None)
        if owned:
            lifecycle.end(operation)


def _abandoned(reference: Any, operation: Operation, owned: bool) -> None:
    """The coroutine is gone. Where it was never awaited, neither is what it would have awaited; its own operation is over."""
    awaitable = reference()
    if awaitable is not None and inspect.getcoroutinestate(awaitable) == inspect.CORO_CREATED:
        awaitable.close()
    if owned:
        lifecycle.abandon(operation, CancelledError())
