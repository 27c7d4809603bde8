"""Health for load balancers and orchestrators: is the process alive, and do its databases and caches answer.

The paths of HEALTH_PATHS are answered before host checks, middleware and telemetry, with telemetry switched off too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from otel_graphql_auto import _handlers, settings
from otel_graphql_auto._safety import swallow
from otel_graphql_auto.http.probes import Outcome, ask, ask_async

__all__ = ["attach", "live", "ready"]


def live(request: Any) -> Any:
    """Answer that the process serves requests, without asking anybody: `{"status": "ok"}`."""
    return _refused(request) or _response(request, {"status": "ok"})


def ready(request: Any) -> Any:
    """Ask every database and cache. 200 when all answer, else 503, within 2 s.

    `{"status": "ok" | "failing", "checks": {"database default": {"status": "ok", "ms": 1.3}, "cache default": {"status": "failing",
    "error": "ConnectionError"}}}`, where `error` is the class of the error, or that there was no answer in time.
    """
    refused = _refused(request)
    if refused is not None:
        return refused
    try:
        return _report(request, ask())
    except Exception as error:  # noqa: BLE001 - what cannot be found out is not ready
        return _unknown(request, error)


async def _live_async(request: Any) -> Any:
    return live(request)


async def _ready_async(request: Any) -> Any:
    refused = _refused(request)
    if refused is not None:
        return refused
    try:
        return _report(request, await ask_async())
    except Exception as error:  # noqa: BLE001
        return _unknown(request, error)


_VIEWS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Awaitable[Any]]]] = {
    "live": (live, _live_async),
    "ready": (ready, _ready_async),
}


def _report(request: Any, outcomes: Iterable[Outcome]) -> Any:
    checks = {
        outcome.name: {"status": "ok", "ms": outcome.milliseconds}
        if outcome.error is None
        else {"status": "failing", "error": outcome.error}
        for outcome in outcomes
    }
    well = all(check["status"] == "ok" for check in checks.values())
    return _response(request, {"status": "ok" if well else "failing", "checks": checks}, 200 if well else 503)


def _unknown(request: Any, error: Exception) -> Any:
    response = _response(request, {"status": "failing"}, 503)
    swallow("health", error)
    return response


def _response(request: Any, body: dict[str, Any], status: int = 200) -> Any:
    from django.http import HttpResponse, JsonResponse

    response = JsonResponse(body, status=status)
    if request.method == "HEAD":
        response = HttpResponse(status=status, content_type=response.headers["Content-Type"])
    response.headers["Cache-Control"] = "no-store"
    # Django would log an ERROR for each probe, and mail it to the admins. The checks log the change.
    response._has_been_logged = True
    return response


def _refused(request: Any) -> Any:
    from django.http import HttpResponseNotAllowed

    return None if request.method in ("GET", "HEAD") else HttpResponseNotAllowed(["GET", "HEAD"])


class _Health:
    """Stands outside a handler's whole chain of middleware, sync or async as that is."""

    def __init__(self, get_response: Callable[[Any], Any], paths: dict[str, str]) -> None:
        self._get_response = get_response
        is_async = iscoroutinefunction(get_response)
        self._views = {path: _VIEWS[name][is_async] for name, path in paths.items()}
        if is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        view = self._views.get(request.path_info)
        return self._get_response(request) if view is None else view(request)


def _surround(handler: Any) -> None:
    paths = settings.get().HEALTH_PATHS
    if paths:
        handler._middleware_chain = _Health(handler._middleware_chain, dict(paths))


_attached = False


def attach() -> None:
    """Have handlers that load from now on answer HEALTH_PATHS. It belongs to the application: `uninstrument()` leaves it alone."""
    global _attached
    if not _attached:
        _attached = True
        _handlers.after_loading(_surround, outermost=True)
