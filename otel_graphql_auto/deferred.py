"""Instrumentors that have to wait until Django serves requests.

The stock Django instrumentor reads Django's settings, and where they are not there yet it configures empty ones, so that the application
loses its own. The system metrics would make every management command and every supervising process a service instance.
"""

from __future__ import annotations

import fnmatch
import os
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from otel_graphql_auto._handlers import before_loading
from otel_graphql_auto._patching import Patch
from otel_graphql_auto._safety import guard
from otel_graphql_auto.http_span import clean_http_span

__all__ = ["Deferred"]

_PROCESS_METRICS: dict[str, list[str] | None] = {
    "process.context_switches": ["involuntary", "voluntary"],
    "process.cpu.time": ["user", "system"],
    "process.cpu.utilization": ["user", "system"],
    "process.memory.usage": None,
    "process.memory.virtual": None,
    "process.open_file_descriptor.count": None,
    "process.thread.count": None,
}
"""Of this process only: a host's metrics are the collector's affair, once for each host."""


class Deferred:
    """The instrumentors that wait. They run once, when a request handler first loads its middleware: settings are complete then."""

    NAMES: ClassVar = ("django", "system_metrics")
    _waiting: ClassVar[list[tuple[Any, dict[str, Any]]]] = []
    _take_back: ClassVar[Callable[[], None] | None] = None
    _lock: ClassVar = threading.Lock()

    @classmethod
    def add(cls, entry_point: Any, options: dict[str, Any]) -> None:
        """Let this one wait."""
        if cls._take_back is None:
            cls._take_back = before_loading(cls.run)
        cls._waiting.append((entry_point, options))

    @classmethod
    def run(cls, _handler: Any = None) -> None:
        """Load those that still wait, and let go of the handlers."""
        with cls._lock:
            waiting, cls._waiting[:] = list(cls._waiting), []
            if cls._take_back is not None:
                cls._take_back()
                cls._take_back = None
        for entry_point, options in waiting:
            load = _load_django if entry_point.name == "django" else _load_system_metrics
            guard(entry_point.name, load)(entry_point, options)


def _load_django(entry_point: Any, options: dict[str, Any]) -> None:
    instrumentor = entry_point.load()()
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument(request_hook=clean_http_span, **options)
    from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware

    Patch(_DjangoMiddleware, "__call__", _around_call).attach()
    for name in ("process_view", "process_exception"):
        Patch(_DjangoMiddleware, name, _around_process).attach()


def _around_call(call: Callable[..., Any]) -> Callable[..., Any]:
    """The upstream middleware asks for the request's URI first of all, which raises where the Host header is not allowed.

    An application that never asks answers such a request, and has to go on doing so: it then has no HTTP span.
    """
    from django.core.exceptions import DisallowedHost

    def call_observed(middleware: Any, request: Any) -> Any:
        try:
            return call(middleware, request)
        except DisallowedHost:
            if _began(middleware, request):
                raise
            return middleware.get_response(request)

    return call_observed


def _around_process(process: Callable[..., Any]) -> Callable[..., Any]:
    """Upstream asks for the URI here too, although there is nothing to do for a request without a span."""

    def process_observed(middleware: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        return process(middleware, request, *args, **kwargs) if _began(middleware, request) else None

    return process_observed


def _began(middleware: Any, request: Any) -> bool:
    return middleware._environ_activation_key in request.META


def _load_system_metrics(entry_point: Any, options: dict[str, Any]) -> None:
    import psutil

    excluded = [pattern.strip() for pattern in os.environ.get("OTEL_PYTHON_SYSTEM_METRICS_EXCLUDED_METRICS", "").split(",")]
    config = {name: labels for name, labels in _PROCESS_METRICS.items() if not any(fnmatch.fnmatch(name, pattern) for pattern in excluded)}
    instrumentor = entry_point.load()(config=config)
    instrumentor.instrument(**options)
    # A preloaded worker would go on reporting the memory of the process that it was forked from.
    os.register_at_fork(after_in_child=lambda: setattr(instrumentor, "_proc", psutil.Process(os.getpid())))
