"""Whether the spans of the doctor's requests are exported: not an empty message this time, and by the processor that always does it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

from otel_graphql_auto.console import GraphQLConsoleExporter
from otel_graphql_auto.doctor.pipelines import exporters, otlp, provider_of
from otel_graphql_auto.finding import ERROR, OK, Finding

__all__ = ["delivery", "end_console", "silence"]

_LOGGER = "opentelemetry"
"""The SDK tells of exports that fail by logging alone."""


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def delivery() -> Iterator[Finding]:
    """One row."""
    provider = provider_of("traces")
    if not hasattr(provider, "force_flush"):
        return
    logger, kept = logging.getLogger(_LOGGER), _Kept()
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(kept)
    try:
        flushed = provider.force_flush(3000)
    finally:
        logger.removeHandler(kept)
        logger.propagate = propagated
    if flushed is False or kept.messages:
        said = f": {_without_secrets(kept.messages[0])}" if kept.messages else ""
        yield Finding(ERROR, "export", f"the spans of these requests were not exported{said}", "Look at the endpoint's own log.")
    else:
        yield Finding(OK, "export", "the spans of these requests were exported")


def end_console(*, flush: bool) -> Iterator[Finding]:
    """Have the console exporter print its lines before the report, and no table of the doctor's own operations after it."""
    consoles = [one.live for one in exporters("traces") or () if isinstance(one.live, GraphQLConsoleExporter)]
    if consoles and flush:
        provider_of("traces").force_flush(1000)
    for console in consoles:
        console.mute()
    return iter(())


def _without_secrets(message: str) -> str:
    """Some backends take a key in the query of the address, and errors name that."""
    for exporter in otlp():
        query = urlsplit(exporter.url).query
        message = message.replace(query, "[hidden]") if query else message
    return message


def silence() -> None:
    """Have nothing more logged of exports that fail while the process ends: the report has said it."""
    logger = logging.getLogger(_LOGGER)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
