"""Sends a request through the project's own handler and middleware, as a server would, without a server."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from otel_graphql_auto.doctor.bounded import first_line
from otel_graphql_auto.frameworks.routes import graphql_routes, view_of

__all__ = ["QUERY", "Answer", "Target", "host", "send", "targets"]

QUERY = "query GraphqlAutoDoctor { __typename }"
"""Touches no resolver and no data."""

_MOST = 10
"""Routes that are tried."""


class Target(NamedTuple):
    """An address to send a request to."""

    path: str
    is_batch: bool


class Answer(NamedTuple):
    """What came back."""

    status: int
    said: str
    """The beginning of the answer, on one line; of a page its title."""

    location: str
    error: str
    """The exception that the application raised, in one line."""


def targets(paths: Iterable[str]) -> list[Target]:
    """Those that the user named, else every GraphQL route of the URLconf without parameters."""
    named = [Target(path, _is_batch(path)) for path in paths]
    return named or [Target(route.path, route.is_batch) for route in graphql_routes() if not route.has_parameters][:_MOST]


def _is_batch(path: str) -> bool:
    from django.urls import Resolver404, resolve

    try:
        view = view_of(resolve(path.partition("?")[0]).func)
    except Resolver404:
        return False
    return view is not None and bool(view[1].get("batch") or getattr(view[0], "batch", False))


def send(target: Target, headers: Mapping[str, str]) -> Answer:
    """POST one operation that does nothing. With HTTPS, so that no redirect to it comes in between."""
    from django.test import Client

    client = Client(raise_request_exception=False, HTTP_HOST=host() or "localhost")
    given = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    operation = {"query": QUERY}
    body = json.dumps([operation] if target.is_batch else operation)
    with _quiet():
        response = client.post(target.path, body, content_type="application/json", secure=True, **given)
    raised = getattr(response, "exc_info", None)
    return Answer(response.status_code, _beginning(response), response.headers.get("Location", ""), first_line(raised[1]) if raised else "")


def host() -> str | None:
    """One that ALLOWED_HOSTS accepts; None where it accepts none."""
    from django.conf import settings
    from django.http.request import validate_host

    allowed = list(settings.ALLOWED_HOSTS)
    if (settings.DEBUG and not allowed) or validate_host("localhost", allowed):
        return "localhost"
    return next((name.lstrip(".").replace("*", "localhost") for name in allowed), None)


def _beginning(response: Any) -> str:
    content = b"" if getattr(response, "streaming", False) else response.content
    text = content[:2000].decode("utf-8", "replace")
    title = re.search(r"<title>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
    return " ".join((html.unescape(title.group(1)) if title else text).split())[:100]


@contextmanager
def _quiet() -> Iterator[None]:
    """Django would log a refusal as an error, and may mail it to the admins: the report says it."""
    loggers = [logging.getLogger(name) for name in ("django.request", "django.security.csrf", "django.security.DisallowedHost")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
