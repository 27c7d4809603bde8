"""Finds the field that a statement is executed for, on the stack or in the context, without any bookkeeping for each field.

It says nothing rather than guess: a frame or a context that belongs to another operation does not count.
"""

from __future__ import annotations

from types import FrameType
from typing import Any

from otel_graphql_auto.operation import Operation, cause

__all__ = ["field_frame", "find_cause"]

_EXECUTING = frozenset({"execute_field", "await_result", "await_completed"})
"""Functions of graphql-core's ExecutionContext, by name: subclasses override them, and names are faster looked up than code compared."""


def find_cause(operation: Operation, frame: FrameType | None) -> tuple[str | None, Any]:
    """The coordinate and the path (graphql-core's linked Path) of the field for which the code in `frame` runs; None where it is not known."""
    executing = _EXECUTING
    while frame is not None:
        if frame.f_code.co_name in executing and (described := _describe(frame.f_locals)) is not None:
            definition, parent_type, name, path = described
            if definition is operation.definition:
                return f"{parent_type.name}.{name}", path
            break
        frame = frame.f_back
    known = cause.get()
    if known is not None and known.operation is operation:
        return known.coordinate, known.path
    return None, None


def field_frame(frame: FrameType | None) -> tuple[FrameType, tuple[Any, Any, str, Any]] | None:
    """The innermost frame outside of `frame` that executes a field, with the operation's definition, parent type, field name and path."""
    while frame is not None:
        if frame.f_code.co_name in _EXECUTING and (described := _describe(frame.f_locals)) is not None:
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
