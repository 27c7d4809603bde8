"""Starts the doctor again under `opentelemetry-instrument` where it was started without: telemetry is looked at where it runs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from opentelemetry import trace

from otel_graphql_auto import settings
from otel_graphql_auto.doctor import variables
from otel_graphql_auto.finding import ERROR, INFO, Finding
from otel_graphql_auto.instrumentor import GraphQLInstrumentor

__all__ = ["is_attached", "is_automatic", "is_own_process", "relaunch", "relaunched"]

_MARKER = "_OTEL_GRAPHQL_AUTO_DOCTOR"
_SCRIPT = "opentelemetry-instrument"
_SETTINGS = "DJANGO_SETTINGS_MODULE"


def is_attached() -> bool:
    """Whether the instrumentor of this package is at work in this process."""
    return bool(GraphQLInstrumentor().is_instrumented_by_opentelemetry)


def is_automatic() -> bool:
    """Whether this process was started by `opentelemetry-instrument`, or as it starts one."""
    module = sys.modules.get("sitecustomize")
    return Path(getattr(module, "__file__", None) or "").parent.name == "auto_instrumentation"


def is_own_process() -> bool:
    """Whether this process was started to be the doctor, rather than that somebody calls the command in a process with other things to do."""
    given = sys.orig_argv
    return "doctor" in given and ("graphql_auto" in given or "otel_graphql_auto" in given)


def relaunched() -> list[Finding]:
    """What there is to say where this process was started by `relaunch()`."""
    if os.environ.pop(_MARKER, None) is None:
        return []
    return [Finding(INFO, "start", f"this process was started without {_SCRIPT}; what follows is how it runs under it")]


def relaunch(before: Callable[[], None]) -> list[Finding]:
    """Start again where that is needed, after a call of `before()`: then this does not return.

    It has to be asked when the project is set up: one that instruments itself is looked at as it is.
    """
    if not _has_to() or not is_own_process():
        return []
    script = _script()
    if script is None:
        advice = "Install opentelemetry-instrumentation into this environment, or put its scripts on PATH."
        return [Finding(ERROR, "start", f"this process was started without {_SCRIPT}, and there is no such script", advice)]
    started = variables.at_start()
    environment = {
        name: text
        for name, text in os.environ.items()
        # What settings.py sets comes too late for the SDK in a server; here it would come early enough. manage.py names the settings again.
        if started is None or not name.startswith((*variables.PREFIXES_READ_AT_START, _SETTINGS)) or started.get(name) == text
    }
    before()
    os.execve(script, [script, sys.executable, *sys.orig_argv[1:]], {**environment, _MARKER: "1"})  # noqa: S606 - exec is the point
    raise AssertionError("not reached")


def _has_to() -> bool:
    if is_attached() or is_automatic() or settings.sdk_is_disabled():
        return False
    return isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _script() -> str | None:
    beside = Path(sys.executable).parent / _SCRIPT
    return str(beside) if os.access(beside, os.X_OK) else shutil.which(_SCRIPT)
