"""For tests: budgets and baselines of the SQL that operations run, and a look at everything that is emitted.

Nothing is imported before it is used: pytest imports this package in every run, for its plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_graphql_auto.testing.baseline import query_baseline
    from otel_graphql_auto.testing.budgets import max_queries, no_n_plus_one
    from otel_graphql_auto.testing.captured import Captured, capture

__all__ = ["Captured", "capture", "max_queries", "no_n_plus_one", "query_baseline"]

_HOMES = {
    "Captured": "captured",
    "capture": "captured",
    "max_queries": "budgets",
    "no_n_plus_one": "budgets",
    "query_baseline": "baseline",
}
"""The module of each name. None of them has the name of its module, which Python would put in its place."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
