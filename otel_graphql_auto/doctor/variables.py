"""Tells who set an environment variable: the user, this distribution by default, or code that ran later."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path

from otel_graphql_auto import distro

__all__ = ["OURS", "PREFIXES_READ_AT_START", "SDKS", "YOURS", "at_start", "came_late", "origin", "value", "whose"]

YOURS = "yours"
OURS = "default of otel-graphql-auto"
SDKS = "default of the SDK"

PREFIXES_READ_AT_START = (
    "OTEL_BLRP_",
    "OTEL_BSP_",
    "OTEL_EXPORTER_",
    "OTEL_LOGS_",
    "OTEL_METRICS_",
    "OTEL_METRIC_EXPORT_",
    "OTEL_PROPAGATORS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_",
)
"""Variables that the SDK reads when it is set up, and never again."""


@functools.cache
def at_start() -> dict[str, str] | None:
    """The environment that this process was started with, where the system tells (Linux)."""
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return None
    pairs = (os.fsdecode(entry).partition("=") for entry in raw.split(b"\0") if entry)
    return {name: text for name, _, text in pairs}


def value(variable: str) -> str | None:
    """What the SDK found in this variable. An empty one counts as unset."""
    if variable in distro._set_by_us:
        return distro.DEFAULTS[variable]
    return os.environ.get(variable) or None


def whose(variable: str) -> str:
    """Who set this one."""
    if variable in distro._set_by_us:
        return OURS
    if not os.environ.get(variable):
        return SDKS
    started = at_start()
    return YOURS if started is None or started.get(variable) else "set by code in this process"


def origin(variables: Iterable[str]) -> str:
    """Who decided, given the variables that may decide, strongest first: the variable that did and whose it is, or whose default it was."""
    for variable in variables:
        who = whose(variable)
        if who != SDKS:
            return who if who == OURS else f"{variable}, {who}"
    return SDKS


def came_late() -> list[str]:
    """Variables that somebody in this process set or changed after the SDK had read them."""
    started = at_start()
    if started is None:
        return []
    return sorted(
        name
        for name, text in os.environ.items()
        if name.startswith(PREFIXES_READ_AT_START) and name not in distro._set_by_us and started.get(name) != text
    )
