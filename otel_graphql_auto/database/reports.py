"""Says that an operation has an N+1 query: on its span, in a counter, and in a line of log that is not repeated all day."""

from __future__ import annotations

import logging
import os
from time import monotonic
from typing import Any

from opentelemetry.trace import Span, format_trace_id

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import new_lock, text
from otel_graphql_auto.database.findings import Finding
from otel_graphql_auto.operation import Operation

__all__ = ["WarningLog", "describe"]

_SECONDS_BETWEEN = 3600.0
"""One line about the same field in this time."""

_MAX_FIELDS = 5000

_logger = logging.getLogger("otel_graphql_auto.n_plus_one")


def describe(finding: Finding) -> dict[str, Any]:
    """The attributes of the event."""
    attributes: dict[str, Any] = {
        semconv.FIELD_SCHEMA_COORDINATE: finding.coordinate,
        semconv.DB_FINGERPRINT: finding.fingerprint,
        semconv.DB_QUERY_SUMMARY: finding.summary,
        semconv.N_PLUS_ONE_QUERY_COUNT: finding.query_count,
        semconv.N_PLUS_ONE_DURATION: finding.duration_ns / 1e9,
        semconv.N_PLUS_ONE_FIX: finding.fix,
    }
    if finding.relation is not None:
        attributes[semconv.N_PLUS_ONE_RELATION] = finding.relation
    if finding.file is not None and finding.line is not None:
        attributes[semconv.CODE_FILE_PATH] = finding.file
        attributes[semconv.CODE_LINE_NUMBER] = finding.line
    return attributes


class WarningLog:
    """The lines that this process has logged, by field."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}
        self._lock = new_lock(reentrant=True)

    def log(self, operation: Operation, finding: Finding, span: Span | None) -> None:
        """Log one WARNING with the field, the numbers, the code, the remedy and the trace, unless one was logged within the hour."""
        now = monotonic()
        with self._lock:
            if now - self._logged.get(finding.coordinate, -_SECONDS_BETWEEN) < _SECONDS_BETWEEN:
                return
            if len(self._logged) >= _MAX_FIELDS:
                self._logged.clear()
            self._logged[finding.coordinate] = now
        name = text(operation.name or "(anonymous)", semconv.MAX_NAME)
        trace_id = format_trace_id(span.get_span_context().trace_id) if span is not None and span.is_recording() else None
        numbers = {
            "operation_name": name,
            "operation_type": operation.type,
            "schema_coordinate": finding.coordinate,
            "query_count": finding.query_count,
            "duration_ms": round(finding.duration_ns / 1e6, 1),
            "fix": finding.fix,
            "trace_id": trace_id,
        }
        _logger.warning(
            "N+1 in GraphQL %s %s: %s ran %r %d times (%.1f ms)%s. Remedy: %s. trace_id=%s",
            operation.type or "operation",
            name,
            finding.coordinate,
            finding.summary,
            finding.query_count,
            numbers["duration_ms"],
            _code(finding),
            finding.advice,
            trace_id,
            extra=numbers,
        )


def _code(finding: Finding) -> str:
    if finding.file is None:
        return ""
    try:
        file = os.path.relpath(finding.file)
    except (OSError, ValueError):  # the working directory is gone, or on another drive
        file = finding.file
    return f", from {file}:{finding.line}"
