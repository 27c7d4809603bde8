"""What the errors of a response mean: their type, whose fault they are, and what of their messages may be shown. Pure."""

from __future__ import annotations

import re
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import text, type_name

__all__ = ["CLIENT_CODES", "cause_of", "code_of", "error_type", "fault", "without_values"]

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
    if isinstance(cause, CancelledError | GeneratorExit):
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
