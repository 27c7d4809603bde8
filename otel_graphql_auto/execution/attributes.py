"""What an operation span says about its request: client, server, user, variables, document. Client-supplied text is cut and escaped."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import guard, text
from otel_graphql_auto.execution.document import redacted
from otel_graphql_auto.execution.options import Options
from otel_graphql_auto.operation import Operation

__all__ = ["request_attributes"]

_MAX_CLIENT = 100
_MAX_DOCUMENT = 10_000
"""Characters of a client's name, version, host or id, and of a document or its variables, that are kept."""

_MAX_DEPTH = 20
"""Levels of nested variables that are shown."""

_SECRET = re.compile(r"pass|secret|token|auth|credential|session|cookie|api_?key|private|ssn|card|cvv|pin\b", re.IGNORECASE)
_HIDDEN = "[redacted]"

_CLIENT_HEADERS = (
    (semconv.CLIENT_NAME, ("HTTP_APOLLOGRAPHQL_CLIENT_NAME", "HTTP_GRAPHQL_CLIENT_NAME")),
    (semconv.CLIENT_VERSION, ("HTTP_APOLLOGRAPHQL_CLIENT_VERSION", "HTTP_GRAPHQL_CLIENT_VERSION")),
)


def request_attributes(operation: Operation, options: Options) -> dict[str, Any]:
    """Attributes that only a recorded span needs."""
    attributes: dict[str, Any] = {}
    digest = operation.document_hash
    if digest is not None:
        attributes[semconv.DOCUMENT_HASH] = digest
    if operation.request is not None:
        _describe_request(operation.request, attributes)
        if options.capture_user:
            _user(operation.request, attributes)
    if operation.schema_name is not None:
        attributes[semconv.SCHEMA_NAME] = operation.schema_name
    if options.capture_document != "never":
        document = _document_text(operation, options.capture_document)
        if document is not None:
            attributes[semconv.DOCUMENT_TEXT] = text(document, _MAX_DOCUMENT)
    if options.capture_variables and operation.variables:
        attributes[semconv.VARIABLES] = text(json.dumps(_without_secrets(operation.variables), default=str), _MAX_DOCUMENT)
    return attributes


def _describe_request(request: Any, attributes: dict[str, Any]) -> None:
    meta = request.META
    for attribute, headers in _CLIENT_HEADERS:
        for header in headers:
            if header in meta:
                attributes[attribute] = text(meta[header], _MAX_CLIENT)
                break
    # Not request.get_host(): it raises for a host that is not allowed.
    address, port = _server(meta.get("HTTP_HOST") or f"{meta.get('SERVER_NAME', '')}:{meta.get('SERVER_PORT', '')}")
    if address:
        attributes[semconv.SERVER_ADDRESS] = address
        if port is not None and port != (443 if request.scheme == "https" else 80):
            attributes[semconv.SERVER_PORT] = port


@functools.lru_cache(maxsize=256)
def _server(host: str) -> tuple[str, int | None]:
    """Address and port of a Host header, in which an IPv6 address stands in brackets."""
    address, _, port = host.rpartition(":")
    if address and port.isascii() and port.isdigit() and len(port) <= 5:
        return text(address.strip("[]"), _MAX_CLIENT), int(port)
    return text(host.strip("[]"), _MAX_CLIENT), None


def _describe_user(request: Any, attributes: dict[str, Any]) -> None:
    user = getattr(request, "user", None)
    if user is not None and getattr(user, "is_authenticated", False):
        attributes[semconv.USER_ID] = text(user.pk, _MAX_CLIENT)


_user = guard("execution", _describe_user)
"""By itself: loading a user in an async view fails, and must not cost the rest."""


def _document_text(operation: Operation, wish: str) -> str | None:
    if wish == "full":
        return operation.source
    # Redacting needs the syntax tree; what does not parse is not shown.
    return redacted(operation.document) if operation.document is not None else None


def _without_secrets(value: Any, name: str = "", depth: int = 0) -> Any:
    if name and _SECRET.search(name):
        return _HIDDEN
    if depth > _MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {str(key): _without_secrets(item, str(key), depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item, depth=depth + 1) for item in value]
    return value
