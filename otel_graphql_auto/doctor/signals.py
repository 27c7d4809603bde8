"""What becomes of traces, metrics and logs: which exporter really runs, where it sends to, who decided that, and what is thrown away before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Any

from opentelemetry.sdk.environment_variables import OTEL_TRACES_SAMPLER

from otel_graphql_auto import console, distro, semconv
from otel_graphql_auto.console import exporter as console_exporter
from otel_graphql_auto.doctor import launch, variables
from otel_graphql_auto.doctor.bounded import first_line
from otel_graphql_auto.doctor.pipelines import GRPC, HTTP, SIGNALS, Exporter, exporters, has_sdk, named, provider_of, shown
from otel_graphql_auto.doctor.report import joined
from otel_graphql_auto.finding import ERROR, INFO, OK, WARNING, Finding

__all__ = ["late_variables", "sampler", "service", "signals"]

_MISSING = {
    "traces": (ERROR, "no SDK is set up: spans go nowhere"),
    "metrics": (WARNING, "no SDK is set up for them: they go nowhere"),
    "logs": (INFO, "no SDK is set up for them"),
}
"""Without traces there is nothing to see at all; logs over OTLP are what few want."""


def signals() -> Iterator[Finding]:
    """Rows for each of the three, or one where there is nothing of any."""
    unknown = [finding for signal in SIGNALS for finding in _unknown_names(signal)]
    yield from unknown
    if any(has_sdk(provider_of(signal)) for signal in SIGNALS):
        for signal in SIGNALS:
            yield from _of(signal)
    elif not unknown:
        advice = "See the first lines that the program prints."
        if not launch.is_automatic():
            advice = "Start with opentelemetry-instrument, or set up an SDK before otel_graphql_auto.instrument()."
        yield Finding(ERROR, "signals", "no SDK is set up: spans and metrics go nowhere", advice)


def _of(signal: str) -> Iterator[Finding]:
    provider = provider_of(signal)
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    if not has_sdk(provider):
        level, message = _MISSING[signal]
        yield Finding(
            level, signal, message, "" if level == INFO else f"Give the SDK a provider of {signal}, before otel_graphql_auto.instrument()."
        )
        return
    is_stock = type(provider).__module__.startswith("opentelemetry.sdk")
    running = exporters(signal)
    if not is_stock:
        yield Finding(INFO, signal, f"the provider is {named(provider)}")
    if running is None:
        yield Finding(INFO, signal, "which exporters it has cannot be told")
    elif not running:
        yield _none(signal, variable)
    for exporter in running or ():
        yield Finding(OK, signal, f"{_words(exporter)}{_who(exporter, variable) if launch.is_automatic() else ''}")


def _none(signal: str, variable: str) -> Finding:
    if launch.is_automatic():
        return Finding(INFO, signal, f"off: {variable} is {variables.value(variable) or 'not set'} ({variables.whose(variable)})")
    level = INFO if signal == "logs" else WARNING
    return Finding(level, signal, "an SDK without exporters: they go nowhere", "Give its provider an exporter." if level == WARNING else "")


def _words(exporter: Exporter) -> str:
    if isinstance(exporter.live, console.GraphQLConsoleExporter):
        return "graphql_console, printed by this process"
    return f"{exporter.kind} to {shown(exporter.url)}" if exporter.url else exporter.kind


def _who(exporter: Exporter, variable: str) -> str:
    """Each decision with whose it was; those that were one person's are named together."""
    decisions = {"exporter": variables.origin([variable])}
    if exporter.kind in (HTTP, GRPC):
        signal = exporter.signal.upper()
        decisions["protocol"] = variables.origin([f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"])
        decisions["endpoint"] = variables.origin([f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])
    by_origin: dict[str, list[str]] = {}
    for decision, origin in decisions.items():
        by_origin.setdefault(origin, []).append(decision)
    return f" ({'; '.join(f'{joined(made)}: {origin}' for origin, made in by_origin.items())})"


def _unknown_names(signal: str) -> Iterator[Finding]:
    """An exporter that cannot be loaded stops the whole set-up, or exports nothing."""
    if not launch.is_automatic():
        return
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    protocol_variables = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    for name in [part.strip() for part in (variables.value(variable) or "").split(",") if part.strip() not in ("", "none")]:
        if name == "otlp":
            yield from _unknown_protocol(signal, protocol_variables)
            continue
        found = [*entry_points(group=f"opentelemetry_{signal}_exporter", name=name)]
        if not found:
            known = sorted({entry.name for entry in entry_points(group=f"opentelemetry_{signal}_exporter")} | {"none"})
            yield Finding(ERROR, signal, f"{variable} names {name!r}, which is not installed", f"One of: {', '.join(known)}.")
            continue
        try:
            found[0].load()
        except Exception as error:  # noqa: BLE001 - importing it runs whatever it does
            yield Finding(
                ERROR, signal, f"{variable} names {name!r}, which cannot be loaded: {first_line(error)}", "Install what it needs."
            )
        if name == "graphql_console" and console_exporter.RICH_MISSING:
            advice = 'pip install "otel-graphql-auto[console]"'
            yield Finding(ERROR, signal, "the graphql_console exporter prints nothing without rich", advice)


def _unknown_protocol(signal: str, protocol_variables: Iterable[str]) -> Iterator[Finding]:
    for variable in protocol_variables:
        protocol = variables.value(variable)
        if protocol is None:
            continue
        if protocol.strip() not in ("grpc", "http/protobuf"):
            message = f"{variable} is {protocol!r}, which stops the whole set-up"
            yield Finding(ERROR, signal, message, "Make it http/protobuf (port 4318) or grpc (port 4317), or leave it out.")
        return


def sampler() -> Iterator[Finding]:
    """Which traces are thrown away before anybody sees them."""
    live: Any = getattr(_innermost_provider(), "sampler", None)
    if live is None:
        return
    description = str(live.get_description()) if hasattr(live, "get_description") else named(live)
    who = variables.origin([OTEL_TRACES_SAMPLER])
    root = match.group(1) if (match := re.match(r"ParentBased\{root:([^,]*),", description)) else description
    ratio = float(match.group(1)) if (match := re.match(r"TraceIdRatioBased\{([0-9.e-]+)\}", root)) else None
    advice = f"Take {OTEL_TRACES_SAMPLER} out to have all traces; the collector can sample later, when it knows which were slow or failed."
    if root == "AlwaysOffSampler" or ratio == 0:
        yield Finding(WARNING, "sampler", f"no trace is kept that begins here ({who}); metrics count every operation", advice)
    elif ratio is not None and ratio < 1:
        yield Finding(INFO, "sampler", f"{ratio:.3%} of the traces that begin here are kept ({who}); metrics count every operation")
    elif root != "AlwaysOnSampler" and ratio is None:
        yield Finding(INFO, "sampler", f"{description}; metrics count every operation")


def _innermost_provider() -> Any:
    provider = provider_of("traces")
    return getattr(provider, "provider", provider)


def service() -> Iterator[Finding]:
    """Under which name all of this arrives."""
    resource = getattr(_innermost_provider(), "resource", None)
    if resource is None:
        return
    name = str(resource.attributes.get(semconv.SERVICE_NAME, ""))
    if not name or name.startswith("unknown_service"):
        yield Finding(WARNING, "service", f"the service has no name of its own: {name or 'none'}", "Set OTEL_SERVICE_NAME.")
        return
    who = variables.origin(["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"])
    if who == variables.SDKS:
        who = "from the Django project" if launch.is_automatic() else "named by code"
    yield Finding(OK, "service", f"{name} ({who})")


def late_variables() -> Iterator[Finding]:
    """Variables that settings.py or manage.py set: `opentelemetry-instrument` has set up the SDK by then."""
    # Other distributions set variables by themselves, in this process.
    is_ours = vars(distro.GraphQLDistro).get("_instance") is not None
    names = variables.came_late() if launch.is_automatic() and is_ours else []
    if names:
        message = f"set by code in this process after the SDK was set up: {', '.join(names)}"
        yield Finding(WARNING, "variables", f"{message}; that does nothing", "Set them where the process is started.")
