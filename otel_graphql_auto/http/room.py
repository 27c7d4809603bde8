"""The room's observers: they gather the numbers of a request's operations, and show them in answers to those who may see them."""

from __future__ import annotations

from typing import Any, ClassVar

from opentelemetry.trace import format_trace_id

from otel_graphql_auto import _handlers, settings
from otel_graphql_auto._providers import Providers
from otel_graphql_auto.http.audience import may_see
from otel_graphql_auto.http.middleware import surround
from otel_graphql_auto.http.numbers import collected, numbers_of, performance
from otel_graphql_auto.operation import Operation
from otel_graphql_auto.room import Room

__all__ = ["Http"]


class Http(Room):
    """Puts PerformanceMiddleware around everything, and `extensions.performance` into the bodies of graphene-django's views."""

    name: ClassVar[str] = "http"

    def __init__(self, _providers: Providers) -> None:
        self._take_back = _handlers.after_loading(surround)

    def detach(self) -> None:
        """Let go of handlers that are still to come; around those that have loaded, the middleware finds nothing to do."""
        self._take_back()

    def encode(self, operation: Operation, body: dict[str, Any]) -> dict[str, Any] | None:
        """Add the block, where it is wished for. Never to an answer that a cache may keep: only GET has those."""
        audience = settings.get().RESPONSE_EXTENSIONS
        request = operation.request
        if audience == "never" or request is None or request.method != "POST" or not may_see(audience, request):
            return None
        block = performance(numbers_of(operation))
        if operation.span is not None and operation.span.is_recording():
            block["traceId"] = format_trace_id(operation.span.get_span_context().trace_id)
        return {**body, "extensions": {**(body.get("extensions") or {}), "performance": block}}

    def ended(self, operation: Operation) -> None:
        """Hand the numbers to the middleware. What ran inside another operation is part of that one's time."""
        receipts = collected.get()
        if receipts is not None and operation.outer is None:
            receipts.add(numbers_of(operation))
