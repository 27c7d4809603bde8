"""The metric records of operations and subscription events."""

from __future__ import annotations

from typing import Any

from otel_graphql_auto import semconv
from otel_graphql_auto.execution.errors import error_type
from otel_graphql_auto.execution.failures import ErrorTypes, Failure
from otel_graphql_auto.execution.names import OperationNames
from otel_graphql_auto.execution.options import Options
from otel_graphql_auto.execution.schemas import SchemaNames
from otel_graphql_auto.execution.telemetry import Instruments
from otel_graphql_auto.operation import Operation

__all__ = ["Records"]


class Records:
    """Writes numbers to instruments, under the attributes that the admission rules allow."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._schemas = SchemaNames()
        self._error_types = ErrorTypes()
        self._names = OperationNames(1)

    def use(self, options: Options) -> None:
        """Take over what the settings say of names. Those admitted stay, unless the rule that admitted them has changed."""
        if self._names.rule != (options.names_limit, options.manifest.names):
            self._names = OperationNames(options.names_limit, options.manifest.names)
        self._instruments.names = self._names

    def began(self, operation: Operation) -> None:
        """One more operation is active."""
        self._instruments.active.add((operation.type or "",))

    def left(self, operation: Operation) -> None:
        """One fewer."""
        self._instruments.active.add((operation.type or "",), -1)

    def labels(self, operation: Operation) -> dict[str, Any]:
        """The type of an operation and its name as metrics may have it. To be asked once for each: it counts as a sighting of the name."""
        labels: dict[str, Any] = {}
        if operation.type is not None:
            labels[semconv.OPERATION_TYPE] = operation.type
        # Only what was executed is known to exist: nothing else brings a name nearer to admission.
        name = self._names.label(operation.name, valid=operation.claimed and operation.definition is not None)
        if name == semconv.OTHER:
            self._instruments.overflow.add(())
        if name is not None:
            labels[semconv.OPERATION_NAME] = name
        return labels

    def ended(self, operation: Operation, failure: Failure | None, *, slow: bool) -> None:
        """Record an operation that is over."""
        instruments, context = self._instruments, operation.otel_context
        labels = operation.labels if operation.labels is not None else self.labels(operation)
        schema_name = operation.schema_name = self._schemas.name(operation.schema)
        if schema_name is None and failure is None:
            instruments.request_duration.record(operation.duration_ns / 1e9, labels, context)
        else:
            instruments.request_duration.record(operation.duration_ns / 1e9, self._more(labels, schema_name, failure), context)
        for phase in operation.phases:
            attributes = {semconv.PROCESSING_TYPE: phase.type}
            if operation.type is not None:
                attributes[semconv.OPERATION_TYPE] = operation.type
            if phase.error is not None:
                attributes[semconv.ERROR_TYPE] = self._error_types.label(error_type([phase.error], phase.type))
            instruments.processing_duration.record((phase.ended - phase.started) / 1e9, attributes, context)
        if operation.type != "subscription" or failure is not None:  # each event of a subscription is a response of its own
            instruments.error_count.record(len(operation.errors), labels, context)
        if slow:
            instruments.slow.add(1, labels, context)
        self._fields(operation, failure, context)

    def event_ended(self, operation: Operation, duration_ns: int, failure: Failure | None, context: Any) -> None:
        """Record an event of a subscription."""
        instruments = self._instruments
        attributes: dict[str, Any] = {}
        name = self._names.label(operation.name, valid=True)
        if name is not None:
            attributes[semconv.OPERATION_NAME] = name
        labels = {semconv.OPERATION_TYPE: "subscription", **attributes}
        instruments.error_count.record(len(failure.errors) if failure is not None else 0, labels, context)
        if failure is not None:
            attributes[semconv.ERROR_TYPE] = self._error_types.label(failure.type)
        instruments.event_count.add(1, attributes, context)
        instruments.event_duration.record(duration_ns / 1e9, attributes, context)
        self._fields(operation, failure, context)

    def _more(self, labels: dict[str, Any], schema_name: str | None, failure: Failure | None) -> dict[str, Any]:
        more = dict(labels)
        if schema_name is not None:
            more[semconv.SCHEMA_NAME] = schema_name
        if failure is not None:
            more[semconv.ERROR_TYPE] = self._error_types.label(failure.type)
            more[semconv.FAULT] = failure.fault
        return more

    def _fields(self, operation: Operation, failure: Failure | None, context: Any) -> None:
        instruments = self._instruments
        if failure is not None:
            failure.count_by_field(instruments.field_errors, self._error_types)
        for coordinate, nanoseconds in (operation.fields or {}).items():
            instruments.field_duration.record(nanoseconds / 1e9, {semconv.FIELD_SCHEMA_COORDINATE: coordinate}, context)
        for coordinate in operation.deprecated or ():
            instruments.field_deprecated.add(1, {semconv.FIELD_SCHEMA_COORDINATE: coordinate}, context)
