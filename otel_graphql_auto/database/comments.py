"""Leads from PostgreSQL's own views and logs to a trace: a comment in each statement, and the service's name on each connection.

Both are off unless SQL_COMMENTS is on; the text of a statement is then what the application wrote, and a comment after it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Span

from otel_graphql_auto import settings
from otel_graphql_auto._patching import Patch, when_imported
from otel_graphql_auto._safety import guard

__all__ = ["ApplicationName", "commented"]

_MODULE = "django.db.backends.postgresql.base"


def commented(sql: Any, span: Span | None) -> Any:
    """`sql` with the trace in a comment, in sqlcommenter's form (traceparent). As it is where it has a comment, is empty, or is no str.

    A traceparent has no character that could mean anything to a driver's parameters, so that there is nothing to escape.
    """
    if span is None or not isinstance(sql, str) or "/*" in sql or "--" in sql:
        return sql
    context = span.get_span_context()
    if not context.is_valid:
        return sql
    text = sql.rstrip()
    end = ";" if text.endswith(";") else ""
    text = text.removesuffix(";")
    if not text.strip():
        return sql
    comment = f"traceparent='00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}'"
    return f"{text} /*{comment}*/{end}"


class ApplicationName:
    """Has PostgreSQL connections opened with `application_name`, the service's name, where neither settings nor PGAPPNAME give one."""

    def __init__(self, service: Callable[[], str | None]) -> None:
        self._service = service
        self._patch: Patch | None = None
        self._named = guard("database", self._name)
        self._stop_waiting = when_imported(_MODULE, self._attach)

    def _attach(self, module: Any) -> None:
        self._patch = Patch(module.DatabaseWrapper, "get_connection_params", self._around)
        self._patch.attach()

    def _around(self, get_connection_params: Callable[..., Any]) -> Callable[..., Any]:
        def get_connection_params_named(*args: Any, **kwargs: Any) -> Any:
            parameters = get_connection_params(*args, **kwargs)
            if self._patch is not None:
                self._named(parameters)
            return parameters

        return get_connection_params_named

    def _name(self, parameters: dict[str, Any]) -> None:
        values = settings.get()
        if values.SQL_COMMENTS and values.PERFORMANCE_MONITORING and "PGAPPNAME" not in os.environ and (service := self._service()):
            parameters.setdefault("application_name", service)

    def detach(self) -> None:
        """Take it back; connections that are open keep their name."""
        self._stop_waiting()
        if self._patch is not None:
            self._patch.detach()
            self._patch = None
