"""The summary's tables for a person, and its JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import text
from otel_graphql_auto.queries import SERVICE
from otel_graphql_auto.summary.figures import OF_OPERATIONS, OF_SERVICES, OPERATION, OPERATION_TYPE, Row, Summary

__all__ = ["as_json", "as_text", "as_time"]

_GAP: Final = 2
_NARROWEST: Final = 20
"""A column of names does not become narrower than this, whatever the terminal."""
_WIDEST: Final = 60
_LONGEST: Final = semconv.HTTP_BUCKETS[-1]
"""Percentiles beyond the last bucket are not known: Prometheus gives its bound."""


def as_count(value: float) -> str:
    """Prometheus estimates the counts of a window; parts of one are none."""
    if value >= 1e15:  # no count, but what a server may answer
        return f"{value:g}"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e5, "k")):
        if value >= size:
            divisor = 1e3 if unit == "k" else size
            return f"{value / divisor:.{0 if unit == 'k' else 1}f}{unit}"
    return f"{value:.0f}"


def as_mean(value: float) -> str:
    """Two digits that matter, of rates and of statements."""
    if value < 0.01:
        return "<0.01" if value else "0"
    return as_count(value) if value >= 100 else f"{value:.{1 if value >= 10 else 2}f}"


def as_share(value: float) -> str:
    """In per cent."""
    if 0 < value < 0.001:
        return "<0.1 %"
    return f"{value:.1%}".replace(".0%", "%").replace("%", " %")


def as_time(value: float) -> str:
    """Seconds in the unit that a person would say them in."""
    if value >= 1e9:  # no duration, but what a server may answer
        return f"{value:g} s"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if value >= size * 2:
            return f"{value / size:.1f} {unit}"
    if value >= 0.9995:
        return f"{value:.{1 if value >= 9.995 else 2}f} s"
    milliseconds = value * 1000
    if 0 < milliseconds < 0.01:
        return "<0.01 ms"
    return f"{milliseconds:.{0 if milliseconds >= 99.95 or not milliseconds else 1 if milliseconds >= 0.9995 else 2}f} ms"


def as_percentile(value: float) -> str:
    """As a time, if it is known."""
    return f">{value:.0f} s" if value == _LONGEST else as_time(value)


class _Column(NamedTuple):
    group: str
    heading: str
    shown: Callable[[float], str]


_COLUMNS: Final = {
    "operations": _Column("", "runs", as_count),
    "operations_per_second": _Column("", "per s", as_mean),
    "seconds": _Column("", "time", as_time),
    "server_error_ratio": _Column("", "errors", as_share),
    "slow": _Column("", "slow", as_count),
    "average_seconds": _Column("duration", "avg", as_time),
    "median_seconds": _Column("duration", "median", as_time),
    "p95_seconds": _Column("duration", "p95", as_percentile),
    "p99_seconds": _Column("duration", "p99", as_percentile),
    "sql_average": _Column("SQL", "avg", as_mean),
    "sql_total": _Column("SQL", "total", as_count),
    "database_average_seconds": _Column("database", "avg", as_time),
    "database_total_seconds": _Column("database", "total", as_time),
}


def as_text(summary: Summary, *, limit: int, width: int) -> str:
    """A table of services and one of operations; names give way where they would be wider than `width`."""
    lines = [f"GraphQL operations of the last {summary.since}, from {summary.prometheus}", ""]
    lines += _table(["service"], [[_service(row)] for row in summary.services], OF_SERVICES, summary.services, width)
    lines.append("")
    shown = summary.operations[:limit]
    if not shown:
        return "\n".join([*lines, "No operation ran."]) + "\n"
    several = len(summary.services) > 1
    names = [[_operation(row), *[_service(row)] * several] for row in shown]
    lines += _table(["operation", *["service"] * several], names, OF_OPERATIONS, shown, width)
    if left := len(summary.operations) - len(shown):
        lines.append(f"... {left} more that took less time (--limit)")
    return "\n".join(lines) + "\n"


def _service(row: Row) -> str:
    return _line(row.labels[SERVICE]) or "(no name)"


def _operation(row: Row) -> str:
    type_, name = row.labels[OPERATION_TYPE], row.labels[OPERATION]
    return _line(f"{type_} {name or '(no name)'}") if type_ else "operation not known"


def _line(words: str) -> str:
    return " ".join(text(words).split())


def _table(headings: Sequence[str], names: Sequence[Sequence[str]], keys: Sequence[str], rows: Sequence[Row], width: int) -> list[str]:
    columns = [_COLUMNS[key] for key in keys]
    numbers = [[_cell(column, row.numbers[key]) for key, column in zip(keys, columns, strict=True)] for row in rows]
    widths = [max(map(len, cells)) for cells in zip([column.heading for column in columns], *numbers, strict=True)]
    room = width - sum(widths) - _GAP * len(widths) - _GAP * (len(headings) - 1)
    places = _places([max(map(len, cells)) for cells in zip(headings, *names, strict=True)], room)
    gap = " " * _GAP

    def line(words: Sequence[str], cells: Sequence[str]) -> str:
        left = [_cut(word, place).ljust(place) for word, place in zip(words, places, strict=True)]
        return gap.join([*left, *(cell.rjust(place) for cell, place in zip(cells, widths, strict=True))]).rstrip()

    return [
        _groups(columns, widths, sum(places) + _GAP * (len(places) - 1)),
        line(headings, [column.heading for column in columns]),
        *(line(words, cells) for words, cells in zip(names, numbers, strict=True)),
    ]


def _cell(column: _Column, value: float | None) -> str:
    return "-" if value is None else column.shown(value)


def _places(wanted: Sequence[int], room: int) -> list[int]:
    """The widths of the columns of names: what they want, and where that is too much, the widest gives way first."""
    places = [min(one, _WIDEST) for one in wanted]
    while sum(places) > room and max(places) > _NARROWEST:
        places[places.index(max(places))] -= 1
    return places


def _groups(columns: Sequence[_Column], widths: Sequence[int], start: int) -> str:
    """The line above the headings: each group above its first column, drawn on to its last."""
    line = ""
    position = start
    previous = ""
    for column, width in zip(columns, widths, strict=True):
        if column.group and column.group != previous:
            line = line.ljust(position + _GAP) + f"{column.group} "
        position += _GAP + width
        if column.group:
            line = line.ljust(position, "-")
        previous = column.group
    return line


def _cut(word: str, width: int) -> str:
    return word if len(word) <= width else f"{word[: width - 3]}..."


def as_json(summary: Summary, *, limit: int) -> str:
    """One object: numbers by name, times in seconds, null for what is not known."""
    services = [{"name": row.labels[SERVICE] or None, **row.numbers} for row in summary.services]
    operations = [
        {
            "service": row.labels[SERVICE] or None,
            "type": row.labels[OPERATION_TYPE] or None,
            "name": row.labels[OPERATION] or None,
            **row.numbers,
        }
        for row in summary.operations[:limit]
    ]
    answer = {
        "prometheus": summary.prometheus,
        "since": summary.since,
        "services": services,
        "operations": operations,
        "left_out": max(0, len(summary.operations) - limit),
        "warnings": list(summary.warnings),
    }
    return json.dumps(answer, indent=2) + "\n"
