"""Cuts SQL text into words, values and marks, as the database at the other end of the connection would. Pure.

Comments are dropped, and every string becomes the token `'`: what it said is gone from here on. Nothing here knows what SQL means.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

__all__ = ["STRING", "tokens_of"]

STRING = "'"
"""The token that stands for any string."""

_MYSQL = ("mysql", "mariadb")

_STRING_START = r"(?:[nNbBxXeE]|[uU]&|_\w{1,30})?'"
_VALUES = (
    # The placeholders of an IN list in one token, up to a thousand of them: their number is what differs between executions.
    r"(?:%s, ){1,999}%s(?!\w)",
    r"%s(?!\w)|%\([^()]*\)s(?!\w)",
    r"0[xX][\da-fA-F]+|\.?[0-9][\w.]*(?:(?<=[eE])[+-][0-9]+)?",
    r"::|:=|:\w+|\$\w+",
)
_MARKS = (r"->>?|<=>|<@|@>|@@|@\?|#>>?|!?~~?\*?", r"[<>=!]+|[|&^~]+", r"[^\s\x00-\x1f]")

_ENDS = {
    ("'", False): re.compile("''|'"),
    ("'", True): re.compile(r"''|'|\\.", re.DOTALL),
    ('"', False): re.compile('""|"'),
    ('"', True): re.compile(r'""|"|\\.', re.DOTALL),
    ("`", False): re.compile("``|`"),
}
_COMMENT_MARKS = re.compile(r"/\*|\*/")
_ORACLE_PAIRS = {"[": "]", "(": ")", "{": "}", "<": ">"}


class _Dialect(NamedTuple):
    """How one database's text is cut.

    Where none of `care` occurs, and `quote` an even number of times, no token of `plain` can begin inside a string or a comment.
    """

    plain: re.Pattern[str]
    care: tuple[str, ...]
    full: re.Pattern[str]
    quote: str


@cache
def _dialect(system: str) -> _Dialect:
    mysql = system in _MYSQL
    quoted = ["`[^`]*`(?!`)"] if mysql else ['"[^"]*"(?!")', "`[^`]*`(?!`)"]
    word = r"[^\W0-9][\w$#]*" if system == "oracle.db" else r"[^\W0-9][\w$]*"
    part = f"(?:{'|'.join((*quoted, word))})"
    names = rf"{part}(?:\.{part}){{0,3}}"
    variables = r"@\w+" if system == "sqlite" else r"@@?[\w$]+" if mysql else "@@"
    placeholders = r"\?[|&]?" if system == "postgresql" else r"\?\d*"
    # What is most frequent comes first.
    plain = "|".join(("[,()]", names, *_VALUES, variables, placeholders, *_MARKS))

    comment = r"--[^\n]*"
    strings, string_starts, stops, others = [_STRING_START + r"[^'\\]*'(?!')"], [_STRING_START], [r"/\*"], []
    care = ["'", "/*", "--", "``", '"'] if mysql else ["'", "/*", "--", '""', "`"]
    if mysql:
        comment = r"#[^\n]*|--(?=[\s\x00-\x1f]|\Z)[^\n]*"
        care.append("#")
        strings.append(_STRING_START.replace("'", '"') + r'[^"\\]*"(?!")')
        string_starts.append(_STRING_START.replace("'", '"'))
    elif system == "postgresql":
        comment = r"--[^\r\n]*"
        care.append("$")
        stops.append(r"\$(?:[^\W0-9]\w*)?\$")
    elif system == "sqlite":
        care.append("[")
        others.append(r"(?P<bracket>\[[^\]]*\])")
        stops.append(r"\[")
    elif system == "oracle.db":
        others.append(r"(?P<oracle>[nN]?[qQ]')")
    kinds = (("comment", [comment]), ("string", strings), ("stop", [*stops, *string_starts]))
    full = [f"(?P<{kind}>{'|'.join(patterns)})" for kind, patterns in kinds]
    return _Dialect(
        re.compile(rf"(?=\S)(?:{plain})"),
        tuple(care),
        re.compile("|".join(["[,()]", *others, *full, names, r'(?P<quote>["`])', plain])),
        "`" if mysql else '"',
    )


def tokens_of(sql: str, system: str) -> list[str]:
    """The tokens of `sql` as `db.system.name` reads it, in time linear in its length. Dotted names are one token."""
    dialect = _dialect(system)
    for mark in dialect.care:
        if mark in sql:
            break
    else:
        if not sql.count(dialect.quote) & 1:
            return dialect.plain.findall(sql)
    found: list[str] = []
    position: int | None = 0
    while position is not None:
        position = _scan(sql, position, system, dialect, found)
    return found


def _scan(sql: str, position: int, system: str, dialect: _Dialect, found: list[str]) -> int | None:
    """Add tokens to `found` up to something whose end no regular expression finds in linear time, and give that end."""
    for match in dialect.full.finditer(sql, position):
        kind, token = match.lastgroup, match[0]
        if kind is None:
            found.append(token)
        elif kind == "string":
            _add_string(found)
        elif kind == "bracket":
            # In backticks it cannot be taken for a string, as `"x"` can.
            found.append(f"`{token[1:-1].replace('`', '')}`")
        elif kind == "quote":
            return _quoted_name(sql, match.start(), token, found)
        elif kind == "oracle":
            closing = sql[match.end() : match.end() + 1]
            return _skip_string(sql, match.end() + 1, _ORACLE_PAIRS.get(closing, closing) + "'", found)
        elif kind == "stop":
            return _stop(sql, match.end(), token, system, found)
    return None


def _stop(sql: str, end: int, start: str, system: str, found: list[str]) -> int:
    if start == "/*":
        return _after_comment(sql, end, nested=system == "postgresql")
    if start[0] == "[":
        _add_string(found)
        return len(sql)
    if start[0] == "$":
        return _skip_string(sql, end, start, found)
    _add_string(found)
    backslash = system in _MYSQL or (system == "postgresql" and start[0] in "eE")
    end = _after_quoted(sql, end, start[-1], backslash=backslash)
    return len(sql) if end < 0 else end


def _add_string(found: list[str]) -> None:
    # Neighbours are one value: `'a' 'b'`.
    if not found or found[-1] != STRING:
        found.append(STRING)


def _skip_string(sql: str, start: int, closing: str, found: list[str]) -> int:
    _add_string(found)
    end = sql.find(closing, start)
    return len(sql) if end < 0 else end + len(closing)


def _after_quoted(sql: str, start: int, quote: str, *, backslash: bool) -> int:
    for match in _ENDS[quote, backslash].finditer(sql, start):
        if match[0] == quote:
            return match.end()
    return -1


def _quoted_name(sql: str, start: int, quote: str, found: list[str]) -> int:
    """An identifier with quotes of its own kind in it; without an end it may be anything, hence a value."""
    end = _after_quoted(sql, start + 1, quote, backslash=False)
    if end < 0:
        _add_string(found)
        return len(sql)
    found.append(f"{quote}{sql[start + 1 : end - 1].replace(quote, '')}{quote}")
    return end


def _after_comment(sql: str, start: int, *, nested: bool) -> int:
    if not nested:
        end = sql.find("*/", start)
        return len(sql) if end < 0 else end + 2
    depth = 1
    for match in _COMMENT_MARKS.finditer(sql, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(sql)
