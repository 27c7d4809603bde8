"""Reads model.json and holds single attribute values against it: is the name known, is the type right, is the value one of the listed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["MODEL", "check_values", "names_of"]

MODEL: dict[str, Any] = json.loads(Path(__file__).with_name("model.json").read_text())


ROOMS = ("execution", "database")


def names_of(table: str) -> set[str]:
    """The spans, events or metrics of the model that the rooms of the package emit."""
    return {name for name, entry in MODEL[table].items() if entry["room"] in ROOMS}


def check_values(attributes: Mapping[str, Any]) -> Iterable[str]:
    """Deviations of single values, whatever they are attached to."""
    for name, value in attributes.items():
        fact = MODEL["attributes"].get(name)
        if fact is None:
            yield f"attribute {name} is unknown"
            continue
        if not _has_type(value, fact["type"]):
            yield f"attribute {name} should be {fact['type']}, it is {type(value).__name__}"
        elif "values" in fact and value not in fact["values"]:
            yield f"attribute {name} has the value {value!r}, which the model does not list"
        elif "pattern" in fact and not re.fullmatch(fact["pattern"], str(value)):
            yield f"attribute {name} has the value {value!r}, which does not look like {fact['pattern']}"
        elif value == "":
            yield f"attribute {name} is empty"
    if "graphql.document.locations" in attributes and not _are_locations(attributes["graphql.document.locations"]):
        yield "graphql.document.locations is no list of lines and columns"


def _has_type(value: object, wanted: str) -> bool:
    if wanted == "any":
        return True
    if wanted == "string[]":
        return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(item, str) for item in value)
    if wanted == "double":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool}[wanted])


def _are_locations(value: object) -> bool:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return False
    if not isinstance(value, Sequence) or not value:
        return False
    return all(isinstance(item, Mapping) and item.keys() == {"line", "column"} and min(item.values()) >= 1 for item in value)
