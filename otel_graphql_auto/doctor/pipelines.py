"""Reads off the live providers which exporters run, over which protocol and where to.

OpenTelemetry has no public way to ask: every look below is a `getattr` that says "cannot be told" where a release keeps things elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from opentelemetry import _logs, metrics, trace

from otel_graphql_auto.instrumentor import GraphQLInstrumentor

__all__ = ["GRPC", "HTTP", "SIGNALS", "Exporter", "exporters", "has_sdk", "named", "otlp", "provider_of", "shown"]

SIGNALS = ("traces", "metrics", "logs")

HTTP = "OTLP over HTTP"
GRPC = "OTLP over gRPC"

_MODULES = {"opentelemetry.exporter.otlp.proto.http": HTTP, "opentelemetry.exporter.otlp.proto.grpc": GRPC}

_PROVIDERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "traces": ("tracer_provider", trace.get_tracer_provider),
    "metrics": ("meter_provider", metrics.get_meter_provider),
    "logs": ("logger_provider", _logs.get_logger_provider),
}

_ENTRANCES = {"traces": "_active_span_processor", "metrics": "_metric_readers", "logs": "_multi_log_record_processor"}

_INNER = (
    "_span_processors",
    "_log_record_processors",
    "span_exporter",
    "_batch_processor",
    "_exporter",
    "exporter",
    "wrapped_exporter",
    "processor",
)

_DEPTH = 10
"""Other SDKs put wrappers around providers, processors and exporters."""


class Exporter(NamedTuple):
    """One exporter that runs."""

    signal: str
    kind: str
    """HTTP, GRPC, or the name of its class."""

    url: str
    """Where it exports to, as configured; may hold credentials. Empty where it has none or it cannot be told."""

    live: Any


def provider_of(signal: str) -> Any:
    """The provider that the instrumentor was given, else the global one."""
    name, ask = _PROVIDERS[signal]
    given = GraphQLInstrumentor.given.get(name)
    return ask() if given is None else given


def has_sdk(provider: Any) -> bool:
    """Whether somebody has set up an SDK, or the API's stand-in is all there is."""
    name = type(provider).__name__
    is_api = type(provider).__module__.split(".")[:2] in (
        ["opentelemetry", "trace"],
        ["opentelemetry", "metrics"],
        ["opentelemetry", "_logs"],
    )
    return not is_api and "NoOp" not in name


def named(thing: Any) -> str:
    """A class by its name and the package that it comes from."""
    return f"{type(thing).__name__} of {type(thing).__module__.split('.')[0]}"


def exporters(signal: str) -> list[Exporter] | None:
    """Those that run; None where it cannot be told."""
    provider = _unwrapped(provider_of(signal))
    sinks = _sinks(signal, provider)
    if sinks is None:
        return None
    return [_described(signal, sink) for sink in sinks]


def _unwrapped(provider: Any) -> Any:
    for _ in range(_DEPTH):
        inner = getattr(provider, "provider", None)
        if inner is None:
            break
        provider = inner
    return provider


def _sinks(signal: str, provider: Any) -> list[Any] | None:
    """Exporters, and readers that are collected from; where there are none the processors, for those of other SDKs send by themselves."""
    name = _ENTRANCES[signal]
    entrance = getattr(provider, name, None)
    if entrance is None:
        return None
    found = [leaf for sink in (entrance if isinstance(entrance, list | tuple) else [entrance]) for leaf in _leaves(sink, _DEPTH)]
    return [leaf for leaf in found if hasattr(leaf, "export") or hasattr(leaf, "collect")] or found


def _leaves(sink: Any, depth: int) -> Iterator[Any]:
    """What is behind a processor or reader, through whatever stands around it and all that it passes on to; itself where nothing is."""
    if getattr(sink, "is_the_doctors", False):
        return
    inner = next((under for name in _INNER if (under := getattr(sink, name, None)) is not None), None)
    if inner is None or depth == 0:
        yield sink
        return
    for one in inner if isinstance(inner, list | tuple) else [inner]:
        yield from _leaves(one, depth - 1)


def _described(signal: str, exporter: Any) -> Exporter:
    module = type(exporter).__module__
    kind = next((kind for start, kind in _MODULES.items() if module.startswith(start)), type(exporter).__name__)
    url = getattr(exporter, "_endpoint", "")
    url = url if isinstance(url, str) else ""
    if kind == GRPC and url and "://" not in url:
        url = f"{'http' if getattr(exporter, '_insecure', False) else 'https'}://{url}"
    return Exporter(signal, kind, url, exporter)


def shown(url: str) -> str:
    """A URL that can be printed: without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else url.rpartition("@")[2].partition("?")[0]


def otlp() -> Iterator[Exporter]:
    """All exporters of all signals that speak OTLP to somebody."""
    for signal in SIGNALS:
        for exporter in exporters(signal) or ():
            if exporter.kind in (HTTP, GRPC) and exporter.url:
                yield exporter
