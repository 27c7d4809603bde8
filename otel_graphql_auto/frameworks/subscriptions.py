"""Adapter for graphql-core's subscriptions: one operation for the whole stream, one event for each of its results."""

from __future__ import annotations

import inspect
import weakref
from asyncio import CancelledError
from collections.abc import AsyncIterable, Callable
from time import perf_counter_ns
from typing import Any

from otel_graphql_auto import lifecycle
from otel_graphql_auto._safety import guard
from otel_graphql_auto.frameworks.core import begin, enter
from otel_graphql_auto.operation import Operation

__all__ = ["around_map", "around_schema_subscribe", "around_source"]


_operations: weakref.WeakKeyDictionary[Any, tuple[Operation, Any]] = weakref.WeakKeyDictionary()
"""Which operation a source stream belongs to, on its way from `create_source_event_stream` to `MapAsyncIterator`."""


def _belongs(stream: AsyncIterable[Any], operation: Operation) -> None:
    """Note it. A stream that is never mapped ends its operation when it is gone, one that cannot be noted at once."""
    try:
        finalizer = weakref.finalize(stream, lifecycle.abandon, operation)
        finalizer.atexit = False
        _operations[stream] = operation, finalizer
    except TypeError:
        lifecycle.end(operation)


def _taken(stream: Any) -> Operation | None:
    try:
        operation, finalizer = _operations.pop(stream, (None, None))
    except TypeError:
        return None
    if finalizer is not None:
        finalizer.detach()  # one source may feed many subscribers, and must not keep them all
    return operation


_note, _take = guard("subscriptions", _belongs), guard("subscriptions", _taken)


def around_source(create_source_event_stream: Callable[..., Any]) -> Callable[..., Any]:
    """`create_source_event_stream` as `subscribe()` calls it: the operation's set-up."""

    async def create_source_event_stream_observed(*args: Any, **kwargs: Any) -> Any:
        operation, owned = enter(args, kwargs)
        if operation is None:
            return await create_source_event_stream(*args, **kwargs)
        started = perf_counter_ns()
        try:
            given = await create_source_event_stream(*args, **kwargs)
        except BaseException as error:
            lifecycle.executed(operation, started, None, error)
            if owned:
                lifecycle.end(operation, error)
            raise
        if isinstance(given, AsyncIterable):
            lifecycle.executed(operation, started, None, None)
            lifecycle.suspend(operation)
            _note(given, operation)
            return given
        lifecycle.executed(operation, started, given, None)
        if owned:
            lifecycle.end(operation)
        return given

    return create_source_event_stream_observed


def around_map(map_async_iterator: type[Any]) -> type[Any]:
    """A `MapAsyncIterator` that knows the operation whose results it maps."""

    class ObservedMapAsyncIterator(map_async_iterator):  # type: ignore[misc]
        def __init__(self, iterable: Any, callback: Callable[..., Any]) -> None:
            operation: Operation | None = _take(iterable)
            super().__init__(iterable, callback if operation is None else _around_event(callback, operation))
            self._operation = operation
            if operation is not None:
                weakref.finalize(self, lifecycle.abandon, operation).atexit = False

        def _finish(self, error: BaseException | None = None) -> None:
            if self._operation is not None:
                lifecycle.end(self._operation, error)

        async def __anext__(self) -> Any:
            try:
                return await super().__anext__()
            except StopAsyncIteration:
                self._finish()
                raise
            except (GeneratorExit, CancelledError):
                self._finish()  # the subscriber has gone: how subscriptions usually end
                raise
            except BaseException as error:
                self._finish(error)
                raise

        async def aclose(self) -> None:
            try:
                await super().aclose()
            finally:
                self._finish()

    ObservedMapAsyncIterator.__name__ = map_async_iterator.__name__
    ObservedMapAsyncIterator.__qualname__ = map_async_iterator.__qualname__
    ObservedMapAsyncIterator.__module__ = map_async_iterator.__module__
    ObservedMapAsyncIterator.__doc__ = map_async_iterator.__doc__
    return ObservedMapAsyncIterator


def _around_event(callback: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    async def execute_event(payload: Any) -> Any:
        events = lifecycle.event_begins(operation)
        try:
            result = callback(payload)
            if inspect.isawaitable(result):
                result = await result
        except BaseException as error:
            lifecycle.event_ends(operation, events, None, error)
            raise
        lifecycle.event_ends(operation, events, result, None)
        return result

    return execute_event


def around_schema_subscribe(subscribe: Callable[..., Any]) -> Callable[..., Any]:
    """The `Schema.subscribe` of graphene, which parses and validates before it subscribes."""

    async def subscribe_observed(schema: Any, *args: Any, **kwargs: Any) -> Any:
        operation = begin((), {"context_value": kwargs.get("context"), "operation_name": kwargs.get("operation"), **kwargs})
        if operation is None:
            return await subscribe(schema, *args, **kwargs)
        try:
            result = await subscribe(schema, *args, **kwargs)
        except BaseException as error:
            lifecycle.end(operation, error)
            raise
        if not isinstance(result, AsyncIterable):
            lifecycle.end(operation)
        return result

    return subscribe_observed
