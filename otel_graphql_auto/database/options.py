"""The settings of this room as the hot path wants them."""

from __future__ import annotations

from typing import NamedTuple

from otel_graphql_auto import settings

__all__ = ["INACTIVE", "Options", "read_options"]

_NS_PER_MS = 1_000_000


class Options(NamedTuple):
    """One reading of the settings. Made anew when they change."""

    is_active: bool
    slow_ns: int
    n_plus_one: int
    spans_per_field: int
    comments: bool
    explains: bool


INACTIVE = Options(is_active=False, slow_ns=0, n_plus_one=0, spans_per_field=0, comments=False, explains=False)
"""Where the settings cannot be read."""


def read_options(room: str) -> Options:
    """The settings in force."""
    values = settings.get()
    return Options(
        is_active=values.PERFORMANCE_MONITORING and room not in values.DISABLED,
        slow_ns=int(values.SLOW_SQL_THRESHOLD * _NS_PER_MS),
        n_plus_one=values.N_PLUS_ONE_THRESHOLD,
        spans_per_field=values.SQL_SPANS_PER_FIELD,
        comments=values.SQL_COMMENTS,
        explains=values.EXPLAIN_SLOW_SQL,
    )
