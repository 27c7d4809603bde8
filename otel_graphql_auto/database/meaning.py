"""What one SQL statement does, and to which tables: its operations and tables in the order in which they are written. Pure.

Not a parser: it knows where a table can stand, and takes nothing for a table that stands anywhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from otel_graphql_auto import semconv
from otel_graphql_auto.database.frames import A_CTE, A_TABLE, PLAIN, Frame
from otel_graphql_auto.database.vocabulary import (
    AFTER_SELECT_INTO,
    AFTER_VERB,
    DEFINING,
    ENDS_TABLES,
    EXPLAINED,
    EXPLAINING,
    HARMLESS,
    NO_TABLE,
    ONLY,
    OPAQUE,
    READING,
    STEPS,
    TABLE_OF,
    VERBS,
    WRITING,
)

__all__ = ["Meaning", "meaning_of"]

_QUERIES = frozenset(("", "(", "SELECT", "TABLE", "VALUES", "WITH"))
"""What the first token after a parenthesis is, where there can be tables between it and its end."""

_DEPTH = 1000
"""Parentheses that are told apart. Databases refuse deeper ones; these are only counted."""

_PARTS = 4
"""Parts of a dotted name that can stand apart from each other."""

_MAX_NAME = 255
"""Characters of the longest name that is shown as the collection. No database has longer ones."""

_TABLE, _WRITTEN, _OUTERMOST = 1, 2, 4


class Meaning(NamedTuple):
    """What one statement does. `targets` are its operations and tables in order; `written` is None where they cannot be told."""

    operation: str
    collection: str | None
    targets: list[str]
    written: frozenset[str] | None

    @property
    def is_read(self) -> bool:
        """Whether it gives rows and writes nothing."""
        return self.operation in READING and self.written is not None and not self.written


def meaning_of(tokens: list[str], uppers: list[str], system: str) -> Meaning:
    """What the tokens of one statement say; `uppers` are the same in upper case."""
    verb = uppers[0]
    if verb not in EXPLAINING:
        return _Reader(tokens, uppers, system).read()
    inner = next((index for index, upper in enumerate(uppers[:20]) if upper in EXPLAINED), 0)
    if not inner:
        return Meaning(verb, None, [verb], frozenset())
    explained = _Reader(tokens[inner:], uppers[inner:], system).read()
    runs = "ANALYZE" in uppers[:inner]
    return Meaning(verb, explained.collection, [verb, *explained.targets], explained.written if runs else frozenset())


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, tokens: list[str], uppers: list[str], system: str) -> None:
        self._tokens = tokens
        self._uppers = uppers
        self._system = system
        # There a common table expression sees itself without the word RECURSIVE.
        self._recursive = system in ("sqlite", "oracle.db")
        self._root = self._frame = Frame(0)
        self._outer: list[Frame] = []
        self._too_deep = 0
        self._targets: list[tuple[str, int]] = []
        self._ctes: set[str] = set()
        self._unknown = False

    def read(self) -> Meaning:
        for index, upper in enumerate(self._uppers):
            frame = self._frame
            if frame.expects and self._expected(frame, index, upper):
                continue
            if upper == ",":
                if frame.lists:
                    frame.expects = A_TABLE
                elif frame.defining:
                    frame.expects = A_CTE
            elif upper in STEPS:
                if upper == "(":
                    self._open(frame, index)
                elif upper == ")":
                    self._close()
                elif frame is not PLAIN:
                    self._step(frame, index, upper)
        return self._meaning()

    def _meaning(self) -> Meaning:
        targets = self._targets
        operation = self._root.verb or next((text for text, kind in targets if not kind), semconv.OTHER)
        collection = next((text for text, kind in targets if kind & _OUTERMOST), None)
        if collection is None:
            collection = next((text for text, kind in targets if kind), None)
        if collection is not None and len(collection) > _MAX_NAME:
            collection = None
        written: frozenset[str] | None = frozenset([text for text, kind in targets if kind & _WRITTEN])
        if self._unknown or operation in OPAQUE or (not written and operation not in HARMLESS):
            written = None
        return Meaning(operation, collection, [text for text, _ in targets] or [operation], written)

    def _expected(self, frame: Frame, index: int, upper: str) -> bool:
        """Take the token for the table or the name that is expected here. False: it is something else, and to be read as such."""
        if frame.expects == A_CTE:
            if upper == "RECURSIVE":
                self._recursive = True
            else:
                frame.expects = 0
                frame.defined_last = _bare(self._tokens[index]).casefold()
                if self._recursive:
                    self._ctes.add(frame.defined_last)
            return True
        if upper == "(":
            return False
        if upper in frame.skips:
            if upper in ("FROM", "INTO"):
                frame.reads_from = False
                frame.skips = ONLY
            return True
        frame.expects = 0
        if not (upper[0].isalpha() or upper[0] in '_"`') or upper in NO_TABLE:
            self._unknown = self._unknown or frame.writes
            return False
        self._add_table(frame, index)
        return True

    def _add_table(self, frame: Frame, index: int) -> None:
        name = _bare(self._tokens[index])
        for _ in range(_PARTS):
            if self._upper(index + 1) != "." or not self._upper(index + 2):
                break
            index += 2
            name += "." + _bare(self._tokens[index])
        if frame.writes or frame.verb in TABLE_OF or frame.verb == "COPY":
            is_table = True
        else:
            is_table = self._upper(index + 1) != "(" and name.casefold() not in self._ctes
        if is_table:
            kind = _TABLE | (_WRITTEN if frame.writes else 0) | (_OUTERMOST if frame is self._root else 0)
            self._targets.append((name, kind))

    def _upper(self, index: int) -> str:
        return self._uppers[index] if index < len(self._uppers) else ""

    def _step(self, frame: Frame, index: int, upper: str) -> None:
        if upper == "SELECT":
            self._select(frame)
        elif upper == "FROM":
            self._from(frame, index)
        elif upper in ("JOIN", "STRAIGHT_JOIN"):
            frame.expect_table()
        elif upper == "WITH" and (index == frame.first or frame.verb in ("INSERT", "REPLACE", "CREATE")):
            frame.defining = True
            frame.expects = A_CTE
        elif upper == "USING" and frame.reads_using:
            frame.reads_using = frame.writes = False
            frame.lists = True
            frame.expect_table()
        elif upper == "INTO" and frame.into:
            frame.into = False
            frame.writes = True
            frame.expect_table(AFTER_SELECT_INTO)
        elif frame.verb is None and upper in VERBS and (index == frame.first or frame.defining):
            self._verb(frame, upper)
        elif upper == "TABLE" and frame is self._root and frame.verb in TABLE_OF and len(self._targets) == 1:
            frame.lists = frame.verb in ("DROP", "LOCK")
            frame.expect_table(DEFINING)
        elif upper in ENDS_TABLES:
            frame.lists = False
            if upper == "SET":
                frame.writes = False
            elif upper == "RETURNING":
                frame.into = False

    def _open(self, frame: Frame, index: int) -> None:
        if len(self._outer) >= _DEPTH:
            self._too_deep += 1
            return
        self._outer.append(frame)
        defines = frame.defined_last if frame.defining and self._uppers[index - 1] in ("AS", "MATERIALIZED") else None
        if not (frame.expects or defines or self._upper(index + 1) in _QUERIES):
            self._frame = PLAIN
            return
        self._frame = inner = Frame(index + 1)
        inner.defines = defines
        if frame.expects:
            frame.expects = 0
            inner.lists = True
            inner.writes = frame.writes
            inner.expect_table()

    def _close(self) -> None:
        if self._too_deep:
            self._too_deep -= 1
        elif self._outer:
            if self._frame.defines:
                self._ctes.add(self._frame.defines)
            self._frame = self._outer.pop()

    def _select(self, frame: Frame) -> None:
        frame.verb = frame.verb or "SELECT"
        frame.reads_from = True
        # MySQL's INTO names variables or a file.
        frame.into = self._system not in ("mysql", "mariadb")
        frame.lists = frame.defining = frame.writes = False
        self._targets.append(("SELECT", 0))

    def _from(self, frame: Frame, index: int) -> None:
        if frame.verb == "COPY" and frame is self._root and len(self._targets) > 1:
            name, kind = self._targets[-1]
            self._targets[-1] = name, kind | _WRITTEN
            return
        if not frame.reads_from or self._uppers[max(index - 2, 0) : index] in (["IS", "DISTINCT"], ["NOT", "DISTINCT"]):
            return
        frame.reads_from = False
        frame.writes = frame.verb == "DELETE"
        if frame.writes:
            # `DELETE a FROM users a JOIN …`: what stood before are aliases, and any of these tables may be meant.
            del self._targets[frame.mark :]
            frame.reads_using = False
        frame.lists = True
        frame.expect_table()

    def _verb(self, frame: Frame, upper: str) -> None:
        inside = frame is not self._root
        if upper == "WITH" or (inside and upper not in READING and (upper not in WRITING or frame.defines is None)):
            return
        frame.verb = upper
        frame.defining = False
        if upper == "VALUES" and inside and self._targets:
            return
        self._targets.append((upper, 0))
        frame.mark = len(self._targets)
        if upper in WRITING:
            frame.writes = True
            frame.lists = frame.reads_from = upper in ("UPDATE", "DELETE")
            frame.reads_using = upper in ("DELETE", "MERGE")
            frame.expect_table(AFTER_VERB)
        elif upper in ("TRUNCATE", "TABLE", "COPY"):
            frame.writes = frame.lists = upper == "TRUNCATE"
            frame.expect_table(DEFINING)
        elif upper in ("BEGIN", "DECLARE") and self._system == "oracle.db":
            # A block of PL/SQL.
            self._unknown = True


def _bare(name: str) -> str:
    return name.replace('"', "").replace("`", "")
