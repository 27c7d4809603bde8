"""Adapter for graphql-core 3.2: whoever parses, validates, executes or subscribes, with or without a view.

Arguments are passed on as they come, and read by name or by the first six positions, which no 3.2 release has moved.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from graphql.language.ast import DocumentNode

# Bound here once, before it is wrapped.
from graphql.utilities.get_operation_ast import get_operation_ast as _get_operation_ast

from otel_graphql_auto import lifecycle
from otel_graphql_auto._safety import guard
from otel_graphql_auto.frameworks._awaiting import observed
from otel_graphql_auto.operation import BEGUN, Operation, current

__all__ = [
    "around_definition",
    "around_execute",
    "around_impl",
    "around_parse",
    "around_schema",
    "around_validate",
    "around_variables",
    "begin",
    "enter",
]

_POSITIONS = {"schema": 0, "document": 1, "context_value": 3, "variable_values": 4, "operation_name": 5}


def _argument(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    position = _POSITIONS[name]
    return args[position] if len(args) > position else kwargs.get(name)


def around_parse(parse: Callable[..., Any]) -> Callable[..., Any]:
    """`parse`, timed when it parses the document of an operation that has begun."""

    def parse_observed(*args: Any, **kwargs: Any) -> Any:
        operation = current.get()
        if operation is None or operation.state != BEGUN:
            return parse(*args, **kwargs)
        if operation.document is not None:
            return _parse_again(parse, operation, args, kwargs)
        operation.phases.clear()  # the last document that is parsed is the one that runs: others were looked at
        _note(operation, args, kwargs)
        started = perf_counter_ns()
        document = lifecycle.answer("parse", operation, *args[:1])
        if document is None:
            try:
                document = parse(*args, **kwargs)
            except BaseException as error:
                _add_phase(operation, "parse", started, (error,))
                raise
        _add_phase(operation, "parse", started)
        operation.parsed = document
        return document

    return parse_observed


def _note_source(operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    operation.source = _text_of(args[0] if args else kwargs.get("source"))


def _text_of(source: Any) -> str | None:
    return source if isinstance(source, str) else getattr(source, "body", None)


_note = guard("graphql-core", _note_source)
_add_phase = guard("graphql-core", Operation.add_phase)


def _parse_again(parse: Callable[..., Any], operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The view of graphene-django 3.1 parses, and then has the schema parse the same text: the second document is the one that runs."""
    if len(operation.phases) != 1 or args[:1] != (operation.source,):
        return parse(*args, **kwargs)
    document = lifecycle.answer("parse", operation, *args)
    if document is None:
        document = parse(*args, **kwargs)
    _replace(operation, document)
    return document


def _replace_document(operation: Operation, document: Any) -> None:
    operation.parsed = operation.document = document
    operation.definition = _get_operation_ast(document, operation.name)


_replace = guard("graphql-core", _replace_document)


def around_schema(validate_schema: Callable[..., Any]) -> Callable[..., Any]:
    """`validate_schema`, which everyone calls first: a schema that is not valid fails every operation."""

    def validate_schema_observed(*args: Any, **kwargs: Any) -> Any:
        errors = validate_schema(*args, **kwargs)
        operation = current.get()
        if errors and operation is not None and operation.state == BEGUN:
            operation.errors = errors
            operation.failed_in = "schema"
        return errors

    return validate_schema_observed


def around_definition(get_operation_ast: Callable[..., Any]) -> Callable[..., Any]:
    """`get_operation_ast`, which a view calls between parsing and validating: it tells which operation of the document will run."""

    def get_operation_ast_observed(*args: Any, **kwargs: Any) -> Any:
        definition = get_operation_ast(*args, **kwargs)
        operation = current.get()
        if operation is not None and operation.state == BEGUN and args and operation.parsed is args[0]:
            lifecycle.identified(operation, args[0], definition)
        return definition

    return get_operation_ast_observed


def around_validate(validate: Callable[..., Any]) -> Callable[..., Any]:
    """`validate`, timed when it validates the document of an operation that has begun."""

    def validate_observed(*args: Any, **kwargs: Any) -> Any:
        operation = current.get()
        document = args[1] if len(args) > 1 else kwargs.get("document_ast")
        if operation is None or operation.state != BEGUN or (operation.document or document) is not document:
            return validate(*args, **kwargs)
        schema = operation.schema = args[0] if args else kwargs.get("schema")
        _identify(operation, document, surely=False)
        started = perf_counter_ns()
        errors = lifecycle.answer("validate", operation, schema, document)
        if errors is None:
            try:
                errors = validate(*args, **kwargs)
            except BaseException as error:
                _add_phase(operation, "validate", started, (error,))
                raise
        _add_phase(operation, "validate", started, errors)
        if errors:
            _identify(operation, document)
        return errors

    return validate_observed


def _find_and_identify(operation: Operation, document: Any, *, surely: bool = True) -> None:
    """Without `surely`, an operation that only its name tells from others in the document can wait until the name is known."""
    # Callers may pass anything; what is no document fails in the library as it does without us.
    if operation.document is None and isinstance(document, DocumentNode):
        definition = _get_operation_ast(document, operation.requested_name)
        if surely or definition is not None:
            lifecycle.identified(operation, document, definition)


_identify = guard("graphql-core", _find_and_identify)


def around_execute(execute: Callable[..., Any]) -> Callable[..., Any]:
    """`execute`: it runs the operation that has begun, or is one of its own."""

    def execute_observed(*args: Any, **kwargs: Any) -> Any:
        operation, owned = enter(args, kwargs)
        if operation is None:
            return execute(*args, **kwargs)
        started = perf_counter_ns()
        result = lifecycle.answer("execute", operation)
        if result is None:
            try:
                result = execute(*args, **kwargs)
            except BaseException as error:
                lifecycle.executed(operation, started, None, error)
                if owned:
                    lifecycle.end(operation, error)
                raise
            if hasattr(type(result), "__await__"):
                return observed(
                    result, operation, owned=owned, done=lambda value, error: lifecycle.executed(operation, started, value, error)
                )
        lifecycle.executed(operation, started, result, None)
        if owned:
            lifecycle.end(operation)
        return result

    return execute_observed


def _enter_execution(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Operation | None, bool]:
    document, name = _argument("document", args, kwargs), _argument("operation_name", args, kwargs)
    operation = current.get()
    owned = operation is None or operation.state != BEGUN
    if operation is None or owned:
        operation = begin(args, kwargs)
        if operation is None:
            return None, False
    operation.requested_name = operation.requested_name or name
    _identify(operation, document)
    if operation.document is not document and isinstance(document, DocumentNode):
        # The application has changed it since: what runs is what counts.
        operation.document, operation.definition = document, _get_operation_ast(document, name or operation.name)
    lifecycle.claim(operation, _argument("schema", args, kwargs), _argument("variable_values", args, kwargs))
    return operation, owned


_entered = guard("graphql-core", _enter_execution)


def enter(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Operation | None, bool]:
    """The operation that `execute` or `subscribe` is called for, claimed, and whether it is one of that call's own."""
    entered: tuple[Operation | None, bool] | None = _entered(args, kwargs)
    return entered or (None, False)


def _begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Operation | None:
    request, name = _request_in(_argument("context_value", args, kwargs)), _argument("operation_name", args, kwargs)
    return lifecycle.begin(request, name, inside=True)


begin = guard("graphql-core", _begin)
"""An operation for a call that executes a document, with these arguments."""


def _request_in(context: Any) -> Any:
    """The HTTP request, where the application made it the context value."""
    module = sys.modules.get("django.http.request")
    # By its type: a lazy object must not be made to look up what it stands for.
    return context if module is not None and issubclass(type(context), module.HttpRequest) else None


def around_impl(graphql_impl: Callable[..., Any]) -> Callable[..., Any]:
    """`graphql_impl`, which `graphql()`, `graphql_sync()` and graphene's `Schema.execute` and `.execute_async` all come down to."""

    def graphql_impl_observed(*args: Any, **kwargs: Any) -> Any:
        if _joins(args, kwargs):
            return graphql_impl(*args, **kwargs)
        operation = begin(args, kwargs)
        if operation is None:
            return graphql_impl(*args, **kwargs)
        try:
            result = graphql_impl(*args, **kwargs)
        except BaseException as error:
            lifecycle.end(operation, error)
            raise
        if hasattr(type(result), "__await__"):
            return observed(result, operation, owned=True)
        lifecycle.end(operation)
        return result

    return graphql_impl_observed


def _joins_begun(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether this call executes what a view has begun: nothing is parsed yet, or it was this very text (graphene-django 3.1)."""
    operation = current.get()
    if operation is None or operation.state != BEGUN:
        return False
    if operation.phases and operation.source != _text_of(args[1] if len(args) > 1 else kwargs.get("source")):
        return False
    operation.requested_name = operation.requested_name or _argument("operation_name", args, kwargs)
    return True


_joins = guard("graphql-core", _joins_begun)


def around_variables(get_variable_values: Callable[..., Any]) -> Callable[..., Any]:
    """`get_variable_values`, timed where an operation declares variables."""

    def get_variable_values_observed(*args: Any, **kwargs: Any) -> Any:
        operation = current.get()
        declared = args[1] if len(args) > 1 else kwargs.get("var_def_nodes")
        if operation is None or not declared or operation.definition is None or declared is not operation.definition.variable_definitions:
            return get_variable_values(*args, **kwargs)
        if operation.phases and operation.phases[-1].type == "execute":
            return get_variable_values(*args, **kwargs)  # once more for each event of a subscription
        started = perf_counter_ns()
        values = get_variable_values(*args, **kwargs)
        _add_phase(operation, "variable_coercion", started, values if isinstance(values, list) else ())
        return values

    return get_variable_values_observed
