"""Tells whether the views and functions that a framework adapter attached to still lead to it: rows for `graphql_auto doctor`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from otel_graphql_auto._patching import ABSENT, IN_PLACE, REPLACED, WRAPPED, Patch
from otel_graphql_auto.finding import ERROR, INFO, OK, Finding
from otel_graphql_auto.frameworks.routes import Route, graphql_routes

__all__ = ["of_functions", "of_views"]

_State = Callable[[type[Any]], tuple[str, Any]]


def of_views(state: _State | None) -> Iterator[Finding]:
    """One row for each route to a GraphQL view. `state` is None where no view class has been met yet."""
    routes = graphql_routes()
    if not routes:
        yield Finding(INFO, "view", "the URLconf leads to none of graphene-django")
    for route in routes:
        yield _of_view(route, *(state(route.view) if state is not None else (REPLACED, None)))


def _of_view(route: Route, state: str, now: Any) -> Finding:
    name = f"{route.path}: {route.view.__qualname__}"
    if state == IN_PLACE:
        return Finding(OK, "view", f"{name} is hooked")
    if state == WRAPPED:
        return Finding(OK, "view", f"{name} is hooked, and {_author(now)} stands around it")
    return Finding(
        ERROR,
        "view",
        f"{name}.get_response is no longer ours: of its operations only the execution is seen",
        f"{_author(now)} has replaced it: have it call the function that it replaces, or replace it before instrumentation attaches.",
    )


def of_functions(patches: Sequence[Patch]) -> Iterator[Finding]:
    """One row for all functions that are hooked, and one for each that is not."""
    states = [(patch, *patch.state()) for patch in patches]
    if not any(state != ABSENT for _, state, _ in states):
        yield Finding(ERROR, "functions", "none of graphql-core or graphene-django is hooked", "Was anything of GraphQL imported?")
        return
    hooked = sum(state in (IN_PLACE, WRAPPED) for _, state, _ in states)
    if hooked:
        yield Finding(OK, "functions", f"{hooked} of graphql-core, graphene and graphene-django are hooked")
    around = Counter(_author(now) for _, state, now in states if state == WRAPPED)
    for author, count in around.items():
        yield Finding(INFO, "functions", f"{author} stands around {count} of them, and calls ours")
    for patch, state, now in states:
        if state == REPLACED:
            where = f"{getattr(patch.owner, '__qualname__', patch.owner.__name__)}.{patch.name}"
            advice = f"{_author(now)} has replaced it: have it call the function that it replaces, or attach it first."
            yield Finding(ERROR, "functions", f"{where} is no longer ours: what goes through it is not seen", advice)


def _author(function: Any) -> str:
    """The module of whoever wrote this wrapper; its `__module__` is often copied from what it wraps."""
    function = getattr(function, "_self_wrapper", function)  # wrapt's
    module = getattr(function, "__globals__", {}).get("__name__")
    return str(module or getattr(function, "__module__", None) or type(function).__module__)
