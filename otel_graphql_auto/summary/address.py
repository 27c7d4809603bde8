"""Where Prometheus is, and what it wants to see before it answers."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from otel_graphql_auto.summary.problem import SummaryError

__all__ = ["DEFAULT_URL", "VARIABLE", "Address", "find"]

VARIABLE: Final = "PROMETHEUS_URL"
DEFAULT_URL: Final = "http://127.0.0.1:9090"
_MAX_TOKEN: Final = 16_384


@dataclass(frozen=True)
class Address:
    """Of the server, without the path of its API."""

    url: str
    """Without user and password: it is printed."""
    source: str
    """Who said it."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        """Name or number of the machine."""
        return urlsplit(self.url).hostname or ""


def find(url: str | None, token_file: str | None) -> Address:
    """The one of the option, else of the variable, else the default one. SummaryError where it is none that can be asked."""
    if url is not None:
        given, source = url, "--prometheus"
    elif os.environ.get(VARIABLE):
        given, source = os.environ[VARIABLE], VARIABLE
    else:
        given, source = DEFAULT_URL, "the default"
    parts = _parts(given, source)
    if token_file is not None and parts.username is not None:
        raise SummaryError(f"The address ({source}) has a user, and --token-file was given too.", "Give one of them.")
    headers = {}
    if token_file is not None:
        headers["Authorization"] = f"Bearer {_token(token_file)}"
    elif parts.username is not None:
        pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
    return Address(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}", source, headers)


def _parts(given: str, source: str) -> SplitResult:
    """Errors of the standard library are not repeated: they quote what may be a password."""
    advice = "Give it as in http://127.0.0.1:9090 or https://user:password@prometheus.example.com/prefix; %-escape / ? # @ in a password."
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not given.isascii() or not given.isprintable() or " " in given:
        raise SummaryError(f"The address of Prometheus ({source}) does not begin with http:// or https://, or is not one at all.", advice)
    if parts.query or parts.fragment:
        raise SummaryError(f"The address of Prometheus ({source}) has a query or a fragment, which its API has no place for.", advice)
    return parts


def _token(path: str) -> str:
    try:
        with Path(path).expanduser().open("rb") as file:
            token = file.read(_MAX_TOKEN + 1).strip()
    except (OSError, ValueError, RuntimeError) as error:
        raise SummaryError(
            f"The file of --token-file cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}."
        ) from None
    if not re.fullmatch(rb"[\x21-\x7e]+", token) or len(token) > _MAX_TOKEN:
        raise SummaryError("The file of --token-file does not hold one token and nothing else.")
    return token.decode("ascii")
