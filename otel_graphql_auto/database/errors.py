"""What the conventions call the failure of a statement."""

from __future__ import annotations

from otel_graphql_auto._safety import type_name

__all__ = ["failure_of"]


def failure_of(error: BaseException) -> tuple[str, str | None]:
    """`error.type` and `db.response.status_code`: the SQLSTATE, or MySQL's number; where the driver gives none the exception's class alone.

    Django raises an error of its own from the driver's.
    """
    for each in (error.__cause__, error):
        state = getattr(each, "sqlstate", None) or getattr(each, "pgcode", None)
        if isinstance(state, str):
            return state, state
        number = each.args[0] if each is not None and "mysql" in type(each).__module__.lower() and each.args else None
        if isinstance(number, int):
            return str(number), str(number)
    return type_name(error), None
