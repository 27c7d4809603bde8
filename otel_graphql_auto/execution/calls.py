"""Wraps single resolvers: measured, with a span of their own, or with their use noted.

What a wrapper does for itself cannot raise or is guarded; the resolver is called as it was called, and gives what it gives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from otel_graphql_auto.execution.async_calls import finished_later, measured_async, measured_later, spanned_async, use_noted_async
from otel_graphql_auto.execution.notes import MISSING, SLOW_FIELD_NS, FieldSpan, coordinate_of, note, straight
from otel_graphql_auto.operation import Operation, current

__all__ = ["measured", "spanned", "use_noted"]

_PLAIN = frozenset({str, int, float, bool, type(None), list, tuple, dict})
"""Types that most resolvers return and nobody can await."""


def measured(resolve: Callable[..., Any], coordinate: str | None, *, span: bool = True) -> Callable[..., Any]:
    """`resolve`, its time added to the operation. This runs for every object of every list: each line of it was weighed."""
    if inspect.iscoroutinefunction(resolve):
        return measured_async(resolve, coordinate, span=span)
    operation_now, now, slow, plain, missing = current.get, perf_counter_ns, SLOW_FIELD_NS, _PLAIN, MISSING

    def resolve_measured(source: Any = missing, info: Any = missing, /, **args: Any) -> Any:
        operation = operation_now()
        if operation is None or (fields := operation.fields) is None or info is missing:
            return straight(resolve, source, args) if info is missing else resolve(source, info, **args)
        started = now()
        try:
            # Most fields have no arguments, and a call without ** is much cheaper.
            result = resolve(source, info, **args) if args else resolve(source, info)
        except BaseException as error:
            note(operation, info, coordinate, started, error, span=span)
            raise
        kind = type(result)
        try:
            awaitable = kind not in plain and hasattr(kind, "__await__")
        except TypeError:  # a class whose metaclass cannot be hashed
            awaitable = hasattr(kind, "__await__")
        if awaitable:
            return measured_later(result, operation, info, coordinate, started, span=span)
        elapsed = now() - started
        if elapsed >= slow:
            note(operation, info, coordinate, started, None, span=span)
            return result
        key = coordinate or coordinate_of(info)
        try:
            fields[key] += elapsed
        except KeyError:
            fields[key] = elapsed
        return result

    return resolve_measured


def use_noted(resolve: Callable[..., Any], coordinate: str | None) -> Callable[..., Any]:
    """`resolve`, its use noted once in an operation. For deprecated fields."""
    if inspect.iscoroutinefunction(resolve):
        return use_noted_async(resolve, coordinate)

    def resolve_deprecated(source: Any = MISSING, info: Any = MISSING, /, **args: Any) -> Any:
        if info is MISSING:
            return straight(resolve, source, args)
        operation = current.get()
        if operation is not None and operation.deprecated is not None:
            operation.deprecated.add(coordinate or coordinate_of(info))
        return resolve(source, info, **args)

    return resolve_deprecated


def spanned(
    resolve: Callable[..., Any], coordinate: str | None, start_span: Callable[[Operation, Any, str], FieldSpan | None]
) -> Callable[..., Any]:
    """`resolve` with a span of its own for each call, in which what it does takes place."""
    if inspect.iscoroutinefunction(resolve):
        return spanned_async(resolve, coordinate, start_span)
    measured_only = measured(resolve, coordinate, span=False)

    def resolve_traced(source: Any = MISSING, info: Any = MISSING, /, **args: Any) -> Any:
        if info is MISSING:
            return straight(resolve, source, args)
        operation = current.get()
        span: FieldSpan | None = None
        if operation is not None and operation.fields is not None:
            span = start_span(operation, info, coordinate or coordinate_of(info))
        if span is None:
            return measured_only(source, info, **args)
        try:
            result = measured_only(source, info, **args)
        except BaseException as error:
            span.finish(error)
            raise
        if inspect.iscoroutine(result):
            return finished_later(result, span)
        span.finish(None)
        return result

    return resolve_traced
