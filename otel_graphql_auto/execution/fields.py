"""Measures resolvers: time by schema coordinate in every operation, and the single calls worth a span.

A resolver is wrapped once in its schema, so every execution context class passes by. Fields with a default resolver are not touched.
"""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, default_field_resolver

from otel_graphql_auto._safety import guard, new_lock
from otel_graphql_auto.execution.calls import measured, spanned, use_noted
from otel_graphql_auto.execution.notes import FieldSpan
from otel_graphql_auto.operation import Operation

__all__ = ["Fields", "traced"]

_DEFAULT_MODULES = ("graphene.types.resolver", "graphene_django.types")
"""The second holds `DjangoObjectType.resolve_id`, which reads the primary key."""

_TRACED = "_otel_graphql_auto_traced"
_ours: weakref.WeakSet[Callable[..., Any]] = weakref.WeakSet()
"""The wrappers that are alive. Not a mark on them: whoever wraps one of ours with functools.wraps would copy the mark."""

_Resolver = TypeVar("_Resolver", bound=Callable[..., Any])


def traced(resolver: _Resolver) -> _Resolver:
    """Mark a resolver, so that each of its calls gets a span of its own, with what happens inside as children.

    @traced
    def resolve_recommendations(root, info): ...
    """
    setattr(resolver, _TRACED, True)
    return resolver


class Fields:
    """The wrapped resolvers of all schemas that have been executed.

    `start_span(operation, info, coordinate)` opens a FieldSpan for a call of a marked resolver, or gives None.
    """

    def __init__(self, start_span: Callable[[Operation, Any, str], FieldSpan | None]) -> None:
        self._start_span = guard("execution", start_span)
        # Fields by weak reference, and originals only in the wrappers: a resolver often holds its schema, and would keep it alive.
        self._wrapped: weakref.WeakKeyDictionary[GraphQLSchema, list[weakref.ref[GraphQLField]]] = weakref.WeakKeyDictionary()
        self._lock = new_lock()
        self._detached = False
        self._wrap = guard("execution", self._wrap_field)

    def attach(self, schema: GraphQLSchema) -> None:
        """Wrap the resolvers of a schema that has not been seen before."""
        if schema in self._wrapped:
            return
        with self._lock:
            if self._detached or schema in self._wrapped:
                return
            owned = list(_own_fields(schema))
            met = Counter(id(field) for _, field in owned)
            fields = [field for coordinate, field in owned if self._wrap(field, coordinate if met[id(field)] == 1 else None)]
            self._wrapped[schema] = [weakref.ref(field) for field in fields]

    def _wrap_field(self, field: GraphQLField, coordinate: str | None) -> bool:
        """Wrap what is worth it. A field that several types share gets its coordinate at each call."""
        resolve = field.resolve
        if resolve is None or _is_ours(resolve):
            return False
        wrapper = resolve
        if _is_traced(resolve):
            wrapper = spanned(resolve, coordinate, self._start_span)
        elif not _is_default(resolve):
            wrapper = measured(resolve, coordinate)
        if field.deprecation_reason is not None:
            wrapper = use_noted(wrapper, coordinate)
        if wrapper is resolve:
            return False
        field.resolve = _dressed(wrapper, resolve)
        _ours.add(wrapper)
        return True

    def detach(self) -> None:
        """Give every field its own resolver back, unless somebody has wrapped or replaced ours."""
        with self._lock:
            self._detached = True
            for references in list(self._wrapped.values()):
                for reference in references:
                    field = reference()
                    if field is not None and _is_ours(field.resolve):
                        field.resolve = field.resolve.__wrapped__  # type: ignore[union-attr]
            self._wrapped.clear()


def _dressed(wrapper: Any, resolve: Any) -> Any:
    try:
        return functools.wraps(resolve)(wrapper)
    except (TypeError, AttributeError):  # an object that answers every question, and not with a name
        wrapper.__wrapped__ = resolve
        return wrapper


def _is_ours(resolve: Any) -> bool:
    return inspect.isfunction(resolve) and resolve in _ours


def _own_fields(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField]]:
    for name, graphql_type in schema.type_map.items():
        if isinstance(graphql_type, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in graphql_type.fields.items():
                yield f"{name}.{field_name}", field


def _is_traced(resolve: Any, depth: int = 0) -> bool:
    """Whether a marked resolver is in it: graphene wraps what people write in partials and closures."""
    if getattr(resolve, _TRACED, False) is True:
        return True
    if depth >= 10:
        return False
    inner = [resolve.func, *resolve.args] if isinstance(resolve, functools.partial) else [getattr(resolve, "__wrapped__", None)]
    return any(_is_traced(item, depth + 1) for item in inner if callable(item))


def _is_default(resolve: Any) -> bool:
    """Whether a resolver only reads an attribute or a key, which graphene and graphene-django hide in partials and closures."""
    for _ in range(10):
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
