"""Draws a tree of spans: a line for each, with its guide, its time, a bar for its place in the request, and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE
from rich.cells import cell_len
from rich.text import Text

from otel_graphql_auto import semconv
from otel_graphql_auto.console.spans import (
    attribute,
    cleaned,
    duration_text,
    is_error,
    is_operation,
    is_slow,
    seconds,
    span_id,
    span_label,
    trace_id,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_graphql_auto.console.traces import Tree

__all__ = ["TREE_LINES", "tree_lines"]

SAME_NAME: Final = 5
"""So many children of one name are shown each; of more, the first ones and a line that sums up the rest."""

TREE_LINES: Final = 200
ERROR_LINES: Final = 3
LABEL_WIDTH: Final = 46
BAR_WIDTH: Final = 16


def tree_lines(tree: Tree, *, ascii_only: bool) -> list[Text]:
    """One line for a fast and simple request, otherwise a line for each span with its place in the time of the root."""
    operations = [span for span in tree.spans[1:] if is_operation(span)]
    if len(tree.spans) == 1 + len(operations[:1]) and not any(is_error(span) or is_slow(span) for span in tree.spans):
        label = " > ".join(span_label(span) for span in tree.spans)
        return [Text.assemble(timed(Text(label), tree.root, LABEL_WIDTH), notes(tree, *tree.spans))]
    rows = laid_out(tree, guides=("|- ", "`- ", "|  ") if ascii_only else ("├─ ", "└─ ", "│  "))
    width = max(LABEL_WIDTH, *(cell_len(row.guide + span_label(row.span)) + 1 for row in rows))
    lines = []
    for guide, indent, span, folded in rows[:TREE_LINES]:
        if folded:
            together = f"... {len(folded)} more {span_label(span)}, {duration_text(sum(map(seconds, folded)))} together"
            lines.append(Text.assemble((guide, "dim"), (together, "red" if any(map(is_error, folded)) else "dim")))
            continue
        style = "red" if is_error(span) else "yellow" if is_slow(span) else ""
        name = (span_label(span), style or ("bold" if span is tree.root or is_operation(span) else ""))
        bar = bar_of(span, tree.root, mark="=" if ascii_only else "━")
        lines.append(
            Text.assemble(timed(Text.assemble((guide, "dim"), name), span, width), (bar, style or "cyan"), "  ", notes(tree, span))
        )
        lines += [Text.assemble((indent, "dim"), (error, "red")) for error in error_texts(span)]
    if len(rows) > TREE_LINES:
        lines.append(Text(f"... {len(rows) - TREE_LINES} more lines", style="dim"))
    return lines


class _Line(NamedTuple):
    """A span to be drawn, what stands before it, and the spans of the same name that it sums up."""

    guide: str
    indent: str
    span: ReadableSpan
    folded: list[ReadableSpan]


def laid_out(tree: Tree, *, guides: tuple[str, str, str]) -> list[_Line]:
    """Each line of the tree: its guide, the indentation of what belongs to it, its span, and the spans that it sums up."""
    branch, last_branch, through = guides
    lines, waiting = [], [_Line("", "", tree.root, [])]
    while waiting:
        line = waiting.pop()
        below = [] if line.folded else gathered(tree.children.get(span_id(line.span), []))
        lines.append(line._replace(indent=line.indent + (through if below else "   ")))
        for position, (span, folded) in enumerate(reversed(below)):
            guide, indent = (branch, through) if position else (last_branch, "   ")
            waiting.append(_Line(line.indent + guide, line.indent + indent, span, folded))
    return lines


def gathered(spans: list[ReadableSpan]) -> list[tuple[ReadableSpan, list[ReadableSpan]]]:
    """Children in order; where many have one name, the last of those shown stands for the rest."""
    by_name: dict[str, list[ReadableSpan]] = {}
    for span in spans:
        by_name.setdefault(span_label(span), []).append(span)
    shown: list[tuple[ReadableSpan, list[ReadableSpan]]] = []
    for same in by_name.values():
        shown += [(span, []) for span in (same if len(same) <= SAME_NAME else same[: SAME_NAME - 1])]
        shown += [(same[SAME_NAME - 1], same[SAME_NAME - 1 :])] if len(same) > SAME_NAME else []
    return sorted(shown, key=lambda pair: pair[0].start_time or 0)


def notes(tree: Tree, *spans: ReadableSpan) -> Text:
    """What else is worth a word about these spans: HTTP status, queries, slowness, the kind of error, the trace."""
    words = []
    for span in spans:
        if status := attribute(span, HTTP_RESPONSE_STATUS_CODE):
            words.append((f"{status} ", "red" if status >= 500 else "yellow" if status >= 400 else "green"))
        if (queries := attribute(span, semconv.DB_QUERY_COUNT)) is not None:
            words.append((f"{queries} {'query' if queries == 1 else 'queries'} ", ""))
        if is_slow(span):
            words.append(("slow ", "bold yellow"))
        if is_error(span):
            fault = attribute(span, semconv.FAULT)
            words.append((cleaned(attribute(span, semconv.ERROR_TYPE) or span.status.description or "error") + " ", "bold red"))
            words.append((f"{cleaned(fault)}'s fault " if fault else "", "dim"))
    if tree.root in spans and len(tree.spans) > len(spans):
        words.append((f"trace {trace_id(tree.root)[:8]} ", "dim"))
    if tree.root in spans and tree.remark:
        words.append((f"({tree.remark})", "dim"))
    return Text.assemble(*words)


def error_texts(span: ReadableSpan) -> list[str]:
    """The first errors of an operation with message and place, and how many more there were."""
    errors = [event.attributes or {} for event in span.events if event.name == semconv.EVENT_ERROR]
    texts = []
    for error in errors[:ERROR_LINES]:
        path = error.get(semconv.FIELD_PATH)
        texts.append(f"x {cleaned(error.get(semconv.GRAPHQL_ERROR_MESSAGE, ''))}" + (f"  at {cleaned(path)}" if path else ""))
    more = (attribute(span, semconv.GRAPHQL_ERROR_COUNT) or len(errors)) - len(texts)
    return [*texts, f"x {more} more"] if texts and more > 0 else texts


def bar_of(span: ReadableSpan, root: ReadableSpan, *, mark: str) -> str:
    """Where in the time of the root a span began and ended; at least one mark, and never outside."""
    whole = max(seconds(root), 1e-9)
    begin = min(max(((span.start_time or 0) - (root.start_time or 0)) / 1e9 / whole, 0.0), 1.0)
    first = min(int(begin * BAR_WIDTH), BAR_WIDTH - 1)
    length = min(max(1, round(seconds(span) / whole * BAR_WIDTH)), BAR_WIDTH - first)
    return (" " * first + mark * length).ljust(BAR_WIDTH)


def timed(label: Text, span: ReadableSpan, width: int) -> Text:
    """A label, and in the column after it how long the span took."""
    label.pad_right(max(1, width - label.cell_len))
    return label.append(f"{duration_text(seconds(span)):>8}  ", style="bold yellow" if is_slow(span) else "")
