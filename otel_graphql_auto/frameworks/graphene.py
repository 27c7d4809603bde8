"""Adapter for graphene-django: its view and the views derived from it, sync and async, and graphene's schema.

This file is the table of what is patched. Each name is patched in the module that looks it up when it runs.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from otel_graphql_auto import lifecycle
from otel_graphql_auto._patching import Patch, when_imported
from otel_graphql_auto._safety import guard
from otel_graphql_auto.frameworks import core, subscriptions

__all__ = ["FUNCTIONS", "Graphene"]

_known_views: set[type[Any]] = set()
_views: list[Patch] = []
"""The `get_response` of view classes that replace graphene-django's own."""


def around_get_response(get_response: Callable[..., Any]) -> Callable[..., Any]:
    """`get_response` of a view: one operation from its parameters to its encoded answer, one for each entry of an HTTP batch."""
    if inspect.iscoroutinefunction(get_response):

        async def get_response_observed(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            operation = lifecycle.begin(request)
            if operation is None:
                return await get_response(view, request, *args, **kwargs)
            try:
                response = await get_response(view, request, *args, **kwargs)
            except BaseException as error:
                lifecycle.end(operation, error)
                raise
            lifecycle.end(operation)
            return response

        return get_response_observed

    def get_response_observed_sync(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        operation = lifecycle.begin(request)
        if operation is None:
            return get_response(view, request, *args, **kwargs)
        try:
            response = get_response(view, request, *args, **kwargs)
        except BaseException as error:
            lifecycle.end(operation, error)
            raise
        lifecycle.end(operation)
        return response

    return get_response_observed_sync


def _around_init(init: Callable[..., Any]) -> Callable[..., Any]:
    """`GraphQLView.__init__`, which runs for each request: the place to meet view classes that bring a `get_response` of their own."""

    def init_observed(view: Any, *args: Any, **kwargs: Any) -> None:
        init(view, *args, **kwargs)
        if type(view) not in _known_views:
            meet(type(view))

    return init_observed


def _meet(view_class: type[Any]) -> None:
    _known_views.add(view_class)
    for owner in view_class.__mro__:
        if owner.__module__ == "graphene_django.views":
            return
        if "get_response" in vars(owner):
            patch = Patch(owner, "get_response", around_get_response)
            patch.attach()
            _views.append(patch)


meet = guard("graphene", _meet)


_Row = tuple[str, str, Callable[[Any], Any]]

FUNCTIONS: dict[str, tuple[_Row, ...]] = {
    "graphql": (
        ("graphql.graphql", "graphql_impl", core.around_impl),
        ("graphql.graphql", "parse", core.around_parse),
        ("graphql.graphql", "execute", core.around_execute),
        ("graphql.validation", "validate", core.around_validate),  # imported by graphql_impl when it is called
        ("graphql.execution.execute", "execute", core.around_execute),
        ("graphql.execution.execute", "get_variable_values", core.around_variables),
        ("graphql.execution.subscribe", "create_source_event_stream", subscriptions.around_source),
        ("graphql.execution.subscribe", "MapAsyncIterator", subscriptions.around_map),
        # For modules that import these names from here: views that people write themselves.
        ("graphql", "parse", core.around_parse),
        ("graphql", "validate", core.around_validate),
        ("graphql", "execute", core.around_execute),
        ("graphql", "get_operation_ast", core.around_definition),
        ("graphql.execution", "execute", core.around_execute),
    ),
    "graphene.types.schema": (
        ("graphene.types.schema", "parse", core.around_parse),
        ("graphene.types.schema", "validate", core.around_validate),
        ("graphene.types.schema", "Schema.subscribe", subscriptions.around_schema_subscribe),
    ),
    "graphene_django.views": (
        ("graphene_django.views", "parse", core.around_parse),
        ("graphene_django.views", "get_operation_ast", core.around_definition),
        ("graphene_django.views", "validate", core.around_validate),
        ("graphene_django.views", "execute", core.around_execute),
        ("graphene_django.views", "GraphQLView.get_response", around_get_response),
        ("graphene_django.views", "GraphQLView.__init__", _around_init),
    ),
}


class Graphene:
    """Attaches the rows of the table as their modules are imported, and detaches them in reverse."""

    name = "graphene"

    def __init__(self) -> None:
        self._patches: list[Patch] = []
        self._cancel: list[Callable[[], None]] = []

    def attach(self) -> None:
        """Begin to tell `lifecycle` what happens."""
        for module, rows in FUNCTIONS.items():
            self._cancel.append(when_imported(module, functools.partial(self._attach_rows, rows)))

    def _attach_rows(self, rows: tuple[_Row, ...], _module: Any) -> None:
        for module_name, path, make in rows:
            # Through sys.modules: the attribute `graphql` of the package graphql is the function of that name.
            owner: Any = sys.modules[module_name]
            *classes, name = path.split(".")
            for attribute in classes:
                owner = getattr(owner, attribute)
            patch = Patch(owner, name, make)
            patch.attach()
            self._patches.append(patch)

    def detach(self) -> None:
        """Let go of everything; what others have wrapped since stays theirs."""
        for cancel in self._cancel:
            cancel()
        for patch in reversed(self._patches + _views):
            patch.detach()
        self._cancel.clear()
        self._patches.clear()
        _views.clear()
        _known_views.clear()
