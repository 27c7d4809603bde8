"""What the console says of SQL: a row for all statements of one field and kind, and a line for each N+1 query of an operation."""

from __future__ import annotations

import os
import re
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len
from rich.text import Text

from otel_graphql_auto import semconv
from otel_graphql_auto.console.spans import attribute, cleaned, duration_text, is_foreign, is_slow, seconds

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["FINDING_LINES", "finding_lines", "kind_of", "slow_lines", "statement_label", "statement_notes", "statement_seconds", "totals"]

FINDING_LINES: Final = 3
"""So many N+1 queries of one operation are told of, those that took the most time; of more, a line says how many."""

SHORTEST_SUMMARY: Final = 12

SHORTEST_TEXT: Final = 40

_COLUMNS: Final = re.compile(r"^SELECT [^()]{40,}? FROM ")
"""The names of all columns, which Django writes out, and nobody reads."""


def totals(span: ReadableSpan) -> str:
    """How many statements an operation ran, and how long they took; empty where it ran none, or where that is not known."""
    count, duration = attribute(span, semconv.DB_QUERY_COUNT), attribute(span, semconv.DB_DURATION)
    if not count:
        return ""
    return f"{count} SQL" if duration is None else f"{count} SQL {duration_text(duration)}"


def kind_of(span: ReadableSpan) -> tuple[str, str] | None:
    """What statements that share a row have in common, None for everything that is not a statement which this package has seen."""
    summary = attribute(span, semconv.DB_QUERY_SUMMARY)
    if summary is None or is_foreign(span):
        return None
    return str(summary), str(attribute(span, semconv.FIELD_SCHEMA_COORDINATE) or "")


def statement_label(spans: list[ReadableSpan], width: int) -> str:
    """The summary, cut to about `width` columns, and how many there were: a span may stand for many statements."""
    count = sum(attribute(span, semconv.DB_FOLDED_COUNT) or 1 for span in spans)
    times = f" x{count}" if count > 1 else ""
    summary = cleaned(attribute(spans[0], semconv.DB_QUERY_SUMMARY))
    longest = max(SHORTEST_SUMMARY, width - len(times))
    return (summary if len(summary) <= longest else f"{summary[: longest - 3].rstrip()}...") + times


def statement_seconds(span: ReadableSpan) -> float:
    """The time in the database: a span for many statements lasts from the first to the last of them."""
    folded = attribute(span, semconv.DB_DURATION)
    return seconds(span) if folded is None else float(folded)


def statement_notes(span: ReadableSpan) -> list[tuple[str, str]]:
    """The field that ran it."""
    coordinate = attribute(span, semconv.FIELD_SCHEMA_COORDINATE)
    return [(f"{cleaned(coordinate)} ", "") if coordinate else ("(field not known) ", "dim")]


def slow_lines(spans: list[ReadableSpan], *, indent: str, columns: int | None) -> list[Text]:
    """The text of the slowest statement, where one was slow: its summary alone does not lead to it. Wrapped where it would be cut."""
    slow = [span for span in spans if is_slow(span)]
    text = attribute(max(slow, key=seconds), semconv.DB_QUERY_TEXT) if slow else None
    if not text:
        return []
    text = cleaned(_COLUMNS.sub("SELECT ... FROM ", str(text)))
    lines = [text] if columns is None else wrap(text, max(SHORTEST_TEXT, columns - cell_len(indent)))
    return [Text.assemble((indent, "dim"), (line, "yellow")) for line in lines]


def finding_lines(span: ReadableSpan, *, indent: str, columns: int | None) -> list[Text]:
    """Each N+1 query: the field, what it ran and how often, the line of code, the fix; in two lines where `columns` are too few for one."""
    events = [event.attributes or {} for event in span.events if event.name == semconv.EVENT_N_PLUS_ONE]
    most_time_first = sorted(events, key=lambda event: _number(event.get(semconv.N_PLUS_ONE_DURATION)), reverse=True)
    lines = [line for event in most_time_first[:FINDING_LINES] for line in _finding(event, indent, columns)]
    more = (attribute(span, semconv.N_PLUS_ONE_COUNT) or len(events)) - FINDING_LINES
    return [*lines, Text.assemble((indent, "dim"), (f"     and {more} more", "magenta"))] if lines and more > 0 else lines


def _finding(event: Any, indent: str, columns: int | None) -> list[Text]:
    duration = duration_text(_number(event.get(semconv.N_PLUS_ONE_DURATION)))
    what = Text.assemble(
        (indent, "dim"),
        ("N+1", "bold reverse magenta"),
        "  ",
        (cleaned(event.get(semconv.FIELD_SCHEMA_COORDINATE)), "bold magenta"),
        f" ran {cleaned(event.get(semconv.DB_QUERY_SUMMARY))} {event.get(semconv.N_PLUS_ONE_QUERY_COUNT)} times ({duration})",
    )
    remedy = Text("  ".join(filter(None, (_place(event), _fix(event)))), style="magenta")
    if columns is None or what.cell_len + 2 + remedy.cell_len <= columns:
        return [Text.assemble(what, "  ", remedy)]
    return [what, Text.assemble((indent, "dim"), "     ", remedy)]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _place(event: Any) -> str:
    """As a person at the terminal would write it: below the working directory without that."""
    path, line = event.get(semconv.CODE_FILE_PATH), event.get(semconv.CODE_LINE_NUMBER)
    if not path:
        return ""
    try:
        here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - as the separator is wanted at its end
    except OSError:
        here = ""  # the working directory has been removed
    path = str(path)
    return cleaned(f"{path[len(here) :] if here and path.startswith(here) else path}:{line}")


def _fix(event: Any) -> str:
    """The kind of fix, and the relation that it is about: as code where it is the name of a method."""
    fix, relation = str(event.get(semconv.N_PLUS_ONE_FIX) or ""), str(event.get(semconv.N_PLUS_ONE_RELATION) or "")
    if relation and fix.endswith("_related"):
        return cleaned(f'{fix}("{relation.rpartition(".")[2]}")')
    return cleaned(f"{fix} {relation}".strip())
