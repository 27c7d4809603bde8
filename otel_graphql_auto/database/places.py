"""Where in the application a statement comes from: the line of code, and the relation of models that it follows.

This looks at frames and models in depth, so it runs once for a finding and never for each statement.
"""

from __future__ import annotations

import functools
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

from otel_graphql_auto.database.causes import field_frame
from otel_graphql_auto.database.relations import Relation, find_relation, is_batch
from otel_graphql_auto.operation import Operation

__all__ = ["Place", "find_place"]

_MOST_MET = 100
"""Functions that are looked at in search of an application's resolver behind wrappers."""


class Place(NamedTuple):
    """`file` and `line` are of the application, None where no code of it is involved. `list_coordinate` is the field of the list above.

    `is_batch`: Django has split one question into several, so that nothing is repeated.
    """

    file: str | None
    line: int | None
    relation: Relation | None
    list_coordinate: str | None
    is_batch: bool = False


def find_place(operation: Operation, coordinate: str, frame: FrameType | None) -> Place:
    """The place of a statement that is executed in `frame` for the field `coordinate`."""
    found = field_frame(frame)
    inner = list(_frames(frame, found[0] if found is not None else None))
    relation = find_relation(inner)
    above, list_coordinate = _list_above(found)
    line = next(((each.f_code.co_filename, each.f_lineno) for each in inner if is_application(each.f_code.co_filename)), None)
    # Lazily evaluated by the library: then the resolver that returned it, or the one that returned the objects that it belongs to.
    for resolve in (_resolver(operation, coordinate), above):
        line = line or _defined_at(resolve)
    file, number = line or (None, None)
    return Place(file, number, relation, list_coordinate, is_batch(inner))


def _frames(frame: FrameType | None, last: FrameType | None) -> Iterator[FrameType]:
    while frame is not None and frame is not last:
        yield frame
        frame = frame.f_back


def _resolver(operation: Operation, coordinate: str) -> Any:
    type_name, _, field_name = coordinate.partition(".")
    owner = operation.schema.get_type(type_name) if operation.schema is not None else None
    field = getattr(owner, "fields", {}).get(field_name)
    return getattr(field, "resolve", None)


def _list_above(found: Any) -> tuple[Any, str | None]:
    """The resolver and the coordinate of the field whose list of objects the found field is asked of, as far as the stack shows it."""
    if found is None:
        return None, None
    frame, (_, _, _, path) = found
    is_listed = False
    while (outer := field_frame(frame.f_back)) is not None:
        frame, (_, parent_type, name, outer_path) = outer
        is_listed = is_listed or (path.prev is not None and isinstance(path.prev.key, int))
        if is_listed and not _is_of_connection(parent_type):
            return frame.f_locals.get("resolve_fn"), f"{parent_type.name}.{name}"
        path = outer_path
    return None, None


def _is_of_connection(parent_type: Any) -> bool:
    """Whether it is a Relay connection: its list of edges is made from what the field above gave it."""
    return str(parent_type.name).endswith("Connection") and "pageInfo" in parent_type.fields


def _defined_at(resolve: Any) -> tuple[str, int] | None:
    """The definition of the application's function in `resolve`: graphene and middleware hide it in wrappers, partials and closures."""
    waiting, met = [resolve], set[int]()
    while waiting and len(met) < _MOST_MET:
        function = waiting.pop(0)
        if function is None or id(function) in met:
            continue
        met.add(id(function))
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType) and is_application(code.co_filename) and not hasattr(function, "__wrapped__"):
            return code.co_filename, code.co_firstlineno
        waiting.extend(_inside(function))
    return None


def _inside(function: Any) -> Iterator[Any]:
    if isinstance(function, functools.partial):
        yield from (function.func, *function.args)
    yield getattr(function, "__wrapped__", None)
    yield getattr(function, "__func__", None)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            inner = cell.cell_contents
        except ValueError:
            continue  # a cell may be empty
        if callable(inner) and not isinstance(inner, type):
            yield inner


@functools.lru_cache(maxsize=2000)
def is_application(filename: str) -> bool:
    """Whether a file is the application's own: not ours, not an installed package, not Python's."""
    return not filename.startswith(_LIBRARIES) and filename[:1] != "<"


_LIBRARIES = (
    str(Path(__file__).resolve().parents[1]) + "/",
    *{f"{Path(sysconfig.get_path(name))}/" for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    *{f"{Path(folder)}/" for folder in sys.path if Path(folder).name in ("site-packages", "dist-packages")},
)
