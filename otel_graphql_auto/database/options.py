"""The settings of this room as the hot path wants them."""

from __future__ import annotations

from otel_graphql_auto import settings

__all__ = ["Options"]

_NS_PER_MS = 1_000_000


class Options:
    """One reading of the settings. Made anew when they change."""

    def __init__(self, room: str) -> None:
        values = settings.get()
        self.is_active = values.PERFORMANCE_MONITORING and room not in values.DISABLED
        self.slow_ns = int(values.SLOW_SQL_THRESHOLD * _NS_PER_MS)
        self.n_plus_one = values.N_PLUS_ONE_THRESHOLD
        self.spans_per_field = values.SQL_SPANS_PER_FIELD
        self.comments = values.SQL_COMMENTS and self.is_active
        self.explains = values.EXPLAIN_SLOW_SQL
