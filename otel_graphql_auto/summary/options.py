"""The options of `graphql_auto summary`, the same for both ways to call it."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass
from typing import Any, Final

from otel_graphql_auto.summary.address import DEFAULT_URL, VARIABLE

__all__ = ["Options", "add_arguments"]

_SINCE: Final = "1h"
_LIMIT: Final = 20
_DURATION: Final = re.compile("".join(rf"(?:\d{{1,6}}{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")))


@dataclass(frozen=True)
class Options:
    """What is asked for, and of whom."""

    url: str | None = None
    token_file: str | None = None
    since: str = _SINCE
    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    """Empty: all of them."""
    limit: int = _LIMIT
    json: bool = False

    @classmethod
    def of(cls, arguments: Namespace | dict[str, Any]) -> Options:
        """From parsed arguments."""
        given = arguments if isinstance(arguments, dict) else vars(arguments)
        return cls(
            given.get("prometheus"),
            given.get("token_file"),
            given.get("since") or _SINCE,
            tuple(given.get("service") or ()),
            tuple(given.get("environment") or ()),
            given.get("limit") or _LIMIT,
            bool(given.get("json")),
        )


def add_arguments(parser: ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        help=f"address of Prometheus, or of what answers like it; else the environment variable {VARIABLE}, else {DEFAULT_URL}. "
        "With a user: https://user:password@host",
    )
    parser.add_argument("--token-file", metavar="PATH", help="file with a bearer token, for a Prometheus that wants one")
    parser.add_argument("--since", type=_duration, metavar="TIME", help=f"how far to look back: 15m, 1h30m, 7d (default: {_SINCE})")
    parser.add_argument("--service", action="append", type=_name, metavar="NAME", help="this service alone; may be repeated")
    parser.add_argument("--environment", action="append", type=_name, metavar="NAME", help="this environment alone; may be repeated")
    parser.add_argument("--limit", type=_limit, metavar="N", help=f"so many operations at most (default: {_LIMIT})")
    parser.add_argument("--json", action="store_true", help="a JSON object instead of tables")


def _duration(given: str) -> str:
    if not _DURATION.fullmatch(given) or not re.search("[1-9]", given):
        raise ArgumentTypeError(f"{given!r} is not a time such as 15m, 1h30m or 7d")
    return given


def _name(given: str) -> str:
    if not given.isprintable():
        raise ArgumentTypeError(f"{given!r} has characters that no name has")
    return given


def _limit(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise ArgumentTypeError(f"{given!r} is not a number from 1 on")
    return int(given)
