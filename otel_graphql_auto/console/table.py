"""The table of operations: how often each ran, how long it took, and how often it was slow or failed."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from otel_graphql_auto import semconv
from otel_graphql_auto.console.spans import attribute, duration_text, is_error, is_slow, operation_label, seconds

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["OPERATIONS", "ROWS", "SAMPLES", "OperationTable", "Row"]

OPERATIONS: Final = 200
SAMPLES: Final = 512
"""Bounds of what is kept: operations; durations behind the percentiles of one of them."""

ROWS: Final = 25
"""So many operations are printed, the slowest ones; of more, a line says how many."""


class Row:
    """What the table knows of one operation; its durations are a uniform sample of bounded size."""

    def __init__(self) -> None:
        self.count = self.errors = self.slow = self.queries = self.queries_known = self.n_plus_one = 0
        self.longest = 0.0
        self.sample: list[float] = []

    def add(self, span: ReadableSpan, chance: random.Random) -> None:
        """Count one more run of the operation; `chance` decides whether its duration enters a sample that is full."""
        duration = seconds(span)
        self.count += 1
        self.longest = max(self.longest, duration)
        self.errors += is_error(span)
        self.slow += is_slow(span)
        if (queries := attribute(span, semconv.DB_QUERY_COUNT)) is not None:
            self.queries += queries
            self.queries_known += 1
        self.n_plus_one += bool(attribute(span, semconv.N_PLUS_ONE_COUNT))
        if len(self.sample) < SAMPLES:
            self.sample.append(duration)
        elif (place := chance.randrange(self.count)) < SAMPLES:
            self.sample[place] = duration

    @property
    def queries_text(self) -> str:
        """Statements of one run, as a mean; a dash where there are none, or where that is not known."""
        return f"{self.queries / self.queries_known:.1f}".removesuffix(".0") if self.queries else "-"

    def percentile(self, share: float) -> float:
        """The nearest rank: the smallest duration that `share` of the sample does not exceed."""
        return sorted(self.sample)[max(0, math.ceil(share * len(self.sample)) - 1)]


class OperationTable:
    """The rows by the label of their operation, how many operations came since the table was last printed, and when the last of them did."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.news = 0
        self.changed_at = 0.0
        self._chance = random.Random(0)  # noqa: S311

    def add(self, span: ReadableSpan, now: float) -> None:
        """Count one more operation; those that come when the table is full share a row."""
        label = operation_label(span)
        if label not in self.rows and len(self.rows) >= OPERATIONS:
            label = semconv.OTHER
        self.rows.setdefault(label, Row()).add(span, self._chance)
        self.news += 1
        self.changed_at = now

    def render(self) -> Table:
        """The slowest operations first; a column that nobody fills yet is left out."""
        table = Table(title=Text("Operations so far", style="bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.show_edge = False
        rows = self.rows.values()
        with_queries, with_n_plus_one = any(row.queries for row in rows), any(row.n_plus_one for row in rows)
        # The only column that gives way in a narrow terminal. Its cells do not wrap.
        table.add_column("operation")
        headings = ["count", "p50", "p95", "max", "slow", "errors", *["SQL"] * with_queries, *["N+1"] * with_n_plus_one]
        for heading in headings:
            table.add_column(heading, justify="right", no_wrap=True)
        slowest_first = sorted(self.rows.items(), key=lambda item: item[1].percentile(0.95), reverse=True)
        for label, row in slowest_first[:ROWS]:
            times = (row.percentile(0.5), row.percentile(0.95), row.longest)
            cells = [Text(label, no_wrap=True, overflow="ellipsis"), Text(str(row.count)), *(Text(duration_text(value)) for value in times)]
            cells.append(_counted(row.slow, "yellow"))
            cells.append(_counted(row.errors, "bold red"))
            if with_queries:
                cells.append(Text(row.queries_text, style="" if row.queries else "dim"))
            if with_n_plus_one:
                cells.append(_counted(row.n_plus_one, "bold magenta"))
            table.add_row(*cells)
        if len(slowest_first) > ROWS:
            table.add_row(Text(f"... {len(slowest_first) - ROWS} faster ones", style="dim", no_wrap=True))
        return table


def _counted(number: int, style: str) -> Text:
    return Text(str(number), style=style) if number else Text("-", style="dim")
