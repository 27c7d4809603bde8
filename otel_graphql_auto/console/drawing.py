"""Draws what belongs to one request: a line where it was fast, a tree with a bar for each span's place in time where it was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE
from rich.cells import cell_len
from rich.text import Text

from otel_graphql_auto import semconv
from otel_graphql_auto.console.rows import REST, STATEMENTS, Bar, TreeRow, laid_out
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
from otel_graphql_auto.console.statements import finding_lines, slow_lines, statement_notes, totals
from otel_graphql_auto.console.traces import Tree

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["TREE_LINES", "tree_lines"]

LABEL_WIDTH: Final = 40
TREE_LINES: Final = 200
ERROR_LINES: Final = 3
BAR_WIDTH: Final = 16
NARROW_BAR_WIDTH: Final = 8
WIDE_LABEL_WIDTH: Final = 52
WIDE: Final = 100
"""Columns of a terminal that has room for the wider bar, long summaries of statements and the words after both."""

QUERY_LENGTH: Final = 40


def tree_lines(tree: Tree, *, ascii_only: bool, tree_seconds: float, columns: int | None = None) -> list[Text]:
    """A fast request as one line, with a line for each of its errors; otherwise a line for each span with its place in the time of the root.

    Slow is what is marked so, and a root that took `tree_seconds` or longer. `columns` is the width that a line is cut to, if it is.
    """
    shown = tree if is_worth_a_tree(tree, tree_seconds) else outline(tree)
    hidden = sum(map(is_foreign, tree.spans)) - sum(map(is_foreign, shown.spans))
    if len(shown.spans) == 1 or (shown is not tree and len(shown.spans) == 2):
        return one_line(shown, hidden, columns)
    is_wide = columns is None or columns >= WIDE
    guides = ("|- ", "`- ", "|  ") if ascii_only else ("├─ ", "└─ ", "│  ")
    rows = laid_out(shown, guides=guides, width=WIDE_LABEL_WIDTH if is_wide else LABEL_WIDTH)
    width = max(LABEL_WIDTH, *(cell_len(row.guide + row.label) + 1 for row in rows))
    bar = Bar(tree.root, "=" if ascii_only else "━", BAR_WIDTH if is_wide else NARROW_BAR_WIDTH)
    lines: list[Text] = []
    for row in rows[:TREE_LINES]:
        words = root_notes(tree, hidden) if row.spans[0] is tree.root else []
        lines += row_lines(row, width, bar, words, columns)
    if len(rows) > TREE_LINES:
        lines.append(Text(f"... {len(rows) - TREE_LINES} more lines", style="dim"))
    return lines


def row_lines(row: TreeRow, width: int, bar: Bar, words: list[tuple[str, str]], columns: int | None) -> list[Text]:
    """The line of a row, and below it what went wrong there."""
    failed, slow = any(map(is_error, row.spans)), any(map(is_slow, row.spans))
    guide = (row.guide, "dim")
    if row.kind == REST:
        return [Text.assemble(guide, (f"{row.label}, {duration_text(row.seconds)} together", "red" if failed else "dim"))]
    style = "red" if failed else "yellow" if slow else ""
    span = row.spans[0]
    label = Text.assemble(guide, (row.label, style or ("bold" if span is bar.root or is_operation(span) else "")))
    words = notes(*row.spans) + (statement_notes(span) if row.kind == STATEMENTS else []) + words
    lines = [Text.assemble(timed(label, row.seconds, width, slow=slow), (bar.of(row.spans), style or "cyan"), "  ", *words)]
    if row.kind == STATEMENTS:
        lines += slow_lines(row.spans, indent=row.indent, columns=columns)
    return lines + below(span, row.indent, columns)


def below(span: ReadableSpan, indent: str, columns: int | None) -> list[Text]:
    """What an operation has to say of errors and of N+1 queries."""
    errors = [Text.assemble((indent, "dim"), (error, "red")) for error in error_texts(span)]
    return errors + finding_lines(span, indent=indent, columns=columns)


def is_worth_a_tree(tree: Tree, tree_seconds: float) -> bool:
    """Whether the time was long enough to ask where it went, or something failed that neither the request nor an operation tells of."""
    if seconds(tree.root) >= tree_seconds or any(map(is_slow, tree.spans)):
        return True
    failed = [span for span in tree.spans if is_error(span)]
    return bool(failed) and not any(span is tree.root or is_operation(span) for span in failed)


def outline(tree: Tree) -> Tree:
    """The root and below it the operations, and what else has an N+1 query, each under the next of them that holds it."""
    spans = [tree.root]
    children: dict[int, list[ReadableSpan]] = {}
    waiting = [(tree.root, tree.root)]
    for span, above in waiting:
        for child in tree.children.get(span_id(span), ()):
            is_shown = is_operation(child) or bool(attribute(child, semconv.N_PLUS_ONE_COUNT))
            if is_shown:
                spans.append(child)
                children.setdefault(span_id(above), []).append(child)
            waiting.append((child, child if is_shown else above))
    return Tree(tree.root, spans, children, tree.remark)


def one_line(tree: Tree, hidden: int, columns: int | None) -> list[Text]:
    """A root and at most one operation beside each other, and below them what went wrong."""
    failed = any(map(is_error, tree.spans))
    label = Text(" > ".join(span_label(span) for span in tree.spans), style="red" if failed else "")
    # The trace before the rest, which may be cut at the edge of a terminal.
    words = notes(tree.root) + root_notes(tree, hidden, with_trace=failed) + [word for span in tree.spans[1:] for word in notes(span)]
    line = Text.assemble(timed(label, seconds(tree.root), LABEL_WIDTH, slow=is_slow(tree.root)), *words)
    return [line, *(each for span in tree.spans for each in below(span, "   ", columns))]


def notes(span: ReadableSpan, *others: ReadableSpan) -> list[tuple[str, str]]:
    """What else is worth a word: HTTP status, statements, slowness, the kind of error, who asked. `others` share the row of `span`."""
    words = []
    if status := attribute(span, HTTP_RESPONSE_STATUS_CODE):
        words.append((f"{status} ", "red" if status >= 500 else "yellow" if status >= 400 else "green"))
    if statements := totals(span):
        words.append((f"{statements} ", ""))
    if any(map(is_slow, (span, *others))):
        words.append(("slow ", "bold yellow"))
    if failed := next(filter(is_error, (span, *others)), None):
        fault = attribute(failed, semconv.FAULT)
        words.append((cleaned(attribute(failed, semconv.ERROR_TYPE) or failed.status.description or "error") + " ", "bold red"))
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


def timed(label: Text, duration: float, width: int, *, slow: bool) -> Text:
    """A label, and in the column after it how long it took."""
    label.pad_right(max(1, width - label.cell_len))
    return label.append(f"{duration_text(duration):>8}  ", style="bold yellow" if slow else "")
