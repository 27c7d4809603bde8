"""The settings of this room as the hot path wants them: thresholds in nanoseconds, dotted paths imported, the manifest read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

from opentelemetry.trace import SpanKind

from otel_graphql_auto import settings
from otel_graphql_auto.execution.document import Manifest, read_manifest

__all__ = ["Options"]

_logger = logging.getLogger("otel_graphql_auto")
_NS_PER_MS = 1_000_000


class Options:
    """One reading of the settings. Made anew when they change."""

    def __init__(self) -> None:
        values = settings.get()
        self.threshold_ns = int(values.SLOW_QUERY_THRESHOLD * _NS_PER_MS)
        self.threshold_by_name = {name: int(number * _NS_PER_MS) for name, number in values.SLOW_QUERY_THRESHOLDS.items()}
        self.classify = _callable(values.ERROR_CLASSIFIER)
        self.request_hook = _callable(values.REQUEST_HOOK)
        self.response_hook = _callable(values.RESPONSE_HOOK)
        self.span_kind = SpanKind.SERVER if values.SPAN_KIND == "server" else SpanKind.INTERNAL
        self.names_in_spans = values.SPAN_NAMES == "type_and_name"
        self.phase_spans = values.PHASE_SPANS
        self.field_spans = values.FIELD_SPANS
        self.capture_document = values.CAPTURE_DOCUMENT
        self.capture_variables = values.CAPTURE_VARIABLES
        self.capture_user = values.CAPTURE_USER
        self.names_limit = values.OPERATION_NAMES_LIMIT
        self.manifest = _manifest(values.OPERATION_MANIFEST)


def _callable(value: Any) -> Callable[..., Any] | None:
    if not isinstance(value, str):
        return value if callable(value) else None
    try:
        target = resolve_name(value)
    except Exception as error:  # noqa: BLE001 - importing runs whatever the module does
        _logger.warning("%s cannot be imported (%s); it is ignored", value, error)
        return None
    return target if callable(target) else None


def _manifest(path: str | None) -> Manifest:
    try:
        return read_manifest(path)
    except (OSError, ValueError, RecursionError) as error:
        _logger.warning("The operation manifest cannot be used (%s); no operation is declared", error)
        return read_manifest(None)
