"""The types of value that a setting can have: how each is named, tested and read from the environment."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

__all__ = [
    "AUDIENCE",
    "BOOL",
    "COUNT",
    "HEALTH_PATHS",
    "IMPORT",
    "MILLISECONDS",
    "PATH",
    "SEVERAL",
    "THRESHOLDS",
    "Kind",
    "list_of",
    "one_of",
    "shown",
]


@dataclass(frozen=True)
class Kind:
    """A type of value: its name in words, a test, and how to read it from the environment."""

    words: str
    accepts: Callable[[Any], bool]
    parse: Callable[[str], Any]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _parse_bool(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    return known[text.strip().lower()]


def _parse_text(text: str) -> str | None:
    return None if text.strip().lower() in ("", "none", "null") else text.strip()


def _is_import_path(value: object) -> bool:
    return value is None or (isinstance(value, str) and "." in value) or callable(value)


def _parse_json_or_none(text: str) -> Any:
    return None if _parse_text(text) is None else json.loads(text)


def _are_health_paths(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict) or not value or not value.keys() <= {"live", "ready"}:
        return False
    paths = list(value.values())
    return all(isinstance(path, str) and path.startswith("/") for path in paths) and len(set(paths)) == len(paths)


def list_of(names: tuple[str, ...]) -> Kind:
    words = "a list of " + ", ".join(repr(name) for name in names)
    return Kind(words, lambda value: isinstance(value, list | tuple | set) and all(item in names for item in value), json.loads)


def one_of(*names: str) -> Kind:
    return Kind("one of " + ", ".join(repr(name) for name in names), lambda value: isinstance(value, str) and value in names, str.strip)


BOOL = Kind("True or False", lambda value: isinstance(value, bool), _parse_bool)
MILLISECONDS = Kind("a number of milliseconds, 0 or more", _is_number, float)
COUNT = Kind("a whole number, 1 or more", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1, int)
SEVERAL = Kind("a whole number, 2 or more", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 2, int)
PATH = Kind("the path of a file, or None", lambda value: value is None or isinstance(value, str | os.PathLike), _parse_text)
IMPORT = Kind("the dotted path of a callable, or None", _is_import_path, _parse_text)
THRESHOLDS = Kind(
    "a dict of operation name to milliseconds",
    lambda value: isinstance(value, dict) and all(isinstance(key, str) and _is_number(number) for key, number in value.items()),
    json.loads,
)
AUDIENCE = one_of("debug", "staff", "always", "never")
HEALTH_PATHS = Kind(
    'None, or a dict of "live" and "ready", or one of them, to different paths that begin with "/"', _are_health_paths, _parse_json_or_none
)


def import_complaint(path: str) -> str | None:
    """What is wrong with a dotted path, as the end of a sentence; None where it leads to something that can be called."""
    try:
        target = resolve_name(path)
    except Exception as error:  # noqa: BLE001 - importing runs whatever the module does
        return f"cannot be imported: {error}"
    return None if callable(target) else f"is {path}, which is not callable"


def file_complaint(path: Path) -> str | None:
    """What is wrong with the path of a JSON file, as the end of a sentence."""
    if not path.is_file():
        return "and there is no such file"
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return f"which is not JSON: {error}"
    return None


def shown(value: object) -> str:
    """Enough of a wrong value to find it, and not so much that a secret put in the wrong place is printed whole."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a value that cannot even be shown is wrong all the same
        text = f"a {type(value).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."
