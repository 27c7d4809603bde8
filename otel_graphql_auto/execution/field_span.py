"""The span of a marked resolver, current while control is in it."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import attach, get_current
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import guard
from otel_graphql_auto.execution.errors import error_type
from otel_graphql_auto.execution.spans import field_attributes
from otel_graphql_auto.operation import path_text

__all__ = ["LiveFieldSpan"]


class LiveFieldSpan:
    """A span that is there from the beginning, so that what the resolver does becomes its children."""

    def __init__(self, tracer: Tracer, info: Any, coordinate: str) -> None:
        path = info.path.as_list()
        attributes = field_attributes(coordinate, info.field_name, info.parent_type.name, str(path[-1]), path_text(path))
        self._outer = get_current()
        self._span = tracer.start_span(coordinate, attributes=attributes)
        self._context = set_span_in_context(self._span, self._outer)
        attach(self._context)
        self.enter = guard("execution", self._enter)
        self.leave = guard("execution", self._leave)
        self.finish = guard("execution", self._finish)

    def _enter(self) -> None:
        self._outer = get_current()
        attach(self._context)

    def _leave(self) -> None:
        if get_current() is self._context:
            attach(self._outer)

    def _finish(self, error: BaseException | None) -> None:
        self._leave()
        if error is not None:
            self._span.set_attribute(semconv.ERROR_TYPE, error_type([error], None))
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()
