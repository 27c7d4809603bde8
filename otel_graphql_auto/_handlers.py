"""Calls back when one of Django's request handlers loads its middleware: settings are complete by then, and no request has come yet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from otel_graphql_auto._patching import IN_PLACE, WRAPPED, Patch, when_imported
from otel_graphql_auto._safety import guard

__all__ = ["after_loading", "before_loading", "is_called"]

_before: list[Callable[[Any], None]] = []
_after: list[Callable[[Any], None]] = []
_MODULE = "django.core.handlers.base"

_patch: Patch | None = None
_stop_waiting: Callable[[], None] | None = None


def before_loading(callback: Callable[[Any], None]) -> Callable[[], None]:
    """Call `callback(handler)` before a handler reads the list of middleware. Returns a function that takes it back."""
    return _add(_before, callback, position=len(_before))


def after_loading(callback: Callable[[Any], None], *, outermost: bool = False) -> Callable[[], None]:
    """Call `callback(handler)` when its chain of middleware is made; what it puts around that chain meets a request first.

    `outermost` says before what others have put there, whoever came first.
    """
    return _add(_after, callback, position=len(_after) if outermost else 0)


def is_called() -> bool:
    """Whether handlers reach this module when they load: nobody has put something else in the place of its hook."""
    if _patch is None:
        return _MODULE not in sys.modules and bool(_before or _after)
    return _patch.state()[0] in (IN_PLACE, WRAPPED)


def _add(callbacks: list[Callable[[Any], None]], callback: Callable[[Any], None], *, position: int) -> Callable[[], None]:
    global _stop_waiting
    guarded = guard("handlers", callback)
    first = not _before and not _after
    callbacks.insert(position, guarded)
    if first:
        _stop_waiting = when_imported(_MODULE, _attach)

    def take_back() -> None:
        if guarded in callbacks:
            callbacks.remove(guarded)
            if not _before and not _after:
                _detach()

    return take_back


def _attach(module: Any) -> None:
    global _patch
    _patch = Patch(module.BaseHandler, "load_middleware", _around_load)
    _patch.attach()


def _detach() -> None:
    global _patch
    if _stop_waiting is not None:
        _stop_waiting()
    if _patch is not None:
        _patch.detach()
        _patch = None


def _around_load(load_middleware: Callable[..., Any]) -> Callable[..., Any]:
    def load_middleware_observed(handler: Any, *args: Any, **kwargs: Any) -> Any:
        for callback in [*_before]:
            callback(handler)
        loaded = load_middleware(handler, *args, **kwargs)
        for callback in [*_after]:
            callback(handler)
        return loaded

    return load_middleware_observed
