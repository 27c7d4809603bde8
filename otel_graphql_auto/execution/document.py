"""Facts about a document's text: the declared operations of a manifest, and the text without its literals. Pure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FloatValueNode,
    IntValueNode,
    StringValueNode,
    Visitor,
    print_ast,
    visit,
)

__all__ = ["Manifest", "read_manifest", "redacted"]

_HIDDEN = "*"


class Manifest(NamedTuple):
    """The operations that an application declares: their names, and the name by document hash."""

    names: frozenset[str]
    by_hash: dict[str, str]


def read_manifest(path: str | None) -> Manifest:
    """Read `{"sha256:…": {"name": …, "document": …}}` from a JSON file.

    Raises OSError where it cannot be read and ValueError where it is not of that shape.
    """
    if path is None:
        return Manifest(frozenset(), {})
    declared = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(declared, dict) or not all(
        isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in declared.values()
    ):
        raise ValueError(f"{path} must map document hashes to objects with a name")
    by_hash = {key if ":" in key else f"sha256:{key}": entry["name"] for key, entry in declared.items()}
    return Manifest(frozenset(by_hash.values()), by_hash)


class _HideLiterals(Visitor):
    """Replaces every literal that can hold a value of the client's; names, variables, booleans and enums tell nobody's secret."""

    def enter_string_value(self, *_: object) -> StringValueNode:
        return StringValueNode(value=_HIDDEN, block=False)

    def enter_int_value(self, *_: object) -> IntValueNode:
        return IntValueNode(value="0")

    def enter_float_value(self, *_: object) -> FloatValueNode:
        return FloatValueNode(value="0")


def redacted(document: DocumentNode) -> str:
    """The document printed with `"*"` and `0` for its literals. The document itself is not changed."""
    return print_ast(visit(document, _HideLiterals()))
