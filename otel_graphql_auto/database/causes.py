"""Finds the field that a statement is executed for, on the stack or in the context, without any bookkeeping for each field.

It says nothing rather than guess: a frame or a context that belongs to another operation does not count.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from graphql.execution.execute import ExecutionContext

from otel_graphql_auto.operation import Operation, cause

__all__ = ["TO_CALLER", "field_frame", "find_cause"]

TO_CALLER = 4
"""Frames from `Notes.note` to what called `cursor.execute()`: our wrapper and two of Django's CursorWrapper."""

_FIELDS = frozenset({"execute_field", "await_result", "await_completed"})
"""Functions of graphql-core's ExecutionContext that execute a field, by name: subclasses override them."""

_EXECUTING = _FIELDS | {"complete_list_value"}
"""Those that know which field it is."""

_UNTIL = ((ExecutionContext.execute_field.__code__, "result"), (ExecutionContext.complete_list_value.__code__, "index"))
"""The library's own functions, and the variable that each has from the moment on when fields below its own may be executed."""

_CERTAIN = {id(code): name for code, name in _UNTIL if name in code.co_varnames + code.co_cellvars}
"""Of these the ones that this release has written so: of others nothing is certain. By identity, because a code object is slow to hash."""

_MAX_DEPTHS = 2000

_depths: dict[str, int] = {}
"""How far up the field's frame was the last time that a statement of this fingerprint ran.

Python makes an object for each frame that is looked at, which costs more than all the rest that is done for a statement.
"""


def find_cause(operation: Operation, fingerprint: str) -> tuple[str | None, Any]:
    """The coordinate and the path (graphql-core's linked Path) of the field for which a statement runs now; None where it is not known.

    To be called from `Notes.note`.
    """
    found = _where_it_was(operation, fingerprint) or _on_the_stack(operation, fingerprint)
    if found is not None:
        return found
    known = cause.get()
    if known is not None and known.operation is operation:
        return known.coordinate, known.path
    return None, None


def _where_it_was(operation: Operation, fingerprint: str) -> tuple[str, Any] | None:
    """The field of the frame at the remembered place, if it is certain that none is nearer.

    A field whose resolver has not returned, and a list of which no item has been completed, have no field below them: whatever
    could be nearer would belong to an operation inside this one, and that one would be the current one.
    """
    depth = _depths.get(fingerprint)
    if depth is None:
        return None
    try:
        frame = sys._getframe(depth)
    except ValueError:
        return None
    begun = _CERTAIN.get(id(frame.f_code))
    if begun is None:
        return None
    variables = frame.f_locals
    if begun in variables or "info" not in variables:
        return None
    info = variables["info"]
    return (f"{info.parent_type.name}.{info.field_name}", info.path) if info.operation is operation.definition else None


def _on_the_stack(operation: Operation, fingerprint: str) -> tuple[str, Any] | None:
    depth = TO_CALLER + 2
    try:
        frame: FrameType | None = sys._getframe(depth)
    except ValueError:
        return None
    executing = _EXECUTING
    while frame is not None:
        if frame.f_code.co_name in executing and (described := _describe(frame.f_locals)) is not None:
            if len(_depths) >= _MAX_DEPTHS:
                _depths.clear()
            _depths[fingerprint] = depth
            definition, parent_type, name, path = described
            return (f"{parent_type.name}.{name}", path) if definition is operation.definition else None
        frame = frame.f_back
        depth += 1
    return None


def field_frame(frame: FrameType | None) -> tuple[FrameType, tuple[Any, Any, str, Any]] | None:
    """The innermost frame outside of `frame` that executes a field, with the operation's definition, parent type, field name and path."""
    while frame is not None:
        if frame.f_code.co_name in _FIELDS and (described := _describe(frame.f_locals)) is not None:
            return frame, described
        frame = frame.f_back
    return None


def _describe(variables: dict[str, Any]) -> tuple[Any, Any, str, Any] | None:
    info = variables.get("info")
    if info is not None and hasattr(info, "parent_type"):
        return info.operation, info.parent_type, info.field_name, info.path
    # Before it has made `info`, a field's arguments are looked at: nothing of the application runs, but for a scalar's parse_literal.
    nodes: Any = variables.get("field_nodes")
    context: Any = variables.get("self")
    if nodes and "parent_type" in variables and "path" in variables and hasattr(context, "operation"):
        return context.operation, variables["parent_type"], nodes[0].name.value, variables["path"]
    return None
