"""The doctor's report: lines for a person, or JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from otel_graphql_auto._safety import text
from otel_graphql_auto.finding import ERROR, INFO, OK, WARNING, Finding

__all__ = ["as_json", "as_text", "count", "exit_code", "joined"]

Groups = Sequence[Sequence[Finding]]

_MARKS = {OK: "ok", INFO: "..", WARNING: "!!", ERROR: "xx"}
_COLOURS = {OK: "32", INFO: "2", WARNING: "33", ERROR: "31"}
_WIDTH = 13
"""Of the column of subjects."""


def joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)


def as_text(groups: Groups, *, coloured: bool) -> str:
    """One line for each finding, its advice below it, a free line between groups, and the counts at the end."""
    lines: list[str] = []
    for group in groups:
        if group:
            lines += [line for finding in group for line in _lines(finding, coloured=coloured)]
            lines.append("")
    return "\n".join([*lines, _closing(groups)]) + "\n"


def _lines(finding: Finding, *, coloured: bool) -> Iterator[str]:
    mark = _MARKS[finding.level]
    if coloured:
        mark = f"\033[{_COLOURS[finding.level]}m{mark}\033[0m"
    yield f"{mark} {finding.subject:{_WIDTH}} {_line(finding.message)}"
    if finding.advice:
        yield f"   {'':{_WIDTH}} -> {_line(finding.advice)}"


def _line(words: str) -> str:
    """On one line, and without whatever could drive a terminal: answers of the application are quoted."""
    return " ".join(text(words, 2000).split())


def _closing(groups: Groups) -> str:
    errors, warnings = count(groups, ERROR), count(groups, WARNING)
    if not errors and not warnings:
        return "All well."
    return f"{_number(errors, 'error')}, {_number(warnings, 'warning')}."


def _number(amount: int, word: str) -> str:
    return f"{amount or 'no'} {word}{'' if amount == 1 else 's'}"


def as_json(groups: Groups) -> str:
    """One object: `findings` in the order of the text, and the counts `errors` and `warnings`."""
    findings = [
        {"level": one.level, "subject": one.subject, "message": text(one.message, 2000), "advice": text(one.advice, 2000)}
        for group in groups
        for one in group
    ]
    return json.dumps({"findings": findings, "errors": count(groups, ERROR), "warnings": count(groups, WARNING)}, indent=2) + "\n"


def count(groups: Groups, level: str) -> int:
    """How many findings of this level there are."""
    return sum(finding.level == level for group in groups for finding in group)


def exit_code(groups: Groups, *, strict: bool) -> int:
    """1 where there are errors, and under `strict` where there are warnings; else 0."""
    return 1 if count(groups, ERROR) or (strict and count(groups, WARNING)) else 0
