"""PerformanceMiddleware: the numbers of a request's operations as response headers, for those who may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from otel_graphql_auto import semconv, settings
from otel_graphql_auto._safety import guard
from otel_graphql_auto.http.audience import nobody_sees
from otel_graphql_auto.http.numbers import Receipts, collected, server_timing
from otel_graphql_auto.room import Number

__all__ = ["PerformanceMiddleware", "is_listed", "surround"]


class PerformanceMiddleware:
    """Sync and async middleware that writes `Server-Timing`, `X-GraphQL-Execution-Time` and, where a room counts them, `X-GraphQL-DB-Queries`.

    Under instrumentation it stands outside all other middleware by itself; whoever lists it in MIDDLEWARE chooses its place. `http` in
    Server-Timing is the time of everything inside of it, `total` that of the operations (their spans' durations, added up for a batch).
    It reads neither the request's body nor the response's.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """The response, or in an event loop a coroutine that gives it."""
        if self._is_async:
            return self._call_async(request)
        receipts = _begin(request)
        if receipts is None:
            return self.get_response(request)
        try:
            response = self.get_response(request)
        finally:
            receipts.close()
        _tell(response, receipts)
        return response

    async def _call_async(self, request: Any) -> Any:
        receipts = _begin(request)
        if receipts is None:
            return await self.get_response(request)
        try:
            response = await self.get_response(request)
        finally:
            receipts.close()
        _tell(response, receipts)
        return response


def _begin_receipts(request: Any) -> Receipts | None:
    outer = collected.get()
    if (outer is not None and not outer.is_closed) or nobody_sees(settings.get().RESPONSE_HEADERS):
        return None
    return Receipts(request)


def _tell_those_who_may_see(response: Any, receipts: Receipts) -> None:
    if not receipts.may_be_seen:
        return
    numbers = receipts.numbers
    given = response.headers.get(semconv.SERVER_TIMING)
    ours = server_timing([*numbers.values(), Number("http", receipts.duration_ns)])
    response.headers[semconv.SERVER_TIMING] = f"{given}, {ours}" if given else ours
    total, db = numbers.get("total"), numbers.get("db")
    if total is not None and total.duration_ns is not None:
        response.headers[semconv.EXECUTION_TIME] = f"{total.duration_ns / 1e6:.2f}ms"
    if db is not None and db.amount is not None:
        response.headers[semconv.DB_QUERIES] = str(db.amount)


_begin = guard("http", _begin_receipts)
_tell = guard("http", _tell_those_who_may_see)


def surround(handler: Any) -> None:
    """Put the middleware around everything that `handler` has loaded, unless the user has listed it."""
    from django.conf import settings as django_settings

    if not is_listed(django_settings.MIDDLEWARE):
        handler._middleware_chain = PerformanceMiddleware(handler._middleware_chain)


def is_listed(middleware: Iterable[str]) -> bool:
    """Whether these dotted paths name the middleware, or one derived from it."""
    from django.utils.module_loading import import_string

    return any(isinstance(entry, type) and issubclass(entry, PerformanceMiddleware) for entry in map(import_string, middleware))
