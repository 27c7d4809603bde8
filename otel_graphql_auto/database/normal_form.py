"""Writes SQL without its values, so that statements of one shape are one text. Pure.

A list of values is one value, whatever its length, and so are equal rows of VALUES and equal branches of a CASE that follow each other.
"""

from __future__ import annotations

from otel_graphql_auto.database.tokens import STRING
from otel_graphql_auto.database.vocabulary import BEFORE_A_STRING, BEFORE_AN_OPERAND, SAVEPOINT_WORDS, SAVEPOINTS

__all__ = ["normal_form"]

_LIMIT = 400
"""Pieces of the longest item that is compared with the one before it. It keeps the work linear where lists are nested."""

_DEPTH = 1000
"""Parentheses that are told apart. Databases refuse deeper ones; these are only counted."""

_VALUE = "?"
_BRACKETS = ("(", "[")

_COMMA, _OPEN, _CLOSE, _VALUES, _CASE, _WHEN, _ELSE, _END, _SELECT, _BETWEEN, _AND, _PLAIN = range(12)
_NO_LIST, _LIST, _ROWS = range(3)

_ACTIONS = {
    ",": _COMMA,
    "(": _OPEN,
    "[": _OPEN,
    ")": _CLOSE,
    "]": _CLOSE,
    "VALUES": _VALUES,
    "CASE": _CASE,
    "WHEN": _WHEN,
    "ELSE": _ELSE,
    "END": _END,
    "SELECT": _SELECT,
    "BETWEEN": _BETWEEN,
    "AND": _AND,
    **dict.fromkeys(("%", ":", "::", ":=", "$", "@", "@>", "@@", "@?", "?|", "?&", "."), _PLAIN),
}
"""What is more than a name or a value. The last of them look like a value and are none."""

_VALUE_STARTS = frozenset(STRING + "0123456789?%:$@.")

_OPERATORS = frozenset(
    ("=", "==", "<>", "!=", "<", ">", "<=", ">=", "<=>", "+", "-", "*", "/", "%", "||", "|", "&", "^", "~", ":=", "->", "->>")
)

_SPACING = ((" ,", ","), ("( ", "("), (" )", ")"), (" [ ", "["), (" ]", "]"), (" . ", "."), (" :: ", "::"), ('"', ""), ("`", ""))


def normal_form(tokens: list[str], uppers: list[str], *, quoted_strings: bool) -> str:
    """The text of one statement with `?` for every value; `uppers` are the tokens in upper case.

    `quoted_strings` says that `"x"` may be a string, depending on where it stands (SQLite).
    """
    if uppers and uppers[0] in SAVEPOINTS:
        # Their names are made up per thread or by counting.
        return " ".join(token if upper in SAVEPOINT_WORDS else _VALUE for token, upper in zip(tokens, uppers, strict=True))
    text = " ".join(_pieces(tokens, uppers, quoted_strings=quoted_strings))
    for written, wanted in _SPACING:
        text = text.replace(written, wanted)
    return text


def _pieces(tokens: list[str], uppers: list[str], *, quoted_strings: bool) -> list[str]:
    pieces: list[str] = []
    lists = _Lists(pieces)
    cases: list[_Case] = []
    action_of = _ACTIONS.get
    last = ""
    between = False
    for index, upper in enumerate(uppers):
        token = tokens[index]
        action = action_of(upper)
        if action is None:
            first = token[0]
            if first in _VALUE_STARTS and (first != "@" or quoted_strings):
                _add_value(pieces, token, lists)
            elif (
                quoted_strings
                and first == '"'
                and (last in BEFORE_A_STRING or (lists.kind and lists.at_item()))
                and _stands_alone(uppers, index)
            ):
                pieces.append(_VALUE)
            else:
                pieces.append(token)
        elif action == _COMMA:
            if lists.kind:
                lists.comma()
            else:
                pieces.append(token)
        elif action == _OPEN:
            if upper == "(" and _is_function(last):
                pieces[-1] += upper
            else:
                pieces.append(token)
            lists.open(listed=upper == "[" or last in ("IN", "VALUES"))
        elif action == _CLOSE:
            lists.close(token)
        elif action == _AND and between:
            pieces.append(token)
            between, last = False, "BETWEEN"
            continue
        elif action in (_CASE, _WHEN, _ELSE, _END):
            _branch(cases, pieces, action)
            pieces.append(token)
        else:
            pieces.append(token)
            if action == _BETWEEN:
                between = True
            elif action in (_SELECT, _VALUES):
                lists.restart(rows=action == _VALUES)
        last = upper
    return pieces


def _is_function(word: str) -> bool:
    return (word[:1].isalpha() or word[:1] == "_") and word not in BEFORE_AN_OPERAND


def _stands_alone(tokens: list[str], index: int) -> bool:
    return tokens[index].count('"') == 2 and tokens[index + 1 : index + 2] != ["."]


def _add_value(pieces: list[str], token: str, lists: _Lists) -> None:
    if pieces and pieces[-1] in ("-", "+"):
        before = pieces[-2] if len(pieces) > 1 else ","
        if before in _OPERATORS or before[-1] in "([," or before.upper() in BEFORE_AN_OPERAND:
            pieces.pop()
    pieces.append(_VALUE)
    if token.startswith("%s,") and not lists.at_item(after=1):
        pieces.extend((",", _VALUE) * token.count(","))


class _Lists:
    """The list that the next piece belongs to, where its current item begins, and what the item before it was."""

    __slots__ = ("_outer", "_pieces", "_previous", "_start", "_too_deep", "kind")

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self.kind = _NO_LIST
        self._start = 0
        self._previous: list[str] | None = None
        self._outer: list[tuple[int, int, list[str] | None]] = []
        self._too_deep = 0

    def at_item(self, *, after: int = 0) -> bool:
        """Whether an item of a list begins here, or began `after` pieces ago."""
        return self.kind == _LIST and self._start == len(self._pieces) - after

    def restart(self, *, rows: bool) -> None:
        """The parenthesis holds a query after all, or rows of VALUES follow."""
        self.kind = _ROWS if rows else _NO_LIST
        self._start = len(self._pieces)
        self._previous = None

    def open(self, *, listed: bool) -> None:
        """A parenthesis has been added; `listed` says that what stands before it makes it a list. An item of a list is one too."""
        if len(self._outer) >= _DEPTH:
            self._too_deep += 1
            return
        inner = _LIST if listed or (self.kind and self._start == len(self._pieces) - 1) else _NO_LIST
        self._outer.append((self.kind, self._start, self._previous))
        self.kind, self._start, self._previous = inner, len(self._pieces), None

    def comma(self) -> None:
        """Add a comma."""
        if self.kind == _LIST:
            self._finish_item()
        self._pieces.append(",")
        self._start = len(self._pieces)

    def close(self, token: str) -> None:
        """Add the closing parenthesis. What it closes may be an item itself, or a row of VALUES."""
        pieces = self._pieces
        if self._too_deep:
            self._too_deep -= 1
        elif self._outer:
            if self.kind == _LIST:
                self._finish_item()
            self.kind, self._start, self._previous = self._outer.pop()
        pieces.append(token)
        if self.kind == _LIST and self._start == len(pieces) - 3 and pieces[-2] == _VALUE and pieces[-3] in _BRACKETS:
            pieces[-3:] = [_VALUE]
        elif self.kind == _ROWS and self._start:
            self._finish_item()
            self._start = 0

    def _finish_item(self) -> None:
        self._previous = _fold(self._pieces, self._start, self._start - 1, self._previous)


def _fold(pieces: list[str], start: int, cut: int, previous: list[str] | None) -> list[str] | None:
    """Remove what stands from `start` on, down to `cut`, where it says the same as `previous` and holds a value. Gives what it says."""
    if len(pieces) - start > _LIMIT:
        return None
    item = pieces[start:]
    if item == previous and _VALUE in item:
        del pieces[cut:]
    return item


class _Case:
    """A CASE: where its current branch begins (0: nowhere yet), and what the branch before said."""

    __slots__ = ("kind", "previous", "start")

    def __init__(self) -> None:
        self.start = 0
        self.previous: list[str] | None = None


def _branch(cases: list[_Case], pieces: list[str], action: int) -> None:
    """A word of a CASE is about to be added. `bulk_update` makes a branch per row."""
    if action == _CASE:
        cases.append(_Case())
    elif cases:
        case = cases[-1]
        if case.start:
            case.previous = _fold(pieces, case.start, case.start, case.previous)
        case.start = len(pieces) if action == _WHEN else 0
        if action == _END:
            cases.pop()
