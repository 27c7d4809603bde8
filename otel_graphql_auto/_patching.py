"""Attaches wrappers to other people's functions and lets go of them again.

A patch names a function where it is looked up. Detaching never removes a wrapper that somebody else put around ours.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from typing import Any, Final

import wrapt

from otel_graphql_auto._safety import guard

__all__ = ["ABSENT", "IN_PLACE", "REPLACED", "WRAPPED", "Patch", "reaches", "when_imported"]

IN_PLACE: Final = "in place"
WRAPPED: Final = "wrapped"
REPLACED: Final = "replaced"
ABSENT: Final = "absent"

_MISSING = object()

_MOST_MET = 200
"""Functions that are looked at in search of ours behind a wrapper."""

_waiting: dict[str, list[Callable[[Any], None]]] = {}


class Patch:
    """One attribute of a module or class that is replaced while attached.

    `make(original)` returns the wrapper. A wrapper must call the original unchanged when nothing of ours is active, because it may
    outlive its patch: in a module that imported it by name, or inside somebody else's wrapper. Patches that share `wrappers` give one
    wrapper to all the names of a function, so that they go on naming the same function.
    """

    def __init__(self, owner: Any, name: str, make: Callable[[Any], Any], wrappers: dict[Any, Any] | None = None) -> None:
        self._wrappers = {} if wrappers is None else wrappers
        self.owner = owner
        self.name = name
        self._make = make
        self._original: Any = _MISSING
        self._wrapper: Any = None

    def attach(self) -> None:
        """Put the wrapper in place. A name that this release of the library lacks is left alone."""
        own = vars(self.owner).get(self.name, _MISSING)
        if self._original is not _MISSING or own is _MISSING:
            return
        for original, wrapper in self._wrappers.items():
            if own is wrapper:
                # Imported by name from a module where it is wrapped already: wrapping it again would count twice.
                self._original, self._wrapper = original, wrapper
                return
        if own not in self._wrappers:
            made = self._make(own)
            self._wrappers[own] = made if isinstance(own, type) else functools.wraps(own)(made)
        self._original, self._wrapper = own, self._wrappers[own]
        setattr(self.owner, self.name, self._wrapper)

    def state(self) -> tuple[str, Any]:
        """What stands there now, and that object: ours IN_PLACE, ours WRAPPED by somebody else, REPLACED; ABSENT if it never was attached."""
        now = vars(self.owner).get(self.name)
        if self._original is _MISSING:
            return ABSENT, now
        if now is self._wrapper:
            return IN_PLACE, now
        return (WRAPPED if reaches(now, self._wrapper) else REPLACED), now

    def detach(self) -> None:
        """Put the very object back that was there, unless somebody has wrapped or replaced ours since."""
        if self._original is _MISSING:
            return
        if vars(self.owner).get(self.name) is self._wrapper:
            setattr(self.owner, self.name, self._original)
        self._original = _MISSING


def reaches(outer: Any, inner: Any) -> bool:
    """Whether `outer` is `inner`, a class derived from it, or a wrapper that will call it: by `__wrapped__`, or by what it closes over."""
    waiting, met = [outer], {id(outer)}
    while waiting and len(met) < _MOST_MET:
        found = waiting.pop(0)
        if found is inner or (isinstance(found, type) and inner in found.__mro__):
            return True
        under = [function for function in _under(found) if id(function) not in met]
        met.update(map(id, under))
        waiting.extend(under)
    return False


def _under(function: Any) -> list[Any]:
    found = [under] if (under := getattr(function, "__wrapped__", None)) is not None else []
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # a cell may be empty
            if callable(cell.cell_contents):
                found.append(cell.cell_contents)
    return found


def when_imported(module: str, attach: Callable[[Any], None]) -> Callable[[], None]:
    """Call `attach(module)` now if it is imported, else as soon as it is. Returns a function that cancels the wait.

    Import hooks of wrapt cannot be taken back: one hook a module is registered for good, and asks who still waits.
    """
    guarded = guard("patching", attach)
    if module in sys.modules and not _is_initializing(sys.modules[module]):
        guarded(sys.modules[module])
        return lambda: None
    if module not in _waiting:
        _waiting[module] = []
        wrapt.register_post_import_hook(functools.partial(_imported, module), module)
    _waiting[module].append(guarded)

    def cancel() -> None:
        if guarded in _waiting[module]:
            _waiting[module].remove(guarded)

    return cancel


def _imported(name: str, module: Any) -> None:
    for attach in list(_waiting[name]):
        attach(module)
    _waiting[name].clear()


def _is_initializing(module: Any) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
