"""What the errors of a response mean: their type, whose fault they are, and which field of the schema they belong to. Pure."""

from __future__ import annotations

import re
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import text, type_name

__all__ = ["CLIENT_CODES", "cause_of", "code_of", "coordinate_at", "error_type", "fault", "path_text", "without_values"]

CLIENT_CODES = frozenset(
    {
        "BAD_REQUEST",
        "BAD_USER_INPUT",
        "CONFLICT",
        "FORBIDDEN",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "NOT_FOUND",
        "OPERATION_RESOLUTION_FAILURE",
        "PERMISSION_DENIED",
        "PERSISTED_QUERY_NOT_FOUND",
        "PERSISTED_QUERY_NOT_SUPPORTED",
        "RATE_LIMITED",
        "TOO_MANY_REQUESTS",
        "UNAUTHENTICATED",
        "UNAUTHORIZED",
        "VALIDATION_ERROR",
    }
)
"""Values of `extensions.code` that say the client did something wrong, as servers and specifications in wide use name them."""

_CLIENT_PHASES = ("parse", "validate", "variable_coercion")
_MAX_TYPE = 100
"""Characters of an error type."""

_QUOTED_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"?')
_VALUE = re.compile(r"((?:invalid value|value:|, found|Unexpected (?:Int|Float|String|BlockString)) ).*", re.DOTALL)
"""Where the library's messages quote a value: from here to the end of the message it is the client's."""


def code_of(error: BaseException) -> str | None:
    """`extensions.code` of a GraphQL error, where it is a string."""
    extensions = getattr(error, "extensions", None)
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return text(code, _MAX_TYPE) if isinstance(code, str) and code else None


def cause_of(error: BaseException) -> BaseException | None:
    """The exception behind a GraphQL error; None where the GraphQL error itself was raised or made by the library."""
    seen = error
    for _ in range(10):
        original = getattr(seen, "original_error", None)
        if original is None:
            break
        seen = original
    return None if isinstance(seen, GraphQLError) else seen


def error_type(errors: Sequence[BaseException], failed_in: str | None) -> str:
    """`error.type` of a response: the first error's code, else the phase that failed, else the class of what was raised."""
    first = errors[0]
    code = code_of(first)
    if code is not None:
        return code
    if failed_in == "parse":
        return semconv.PARSE_FAILED
    if failed_in == "validate":
        return semconv.VALIDATION_FAILED
    cause = cause_of(first)
    return text(type_name(cause), _MAX_TYPE) if cause is not None else "GraphQLError"


def fault(errors: Sequence[BaseException], failed_in: str | None, classify: Callable[[BaseException], Any] | None = None) -> str:
    """Whose fault a response with these errors is: the server's as soon as one of them is, and that of an invalid schema in any case."""
    if failed_in == "schema":
        return semconv.FAULT_SERVER
    for error in errors:
        verdict = classify(error) if classify is not None else None
        if verdict not in (semconv.FAULT_CLIENT, semconv.FAULT_SERVER):
            verdict = semconv.FAULT_CLIENT if failed_in in _CLIENT_PHASES or _is_client_fault(error) else semconv.FAULT_SERVER
        if verdict == semconv.FAULT_SERVER:
            return semconv.FAULT_SERVER
    return semconv.FAULT_CLIENT


def _is_client_fault(error: BaseException) -> bool:
    if code_of(error) in CLIENT_CODES:
        return True
    cause = cause_of(error)
    if cause is None:
        nodes = getattr(error, "nodes", None)
        if nodes and not isinstance(nodes[0], FieldNode | OperationDefinitionNode):
            return True  # an argument that could not be coerced when its field was executed
        # Without a path it was found before any field ran, such as an operationName that the document does not have.
        return getattr(error, "path", None) is None
    if isinstance(cause, CancelledError):
        return True  # the client has hung up
    status = getattr(getattr(cause, "response", None), "status_code", None)  # graphene-django's HttpError
    return isinstance(status, int) and 400 <= status < 500


def without_values(error: BaseException, message: str) -> str:
    """The message of an error that the library itself made, without the literals and variables that it quotes.

    Messages of exceptions, and of errors that resolvers raise, are the application's words and stay as they are.
    """
    nodes = getattr(error, "nodes", None)
    if cause_of(error) is not None or (getattr(error, "path", None) and nodes and isinstance(nodes[0], FieldNode)):
        return message
    return _QUOTED_VALUE.sub('"…"', _VALUE.sub(r"\1…", message))


def path_text(path: Sequence[str | int]) -> str:
    """A response path as the conventions write it: `person[0].address`."""
    written = ""
    for key in path:
        written += f"[{key}]" if isinstance(key, int) else f".{key}" if written else str(key)
    return text(written)


def coordinate_at(
    schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode, path: Sequence[str | int]
) -> str | None:
    """The schema coordinate of the field at a response path, found in the document. None where there is none.

    Below an interface or a union the coordinate is that of the type that the document selects the field on.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    root = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    places: list[tuple[Any, SelectionSetNode]] = [(root[definition.operation.value], definition.selection_set)]
    coordinate = None
    for key in path:
        if isinstance(key, int):
            continue
        found = [(owner, node) for place in places for owner, node in _fields(schema, fragments, *place) if _response_name(node) == key]
        if not found:
            return None
        owner, node = found[0]
        declared = owner.fields.get(node.name.value) if isinstance(owner, GraphQLObjectType | GraphQLInterfaceType) else None
        if declared is None:
            return None
        coordinate = f"{owner.name}.{node.name.value}"
        below = get_named_type(declared.type)
        places = [(below, node.selection_set) for _, node in found if node.selection_set is not None]
    return coordinate


def _response_name(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _fields(
    schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], owner: Any, selections: SelectionSetNode
) -> Iterator[tuple[Any, FieldNode]]:
    """The fields of a selection set with the types they are selected on, fragments looked through, each once."""
    waiting = [(owner, selections)]
    spread: set[str] = set()
    while waiting:
        owner, selections = waiting.pop()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield owner, node
                continue
            fragment: Any = node
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in spread or node.name.value not in fragments:
                    continue
                spread.add(node.name.value)
                fragment = fragments[node.name.value]
            condition = fragment.type_condition
            waiting.append(((schema.get_type(condition.name.value) if condition else None) or owner, fragment.selection_set))
