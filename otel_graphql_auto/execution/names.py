"""Which operation names may become metric attributes. Pure.

A name is whatever a client writes: a flood of made-up ones must neither create a series each nor keep the real ones out.
"""

from __future__ import annotations

from collections.abc import Iterable

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import new_lock

__all__ = ["OperationNames"]

_SIGHTINGS = ((0.25, 1), (0.5, 3), (0.75, 10), (0.9, 50), (1.0, 200))
"""Up to this share of the limit in use, a name must have been seen this often: the fuller it gets, the more a name must matter.

A quiet application sees every name at once; a flood of names that come once each can take a quarter of the places and no more.
"""

_CANDIDATES_PER_PLACE = 5


class OperationNames:
    """The names admitted in this process, at most `limit`, for as long as it lives: series cannot be taken back."""

    def __init__(self, limit: int, declared: Iterable[str] = ()) -> None:
        self.rule = limit, frozenset(declared)
        self._limit = limit
        self._admitted = set(self.rule[1])
        self._candidates: dict[str, int] = {}
        self._lock = new_lock()

    def __len__(self) -> int:
        return len(self._admitted)

    def label(self, name: str | None, *, valid: bool) -> str | None:
        """What the metrics call an operation: its name, `_OTHER`, or None where it has none.

        `valid` says that it passed validation; only such operations bring a name nearer to admission.
        """
        if name is None:
            return None
        if name in self._admitted:
            return name
        with self._lock:
            if valid and len(name) <= semconv.MAX_NAME and self._admit(name):
                return name
        return semconv.OTHER

    def _admit(self, name: str) -> bool:
        used = len(self._admitted) / self._limit
        needed = next((sightings for share, sightings in _SIGHTINGS if used < share), None)
        if needed is None:
            return False
        seen = self._candidates.get(name, 0) + 1
        if seen >= needed:
            self._candidates.pop(name, None)
            self._admitted.add(name)
            return True
        if name not in self._candidates and len(self._candidates) >= self._limit * _CANDIDATES_PER_PLACE:
            # Misra-Gries: all candidates lose one sighting, so that frequent names outlive any number of rare ones.
            self._candidates = {other: count - 1 for other, count in self._candidates.items() if count > 1}
            return False
        self._candidates[name] = seen
        return False
