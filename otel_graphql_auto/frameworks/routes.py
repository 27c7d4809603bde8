"""Finds the routes of a project's URLconf that lead to a GraphQL view, through whatever decorators stand around it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["Route", "graphql_routes", "view_of"]

_LAYERS = 20


class Route(NamedTuple):
    """One address that leads to a GraphQL view."""

    path: str
    """As a client writes it, with `<name>` for each parameter."""

    view: type[Any]
    is_batch: bool
    has_parameters: bool


def graphql_routes() -> list[Route]:
    """Those of the root URLconf, in its order; views that are not graphene-django's or derived from it are not found."""
    from django.urls import get_resolver

    return list(_walk(get_resolver(), "/", has_parameters=False))


def _walk(resolver: Any, prefix: str, *, has_parameters: bool) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path, parameters = _path(entry.pattern)
        found = has_parameters or parameters
        if hasattr(entry, "url_patterns"):
            yield from _walk(entry, prefix + path, has_parameters=found)
        elif (view := view_of(entry.callback)) is not None:
            yield Route(prefix + path, view[0], _is_batch(*view), found)


def _path(pattern: Any) -> tuple[str, bool]:
    """An address that this pattern matches, and whether parts of it are up to the client."""
    from django.utils.regex_helper import normalize

    path, parameters = normalize(pattern.regex.pattern)[0]
    for name in parameters:
        path = path.replace(f"%({name})s", f"<{name}>")
    return path.replace("%%", "%"), bool(parameters)


def view_of(callback: Any) -> tuple[type[Any], Mapping[str, Any]] | None:
    """The GraphQL view class behind a callback, and what `as_view()` was given."""
    module = sys.modules.get("graphene_django.views")
    for _ in range(_LAYERS):
        view = getattr(callback, "view_class", None)
        if module is not None and isinstance(view, type) and issubclass(view, module.GraphQLView):
            return view, getattr(callback, "view_initkwargs", None) or {}
        if isinstance(callback, functools.partial):
            callback = callback.func
        elif (callback := getattr(callback, "__wrapped__", None)) is None:
            return None
    return None


def _is_batch(view: type[Any], given: Mapping[str, Any]) -> bool:
    return bool(given.get("batch") or getattr(view, "batch", False))
