"""Which overlays of the collector go together: every set that somebody could want."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

OVERLAYS = ("sampling", "span-metrics", "secure", "agent", "agent-secure", "gateway", "vendor", "mimir", "redis-cluster")

NOT_TOGETHER = (
    # An agent hands traces on, and somebody else samples them and counts them.
    *(("agent", other) for other in ("sampling", "span-metrics", "gateway", "vendor", "redis-cluster")),
    # It listens on the loopback address only.
    ("agent", "secure"),
    # Gateways get traces and their applications' metrics; one collector beside them asks the servers.
    ("gateway", "redis-cluster"),
    # Each of them says where metrics go.
    ("vendor", "mimir"),
)

NEEDS = {"agent-secure": "agent"}


def sensible() -> Iterator[tuple[str, ...]]:
    """Sets of overlays in the order of OVERLAYS, the empty one first."""
    sets = chain.from_iterable(combinations(OVERLAYS, size) for size in range(len(OVERLAYS) + 1))
    for overlays in sets:
        excluded = any(one in overlays and other in overlays for one, other in NOT_TOGETHER)
        if not excluded and all(NEEDS[one] in overlays for one in overlays if one in NEEDS):
            yield overlays
