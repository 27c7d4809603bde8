"""The room's observers: they gather the numbers of a request's operations, and show them in answers to those who may see them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

from opentelemetry.trace import format_trace_id

from otel_graphql_auto import _handlers, settings
from otel_graphql_auto._providers import Providers
from otel_graphql_auto.finding import ERROR, INFO, OK, WARNING, Finding
from otel_graphql_auto.http.audience import may_see, nobody_sees
from otel_graphql_auto.http.middleware import is_listed, surround
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

    def diagnose(self) -> Iterator[Finding]:
        """Where PerformanceMiddleware stands and for whom, and what answers HEALTH_PATHS."""
        from django.conf import settings as django_settings

        values = settings.get()
        if not values.PERFORMANCE_MONITORING or self.name in values.DISABLED:
            yield Finding(INFO, "middleware", "the room http is switched off")
        else:
            with contextlib.suppress(ImportError):  # then no request is answered, and the row of the request says why
                yield self._place(values, is_listed=is_listed(django_settings.MIDDLEWARE))
        if values.HEALTH_PATHS:
            yield self._health(", ".join(values.HEALTH_PATHS.values()))

    def _place(self, values: settings.Settings, *, is_listed: bool) -> Finding:
        if not is_listed and not _handlers.is_called():
            advice = "Something has replaced BaseHandler.load_middleware: list the middleware in MIDDLEWARE."
            return Finding(WARNING, "middleware", "PerformanceMiddleware is not in place", advice)
        place = "where MIDDLEWARE lists it" if is_listed else "around all other middleware"
        audience = values.RESPONSE_HEADERS
        seen = f"RESPONSE_HEADERS is {audience!r}"
        if nobody_sees(audience):
            seen += ": nobody sees its headers" if audience == "never" else " and DEBUG is off: nobody sees its headers"
        return Finding(OK, "middleware", f"PerformanceMiddleware stands {place}; {seen}")

    def _health(self, paths: str) -> Finding:
        if _handlers.is_called():
            return Finding(OK, "health", f"{paths}: answered before all middleware")
        advice = "Something has replaced BaseHandler.load_middleware: include otel_graphql_auto.http.urls instead."
        return Finding(ERROR, "health", f"{paths}: not answered", advice)

    def encode(self, operation: Operation, body: dict[str, Any]) -> dict[str, Any] | None:
        """Add the block, where it is wished for. Never to an answer that a cache may keep: only GET has those."""
        audience = settings.get().RESPONSE_EXTENSIONS
        request = operation.request
        if audience == "never" or request is None or request.method != "POST" or not may_see(audience, request):
            return None
        extensions = body.get("extensions") or {}
        if not isinstance(extensions, dict):
            return None
        block = performance(numbers_of(operation))
        if operation.span is not None and operation.span.is_recording():
            block["traceId"] = format_trace_id(operation.span.get_span_context().trace_id)
        return {**body, "extensions": {**extensions, "performance": block}}

    def ended(self, operation: Operation) -> None:
        """Hand the numbers to the middleware. What ran inside another operation is part of that one's time.

        Who asks is found out here, inside all middleware: a session that loading the user changes is saved afterwards.
        """
        receipts = collected.get()
        if receipts is not None and operation.outer is None and not receipts.is_closed:
            receipts.add(numbers_of(operation))
            receipts.may_be_seen = receipts.may_be_seen or may_see(settings.get().RESPONSE_HEADERS, receipts.request)
