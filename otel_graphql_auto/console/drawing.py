"""Draws what belongs to one request: a line where it was fast, a tree with a bar for each span's place in time where it was not."""

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
    is_foreign,
    is_operation,
    is_slow,
    seconds,
    span_id,
    span_label,
    trace_id,
)
from otel_graphql_auto.console.traces import Tree

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["TREE_LINES", "tree_lines"]

SAME_NAME: Final = 5
"""So many children of one name are shown each; of more, the first ones and a line that sums up the rest."""

TREE_LINES: Final = 200
ERROR_LINES: Final = 3
LABEL_WIDTH: Final = 40
BAR_WIDTH: Final = 16
QUERY_LENGTH: Final = 40


def tree_lines(tree: Tree, *, ascii_only: bool, tree_seconds: float) -> list[Text]:
    """A fast request as one line, with a line for each of its errors; otherwise a line for each span with its place in the time of the root.

    Slow is what is marked so, and a root that took `tree_seconds` or longer.
    """
    shown = tree if is_worth_a_tree(tree, tree_seconds) else outline(tree)
    hidden = sum(map(is_foreign, tree.spans)) - sum(map(is_foreign, shown.spans))
    if len(shown.spans) == 1 or (shown is not tree and len(shown.spans) == 2):
        return one_line(shown, hidden)
    rows = laid_out(shown, guides=("|- ", "`- ", "|  ") if ascii_only else ("├─ ", "└─ ", "│  "))
    width = max(LABEL_WIDTH, *(cell_len(row.guide + span_label(row.span)) + 1 for row in rows))
    lines: list[Text] = []
    for guide, indent, span, folded in rows[:TREE_LINES]:
        if folded:
            together = f"... {len(folded)} more {span_label(span)}, {duration_text(sum(map(seconds, folded)))} together"
            lines.append(Text.assemble((guide, "dim"), (together, "red" if any(map(is_error, folded)) else "dim")))
            continue
        style = "red" if is_error(span) else "yellow" if is_slow(span) else ""
        label = Text.assemble((guide, "dim"), (span_label(span), style or ("bold" if span is tree.root or is_operation(span) else "")))
        bar = bar_of(span, tree.root, mark="=" if ascii_only else "━")
        words = notes(span) + (root_notes(tree, hidden) if span is tree.root else [])
        lines.append(Text.assemble(timed(label, span, width), (bar, style or "cyan"), "  ", *words))
        lines += [Text.assemble((indent, "dim"), (error, "red")) for error in error_texts(span)]
    if len(rows) > TREE_LINES:
        lines.append(Text(f"... {len(rows) - TREE_LINES} more lines", style="dim"))
    return lines


def is_worth_a_tree(tree: Tree, tree_seconds: float) -> bool:
    """Whether the time was long enough to ask where it went, or something failed that neither the request nor an operation tells of."""
    if seconds(tree.root) >= tree_seconds or any(map(is_slow, tree.spans)):
        return True
    failed = [span for span in tree.spans if is_error(span)]
    return bool(failed) and not any(span is tree.root or is_operation(span) for span in failed)


def outline(tree: Tree) -> Tree:
    """The root and the operations below it, each under the next of them that holds it."""
    spans = [tree.root]
    children: dict[int, list[ReadableSpan]] = {}
    waiting = [(tree.root, tree.root)]
    for span, above in waiting:
        for child in tree.children.get(span_id(span), ()):
            if is_operation(child):
                spans.append(child)
                children.setdefault(span_id(above), []).append(child)
            waiting.append((child, child if is_operation(child) else above))
    return Tree(tree.root, spans, children, tree.remark)


def one_line(tree: Tree, hidden: int) -> list[Text]:
    """A root and at most one operation beside each other, and below them what went wrong."""
    failed = any(map(is_error, tree.spans))
    label = Text(" > ".join(span_label(span) for span in tree.spans), style="red" if failed else "")
    # The trace before the rest, which may be cut at the edge of a terminal.
    words = notes(tree.root) + root_notes(tree, hidden, with_trace=failed) + [word for span in tree.spans[1:] for word in notes(span)]
    line = Text.assemble(timed(label, tree.root, LABEL_WIDTH), *words)
    return [line, *(Text(f"   {error}", style="red") for span in tree.spans for error in error_texts(span))]


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


def notes(span: ReadableSpan) -> list[tuple[str, str]]:
    """What else is worth a word about a span: HTTP status, queries, slowness, the kind of error, who asked."""
    words = []
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
    if client := attribute(span, semconv.CLIENT_NAME):
        words.append((cleaned(f"from {client} {attribute(span, semconv.CLIENT_VERSION) or ''}").strip() + " ", "dim"))
    return words


def root_notes(tree: Tree, hidden: int, *, with_trace: bool = True) -> list[tuple[str, str]]:
    """What is said of the root alone: the trace, spans of others that are not shown, why it has no parent here, its query string."""
    query = cleaned(attribute(tree.root, semconv.URL_QUERY) or "")
    words = [
        f"trace {trace_id(tree.root)[:8]}" if with_trace else "",
        f"+{hidden} {'span' if hidden == 1 else 'spans'}" if hidden else "",
        f"({tree.remark})" if tree.remark else "",
        f"?{query[:QUERY_LENGTH]}{'...' if len(query) > QUERY_LENGTH else ''}" if query else "",
    ]
    return [(f"{word} ", "dim") for word in words if word]


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
