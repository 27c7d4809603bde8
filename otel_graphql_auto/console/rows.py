"""The rows of a tree from top to bottom: which spans share one, what stands before it, and when in the time of the root they ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len

from otel_graphql_auto.console.spans import seconds, span_id, span_label
from otel_graphql_auto.console.statements import kind_of, statement_label, statement_seconds

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_graphql_auto.console.traces import Tree

__all__ = ["REST", "STATEMENTS", "Bar", "TreeRow", "laid_out"]

SAME_NAME: Final = 5
"""So many children of one name are shown each; of more, the first ones and a row that sums up the rest."""

STATEMENTS: Final = "statements"
REST: Final = "rest"
"""Kinds of rows that stand for more than one span."""


class TreeRow(NamedTuple):
    """What is drawn in one line: a span, statements of one kind, or the rest of many spans of one name; and what stands before it."""

    spans: list[ReadableSpan]
    kind: str = ""
    guide: str = ""
    indent: str = ""
    label: str = ""

    @property
    def seconds(self) -> float:
        """How long it took, all together."""
        return sum(map(statement_seconds if self.kind == STATEMENTS else seconds, self.spans))


def laid_out(tree: Tree, *, guides: tuple[str, str, str], width: int) -> list[TreeRow]:
    """The rows of the tree from top to bottom, each with its guide, the indentation of what belongs to it, and its label.

    Summaries of statements are cut so that they end before column `width`.
    """
    branch, last_branch, through = guides
    rows, waiting = [], [TreeRow([tree.root])]
    while waiting:
        row = waiting.pop()
        children = [] if row.kind == REST else gathered([child for span in row.spans for child in tree.children.get(span_id(span), ())])
        rows.append(row._replace(indent=row.indent + (through if children else "   "), label=label_of(row, width)))
        for position, child in enumerate(reversed(children)):
            guide, indent = (branch, through) if position else (last_branch, "   ")
            waiting.append(child._replace(guide=row.indent + guide, indent=row.indent + indent))
    return rows


def label_of(row: TreeRow, width: int) -> str:
    """Who is drawn there."""
    if row.kind == STATEMENTS:
        return statement_label(row.spans, width - 1 - cell_len(row.guide))
    name = span_label(row.spans[0])
    return f"... {len(row.spans)} more {name}" if row.kind == REST else name


def gathered(spans: list[ReadableSpan]) -> list[TreeRow]:
    """Children in order. Statements of one kind share a row; where many others have one name, the last of those shown stands for the rest."""
    statements: dict[tuple[str, str], list[ReadableSpan]] = {}
    others: dict[str, list[ReadableSpan]] = {}
    for span in spans:
        if (kind := kind_of(span)) is not None:
            statements.setdefault(kind, []).append(span)
        else:
            others.setdefault(span_label(span), []).append(span)
    rows = [TreeRow(same, STATEMENTS) for same in statements.values()]
    for same in others.values():
        rows += [TreeRow([span]) for span in (same if len(same) <= SAME_NAME else same[: SAME_NAME - 1])]
        rows += [TreeRow(same[SAME_NAME - 1 :], REST)] if len(same) > SAME_NAME else []
    return sorted(rows, key=lambda row: row.spans[0].start_time or 0)


class Bar(NamedTuple):
    """Shows when something ran in the time of the root."""

    root: ReadableSpan
    mark: str
    width: int

    def of(self, spans: list[ReadableSpan]) -> str:
        """Marks from the beginning of each span to its end; at least one, and never outside."""
        whole = max(seconds(self.root), 1e-9)
        cells = [" "] * self.width
        for span in spans:
            begin = min(max(((span.start_time or 0) - (self.root.start_time or 0)) / 1e9 / whole, 0.0), 1.0)
            first = min(int(begin * self.width), self.width - 1)
            length = min(max(1, round(seconds(span) / whole * self.width)), self.width - first)
            cells[first : first + length] = self.mark * length
        return "".join(cells)
