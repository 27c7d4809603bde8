"""The options of `graphql_auto doctor`, the same for both ways to call it."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Options", "add_arguments"]


@dataclass(frozen=True)
class Options:
    """What the doctor is asked to do."""

    json: bool = False
    strict: bool = False
    paths: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    colour: bool | None = None
    """None: on a terminal, without NO_COLOR."""

    @classmethod
    def of(cls, arguments: Namespace | dict[str, Any]) -> Options:
        """From parsed arguments."""
        given = dict(arguments if isinstance(arguments, dict) else vars(arguments))
        paths: list[str] = given.get("path") or []
        headers: list[tuple[str, str]] = given.get("header") or []
        colour = False if given.get("no_color") else True if given.get("force_color") else None
        return cls(bool(given.get("json")), bool(given.get("strict")), tuple(paths), dict(headers), colour)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument("--json", action="store_true", help="a JSON object instead of lines")
    parser.add_argument("--strict", action="store_true", help="exit code 1 for warnings too")
    parser.add_argument(
        "--path",
        action="append",
        type=_path,
        metavar="PATH",
        help="address to send a request to, instead of the GraphQL routes; may be repeated",
    )
    parser.add_argument(
        "--header",
        action="append",
        type=_header,
        metavar="'NAME: VALUE'",
        help="header of these requests, for protected addresses; may be repeated",
    )


def _path(given: str) -> str:
    if not given.startswith("/"):
        raise ArgumentTypeError(f"{given!r} does not begin with /")
    return given


def _header(given: str) -> tuple[str, str]:
    name, colon, value = given.partition(":")
    if not colon or not name.strip():
        raise ArgumentTypeError(f"{name!r} is not 'Name: value'")
    return name.strip(), value.strip()
