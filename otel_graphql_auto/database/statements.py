"""What a text of SQL does: its operation, tables, summary, text without values, and the fingerprint of its shape. Pure.

It never raises, and takes time linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from otel_graphql_auto import semconv
from otel_graphql_auto.database.meaning import Meaning, meaning_of
from otel_graphql_auto.database.normal_form import normal_form
from otel_graphql_auto.database.tokens import tokens_of

__all__ = ["MAX_STATEMENT_TEXT", "Statement", "understand"]

MAX_STATEMENT_TEXT = 2000
"""Characters of a statement's normal form that are shown. The fingerprint is taken from all of it."""

MAX_SUMMARY = 255
"""Characters of a summary, as the database conventions have it."""

_SHORT = 4_096
"""Characters of a text that many are remembered of: what Django repeats."""

_LONG = 262_144
"""Characters of a text that a few are remembered of. Longer ones are read again each time."""

_SPACE = re.compile(r"\s")


class Statement(NamedTuple):
    """What a text of SQL does. Values are in none of its parts."""

    operation: str
    """Its first verb in upper case, of a bounded set: `_OTHER` for what is none of SQL's. `WITH` is no verb."""

    collection: str | None
    """The first table, without quotes, with its schema where one is written."""

    summary: str
    """The conventions' `db.query.summary`: operations and tables in order, e.g. `INSERT blog_a SELECT blog_b`."""

    text: str
    """The normal form: `?` for each value and each list of values, no comments, no quotes. At most `MAX_STATEMENT_TEXT` characters."""

    fingerprint: str
    """16 hexadecimal digits of the normal form, in which case does not count."""

    is_read: bool
    """Whether it gives rows and writes nothing."""

    tables_written: frozenset[str] | None
    """The tables that it writes. Empty: none. None: it writes, and which tables cannot be told."""


def understand(sql: str, system: str) -> Statement:
    """What `sql` does in the database that `system` names, as OpenTelemetry's `db.system.name`: `postgresql`, `sqlite`, `mysql`…"""
    return _remembered(sql, system) if len(sql) <= _SHORT else _understand_long(sql, system)


def _understand_long(sql: str, system: str) -> Statement:
    return _remembered_long(sql, system) if len(sql) <= _LONG else _read(sql, system)


def _read(sql: str, system: str) -> Statement:
    if not sql.isascii():
        # What is no valid Unicode could not be exported.
        sql = sql.encode("utf-8", "replace").decode("utf-8")
    tokens = tokens_of(sql, system)
    texts: list[str] = []
    meanings: list[Meaning] = []
    for part in _statements(tokens):
        # `ß` in upper case is two letters: hence each token by itself.
        uppers = [token.upper() for token in part]
        texts.append(normal_form(part, uppers, quoted_strings=system == "sqlite"))
        meanings.append(meaning_of(part, uppers, system))
    if not meanings:
        return Statement(semconv.OTHER, None, semconv.OTHER, "", _fingerprint(""), is_read=False, tables_written=frozenset())
    text = "; ".join(texts)
    first = meanings[0]
    return Statement(
        first.operation,
        first.collection,
        _summary(meanings),
        text[:MAX_STATEMENT_TEXT],
        _fingerprint(text),
        all(meaning.is_read for meaning in meanings),
        _written(meanings),
    )


_remembered = lru_cache(maxsize=2048)(_read)
_remembered_long = lru_cache(maxsize=32)(_read)


def _statements(tokens: list[str]) -> Iterator[list[str]]:
    if ";" not in tokens:
        if tokens:
            yield tokens
        return
    start = 0
    for index, mark in enumerate([*tokens, ";"]):
        if mark == ";":
            if index > start:
                yield tokens[start:index]
            start = index + 1


def _fingerprint(text: str) -> str:
    # `INSERT INTO "t" (…)` and `INSERT INTO t(…)` are one shape.
    shape = text.lower().replace(" (", "(")
    return blake2b(shape.encode(), digest_size=8).hexdigest()


def _summary(meanings: list[Meaning]) -> str:
    """Cut between words; a name with a space in it keeps quotes, so that it stays one word."""
    summary = ""
    for meaning in meanings:
        for target in meaning.targets:
            longer = f'{summary} "{target}"' if _SPACE.search(target) else f"{summary} {target}"
            if len(longer) > MAX_SUMMARY + 1:
                return summary[1:]
            summary = longer
    return summary[1:]


def _written(meanings: list[Meaning]) -> frozenset[str] | None:
    if len(meanings) == 1:
        return meanings[0].written
    written: set[str] = set()
    for meaning in meanings:
        if meaning.written is None:
            return None
        written |= meaning.written
    return frozenset(written)
