"""What went wrong in an operation or a subscription event, as attributes, events, log records and counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.metrics import Counter
from opentelemetry.trace import Span, Status, StatusCode

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import guard, new_lock, text, type_name
from otel_graphql_auto.execution.coordinates import Coordinates
from otel_graphql_auto.execution.errors import cause_of, error_type, fault, without_values
from otel_graphql_auto.execution.options import Options
from otel_graphql_auto.operation import Operation, path_text

__all__ = ["ErrorTypes", "Failure"]

_MAX_EVENTS = 10
"""The draft's default."""

_MAX_COORDINATES = 100
"""Places in one response whose coordinate is looked up; errors at further places are counted under `_OTHER`."""

_MAX_TYPES = 100
"""Error types in metrics, for each process."""


class ErrorTypes:
    """The error types that metrics have carried, at most a hundred in a process: `extensions.code` is whatever an application writes."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = new_lock()

    def label(self, kind: str) -> str:
        """`kind`, or `_OTHER` once there are too many."""
        if kind in self._seen:
            return kind
        with self._lock:
            if len(self._seen) >= _MAX_TYPES:
                return semconv.OTHER
            self._seen.add(kind)
        return kind


class Failure:
    """The errors of one response. `partial` says that it has data all the same."""

    def __init__(self, operation: Operation, errors: Sequence[BaseException], result: Any, failed_in: str | None, options: Options) -> None:
        classify = options.classify
        self.operation = operation
        self._hides = not (options.capture_variables if failed_in == "variable_coercion" else options.capture_document == "full")
        self.errors = errors
        self.partial = getattr(result, "data", None) is not None
        self.type = error_type(errors, failed_in)
        self.fault = fault(errors, failed_in, guard("hooks", classify) if classify is not None else None)
        self._coordinates: dict[tuple[str, ...], str | None] = {}
        self._finder: Coordinates | None = None
        if operation.schema is not None and operation.document is not None and operation.definition is not None:
            self._finder = Coordinates(operation.schema, operation.document, operation.definition)

    def mark(self, span: Span) -> None:
        """Put type, fault, status and the first errors on the span that represents the work."""
        span.set_attributes({semconv.ERROR_TYPE: self.type, semconv.FAULT: self.fault, semconv.GRAPHQL_ERROR_COUNT: len(self.errors)})
        count = len(self.errors)
        description = f"Partial success: {count} error{'s' if count > 1 else ''}" if self.partial else None
        span.set_status(Status(StatusCode.ERROR, description))
        for error in self.errors[:_MAX_EVENTS]:
            span.add_event(semconv.EVENT_ERROR, self._describe(error))

    def log(self, logger: Logger, context: Any) -> None:
        """The same events as log records, for whoever exports logs."""
        if not logger.enabled(context=context, event_name=semconv.EVENT_ERROR):
            return
        severity = SeverityNumber.WARN if self.partial else SeverityNumber.ERROR
        for error in self.errors[:_MAX_EVENTS]:
            logger.emit(
                LogRecord(
                    context=context,
                    severity_number=severity,
                    severity_text=severity.name,
                    body=self._message(error),
                    attributes=self._describe(error),
                    event_name=semconv.EVENT_ERROR,
                )
            )

    def count_by_field(self, counter: Counter, types: ErrorTypes) -> None:
        """Add each error that has a place in the response to the count of its field."""
        counts: dict[tuple[str, str], int] = {}
        for error in self.errors:
            coordinate = self._coordinate(error)
            if coordinate is not None:
                key = coordinate, types.label(error_type([error], None))
                counts[key] = counts.get(key, 0) + 1
        for (coordinate, kind), count in counts.items():
            counter.add(count, {semconv.FIELD_SCHEMA_COORDINATE: coordinate, semconv.ERROR_TYPE: kind})

    def _describe(self, error: BaseException) -> dict[str, Any]:
        described: dict[str, Any] = {semconv.GRAPHQL_ERROR_MESSAGE: self._message(error)}
        locations = getattr(error, "locations", None)
        if locations:
            described[semconv.DOCUMENT_LOCATIONS] = json.dumps([{"line": place.line, "column": place.column} for place in locations[:10]])
        path = getattr(error, "path", None)
        if path:
            described[semconv.FIELD_PATH] = path_text(path)
        coordinate = self._coordinate(error)
        if coordinate is not None and coordinate != semconv.OTHER:
            described[semconv.FIELD_SCHEMA_COORDINATE] = coordinate
        cause = cause_of(error)
        if cause is not None:
            described[semconv.EXCEPTION_TYPE] = type_name(cause)
            described[semconv.EXCEPTION_MESSAGE] = text(cause)
        if self.operation.type:
            described[semconv.OPERATION_TYPE] = self.operation.type
        if self.operation.name:
            described[semconv.OPERATION_NAME] = text(self.operation.name, semconv.MAX_NAME)
        return described

    def _message(self, error: BaseException) -> str:
        message = text(getattr(error, "message", None) or error)
        return without_values(error, message) if self._hides else message

    def _coordinate(self, error: BaseException) -> str | None:
        path = getattr(error, "path", None)
        if not path or self._finder is None:
            return None
        place = tuple(key for key in path if isinstance(key, str))
        if place not in self._coordinates:
            if len(self._coordinates) >= _MAX_COORDINATES:
                return semconv.OTHER
            self._coordinates[place] = self._finder.at(place)
        return self._coordinates[place]
