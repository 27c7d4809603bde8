"""Keeps the errors of this package away from the application, and client-supplied text harmless.

Nothing here knows what is being guarded; nothing guarded may include a call into the application.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from otel_graphql_auto import semconv, settings

__all__ = ["MAX_TEXT", "Tally", "guard", "internal_errors", "new_lock", "swallow", "text", "type_name"]

MAX_TEXT = 1000
"""Characters of a client-supplied string that are kept."""

_MAX_TALLIED = 500
"""Keys of a tally; further ones are counted together. A tally's keys are bounded by the code, so this is never met in practice."""

_logger = logging.getLogger("otel_graphql_auto")
_Function = TypeVar("_Function", bound=Callable[..., Any])


_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock(*, reentrant: bool = False) -> Any:
    """A lock that is free in a forked process, whoever held it there when the fork came.

    A reentrant one where something may be allocated while it is held: the garbage collector then runs finalizers of the application,
    and they may come back here.
    """
    lock: Any = threading.RLock() if reentrant else threading.Lock()
    _locks.add(lock)
    return lock


def _free_locks() -> None:
    for lock in _locks:
        lock._at_fork_reinit()


os.register_at_fork(after_in_child=_free_locks)


class Tally:
    """Plain counts by key, for what happens too often to record each time. An observable instrument reads them."""

    def __init__(self, limit: int = _MAX_TALLIED) -> None:
        self._limit = limit
        self._counts: dict[tuple[str, ...], int] = {}
        self._lock = new_lock()

    def add(self, key: tuple[str, ...], amount: int = 1) -> None:
        """Add `amount`, which may be negative, to the count of `key`."""
        with self._lock:
            if key not in self._counts and len(self._counts) >= self._limit:
                key = (semconv.OTHER,) * len(key)
            self._counts[key] = self._counts.get(key, 0) + amount

    def read(self) -> dict[tuple[str, ...], int]:
        """A copy of all counts."""
        with self._lock:
            return dict(self._counts)


internal_errors = Tally()
"""Errors of ours by (room, type)."""


def guard(room: str, function: _Function) -> _Function:
    """A version of `function` that returns None instead of raising.

    The first error of a kind is logged with its traceback, all are counted; under `OTEL_PYTHON_GRAPHQL_AUTO_STRICT` they are raised.
    """

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the one place where that is the point
            swallow(room, error)
            return None

    return guarded  # type: ignore[return-value]


def swallow(room: str, error: Exception) -> None:
    """Count `error`, log the first of its kind, and raise it only in strict mode."""
    key = (room, type_name(error))
    first = key not in internal_errors.read()
    internal_errors.add(key)
    if settings.strict():
        raise error
    if first:
        _logger.warning("otel_graphql_auto (%s) failed and goes on without; the application is not affected", room, exc_info=error)


def type_name(error: BaseException) -> str:
    """The class of an error as the conventions want it: qualified, except for builtins."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ in ("builtins", "") else f"{kind.__module__}.{kind.__qualname__}"


def text(value: object, limit: int = MAX_TEXT) -> str:
    """A client-supplied string that can be exported: cut, and with control characters and lone surrogates escaped.

    One lone surrogate makes protobuf refuse the whole batch of spans.
    """
    string = value if isinstance(value, str) else _string(value)
    if len(string) > limit:
        string = string[: limit - 1] + "…"
    if string.isprintable():
        return string
    return "".join(_escaped(character) for character in string)[: 2 * limit]


def _string(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - an exception whose __str__ raises is still worth its type
        return type(value).__name__


def _escaped(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return character.encode("unicode_escape").decode("ascii")
