"""Measures resolvers: time by schema coordinate in every operation, and the single calls worth a span.

A resolver is wrapped once in its schema, so every execution context class passes by. Fields with a default resolver are not touched.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any, NamedTuple, TypeVar

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, default_field_resolver

from otel_graphql_auto._safety import guard
from otel_graphql_auto.execution.errors import path_text
from otel_graphql_auto.operation import Cause, Operation, cause, current

__all__ = ["SLOW_FIELD_NS", "FieldCall", "Fields", "traced"]

SLOW_FIELD_NS = 10_000_000
"""A resolver that takes this long gets a span under FIELD_SPANS = "slow"."""

_MAX_CALLS = 100
"""Calls of one operation that are kept for a span each; the time of the others is in the metric all the same."""

_MAX_CALLS_PER_COORDINATE = 10

_DEFAULT_MODULES = ("graphene.types.resolver", "graphene_django.types")
"""The second holds `DjangoObjectType.resolve_id`, which reads the primary key."""

_PLAIN = frozenset({str, int, float, bool, type(None), list, tuple, dict})
"""Types that most resolvers return and nobody can await."""

_TRACED = "_otel_graphql_auto_traced"
_OURS = "_otel_graphql_auto_field"
_Resolver = TypeVar("_Resolver", bound=Callable[..., Any])


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


def traced(resolver: _Resolver) -> _Resolver:
    """Mark a resolver, so that each of its calls gets a span of its own, with what happens inside as children.

    @traced
    def resolve_recommendations(root, info): ...
    """
    setattr(resolver, _TRACED, True)
    return resolver


class Fields:
    """The wrapped resolvers of all schemas that have been executed.

    `start_span(operation, info)` opens a span for a call of a marked resolver and returns a function that ends it with an error or None.
    """

    def __init__(self, start_span: Callable[[Operation, Any, str], Callable[[BaseException | None], None] | None]) -> None:
        self._start_span = guard("execution", start_span)
        self._seen: weakref.WeakSet[GraphQLSchema] = weakref.WeakSet()
        self._wrapped: list[tuple[weakref.ref[GraphQLField], Callable[..., Any], Callable[..., Any]]] = []
        self._lock = threading.Lock()
        self.deprecated: set[str] = set()
        """Coordinates of deprecated fields."""

    def attach(self, schema: GraphQLSchema) -> None:
        """Wrap the resolvers of a schema that has not been seen before."""
        if schema in self._seen:
            return
        with self._lock:
            if schema in self._seen:
                return
            met: dict[int, int] = {}
            owned = list(_own_fields(schema))
            for _, field in owned:
                met[id(field)] = met.get(id(field), 0) + 1
            for coordinate, field in owned:
                if field.deprecation_reason is not None:
                    self.deprecated.add(coordinate)
                self._wrap(field, coordinate if met[id(field)] == 1 else None)
            self._seen.add(schema)

    def _wrap(self, field: GraphQLField, coordinate: str | None) -> None:
        resolve = field.resolve
        if resolve is None or getattr(resolve, _OURS, False) or (_is_default(resolve) and field.deprecation_reason is None):
            return
        make = self._traced if _is_traced(resolve) else _measured
        wrapper = functools.wraps(resolve)(make(resolve, coordinate))
        setattr(wrapper, _OURS, True)
        field.resolve = wrapper
        self._wrapped.append((weakref.ref(field), resolve, wrapper))

    def detach(self) -> None:
        """Give every field its own resolver back."""
        for reference, resolve, wrapper in self._wrapped:
            field = reference()
            if field is not None and field.resolve is wrapper:
                field.resolve = resolve
        self._wrapped.clear()
        self._seen.clear()
        self.deprecated.clear()

    def _traced(self, resolve: Callable[..., Any], coordinate: str | None) -> Callable[..., Any]:
        measured = _measured(resolve, coordinate, span=False)

        def resolve_traced(source: Any, info: Any, /, **args: Any) -> Any:
            operation = current.get()
            if operation is None or operation.fields is None:
                return resolve(source, info, **args)
            finish = self._start_span(operation, info, coordinate or _coordinate(info)) or _nothing
            try:
                result = measured(source, info, **args)
            except BaseException as error:
                finish(error)
                raise
            if hasattr(type(result), "__await__") and info.is_awaitable(result):
                return _named_like(result, _finish_later(result, finish))
            finish(None)
            return result

        return resolve_traced


def _nothing(_error: BaseException | None) -> None:
    """Ends a span that could not be started."""


def _named_like(awaitable: Any, coroutine: Any) -> Any:
    """Python's "was never awaited" warning shall name the application's resolver."""
    if inspect.iscoroutine(awaitable):
        coroutine.__name__, coroutine.__qualname__ = awaitable.__name__, awaitable.__qualname__
    return coroutine


async def _finish_later(awaitable: Any, finish: Callable[[BaseException | None], None]) -> Any:
    try:
        result = await awaitable
    except BaseException as error:
        finish(error)
        raise
    finish(None)
    return result


def _measured(resolve: Callable[..., Any], coordinate: str | None, *, span: bool = True) -> Callable[..., Any]:
    """`resolve`, its time added to the operation. This runs for every object of every list: each line of it was weighed."""
    operation_now, now, slow, plain = current.get, perf_counter_ns, SLOW_FIELD_NS, _PLAIN

    def resolve_measured(source: Any, info: Any, /, **args: Any) -> Any:
        operation = operation_now()
        if operation is None or (fields := operation.fields) is None:
            return resolve(source, info, **args)
        started = now()
        try:
            # Most fields have no arguments, and a call without ** is much cheaper.
            result = resolve(source, info, **args) if args else resolve(source, info)
        except BaseException as error:
            _note(operation, info, coordinate, started, error, span)
            raise
        if type(result) not in plain and hasattr(type(result), "__await__") and info.is_awaitable(result):
            return _named_like(result, _measure_later(result, operation, info, coordinate, started, span))
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


def _own_fields(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField]]:
    for name, graphql_type in schema.type_map.items():
        if isinstance(graphql_type, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in graphql_type.fields.items():
                yield f"{name}.{field_name}", field


def _is_traced(resolve: Any) -> bool:
    """Whether a marked resolver is in it: graphene wraps what people write in partials and closures."""
    if getattr(resolve, _TRACED, False):
        return True
    inner = [resolve.func, *resolve.args] if isinstance(resolve, functools.partial) else [getattr(resolve, "__wrapped__", None)]
    return any(_is_traced(item) for item in inner if callable(item))


def _is_default(resolve: Any) -> bool:
    """Whether a resolver only reads an attribute or a key, which graphene and graphene-django hide in partials and closures."""
    while True:
        if isinstance(resolve, functools.partial):
            is_global_id = getattr(resolve.func, "__qualname__", "") == "GlobalID.id_resolver" and resolve.args
            resolve = resolve.args[0] if is_global_id else resolve.func
        elif hasattr(resolve, "__wrapped__") and getattr(resolve, "__globals__", {}).get("__name__") == "graphene_django.converter":
            resolve = resolve.__wrapped__
        else:
            break
    if resolve is default_field_resolver or getattr(resolve, "__module__", None) in _DEFAULT_MODULES:
        return True
    resolvers, schemas = sys.modules.get("graphene.types.resolver"), sys.modules.get("graphene.types.schema")
    if resolvers is None or schemas is None:
        return False
    return resolve is resolvers.get_default_resolver() or resolve is getattr(schemas, "identity_resolve", None)
