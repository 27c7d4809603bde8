"""Logging in JSON lines that lead to traces: the formatter, and a whole LOGGING for Django around it."""

from __future__ import annotations

import functools
import json
import logging
from typing import Any

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter as StockJsonFormatter

from otel_graphql_auto._safety import text

__all__ = ["JsonFormatter", "logging_config"]

_LEFT_OUT = ("request", "server_time")
"""What Django adds to its records: the request shows its whole query string, in which GraphQL over GET has literals."""


class JsonFormatter(StockJsonFormatter):
    """One JSON object a line: `timestamp` (ISO 8601, UTC), `level`, `logger`, `message`, `exc_info`, and whatever `extra` holds.

    Inside a span also `trace_id`, `span_id` and `trace_flags`, in the form that OpenTelemetry's "Trace Context in non-OTLP Log Formats" gives.
    """

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, *_LEFT_OUT],
            timestamp=True,
            json_serializer=functools.partial(json.dumps, allow_nan=False),
        )

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Add the ids. A record that names its trace itself keeps that: it may be written after its operation has ended."""
        super().add_fields(log_data, record, message_dict)
        context = get_current_span().get_span_context()
        if context.is_valid and "trace_id" not in log_data:
            log_data["trace_id"] = format_trace_id(context.trace_id)
            log_data["span_id"] = format_span_id(context.span_id)
            log_data["trace_flags"] = f"{context.trace_flags:02x}"

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """The line. What JSON cannot hold (a cycle, a tuple as key, NaN) is written as text, so that the rest is not lost."""
        try:
            return super().jsonify_log_record(log_data)
        except (TypeError, ValueError, RecursionError):
            return super().jsonify_log_record({text(key): self._holdable(value) for key, value in log_data.items()})

    def _holdable(self, value: Any) -> Any:
        try:
            super().jsonify_log_record({"value": value})
        except (TypeError, ValueError, RecursionError):
            return text(value)
        return value


def logging_config(level: str = "INFO", *, stream: str = "ext://sys.stdout") -> dict[str, Any]:
    """A LOGGING for Django: everything from `level` up as JSON lines to `stream`. A new dict at each call, to be changed at will."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"require_debug_false": {"()": "django.utils.log.RequireDebugFalse"}},
        "formatters": {"json": {"()": "otel_graphql_auto.logs.JsonFormatter"}},
        "handlers": {
            "json": {"class": "logging.StreamHandler", "formatter": "json", "stream": stream},
            "mail_admins": {"level": "ERROR", "filters": ["require_debug_false"], "class": "django.utils.log.AdminEmailHandler"},
        },
        "loggers": {
            # Named to take Django's own handlers away, which would say everything twice; its mails to ADMINS stay.
            "django": {"level": level, "handlers": ["mail_admins"]},
            "django.server": {
                "level": level,
                "handlers": ["json"],
                "propagate": False,
            },  # its errors are django.request's, which mails them
        },
        "root": {"level": level, "handlers": ["json"]},
    }
