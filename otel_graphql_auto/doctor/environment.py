"""What runs here: versions, the Django project, which distribution and configurator set up OpenTelemetry, and who chose them."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from importlib.util import find_spec

from opentelemetry.instrumentation.environment_variables import (
    OTEL_PYTHON_CONFIGURATOR,
    OTEL_PYTHON_DISABLED_INSTRUMENTATIONS,
    OTEL_PYTHON_DISTRO,
)

from otel_graphql_auto import project
from otel_graphql_auto.doctor import launch, variables
from otel_graphql_auto.finding import ERROR, INFO, OK, WARNING, Finding
from otel_graphql_auto.instrumentor import GraphQLInstrumentor

__all__ = ["django_project", "instrumentor", "parts", "versions"]

_PACKAGES = ("otel-graphql-auto", "opentelemetry-sdk", "Django", "graphene-django", "graphql-core")
_CHOICES = {"distro": OTEL_PYTHON_DISTRO, "configurator": OTEL_PYTHON_CONFIGURATOR}
_OURS = "graphql_auto"


def versions() -> Iterator[Finding]:
    """One row, and more for what is missing or does not go together."""
    found = [f"{package} {_version(package)}" for package in _PACKAGES]
    yield Finding(INFO, "versions", ", ".join([*found, f"Python {platform.python_version()}"]))
    if find_spec("opentelemetry.instrumentation.asgi") is None:
        message = "opentelemetry-instrumentation-asgi is not installed: under ASGI the Django instrumentation sees no request"
        yield Finding(WARNING, "versions", message, "Install it, or serve over WSGI only.")
    conflict = GraphQLInstrumentor()._check_dependency_conflicts()
    if conflict is not None:
        yield Finding(ERROR, "versions", f"{conflict}", "Install what is required, then nothing else has to be done.")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


def django_project() -> Iterator[Finding]:
    """Which settings run, and who named them."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE")
    started = variables.at_start()
    if any(argument.partition("=")[0] == "--settings" for argument in project.arguments()):
        yield Finding(OK, "Django", f"settings {module}, named by --settings")
    elif started is None:
        yield Finding(OK, "Django", f"settings {module}")
    elif started.get("DJANGO_SETTINGS_MODULE") == module:
        yield Finding(OK, "Django", f"settings {module}, from DJANGO_SETTINGS_MODULE")
    else:
        yield Finding(OK, "Django", f"settings {module}, named by manage.py")


def parts() -> Iterator[Finding]:
    """The distribution and the configurator that ran."""
    if not launch.is_automatic():
        yield Finding(
            INFO, "distro", "none ran: this process was not started by opentelemetry-instrument, the project's own code does the set-up"
        )
        return
    rows = [_part(kind, variable) for kind, variable in _CHOICES.items()]
    if len({row[:1] + row[2:] for row in rows}) == 1:
        rows = [Finding(rows[0].level, "distro", f"{rows[0].message}, and its configurator", rows[0].advice)]
    yield from rows


def _part(kind: str, variable: str) -> Finding:
    installed = list(entry_points(group=f"opentelemetry_{kind}"))
    ran = next((entry.name for entry in installed if _has_run(entry)), None)
    others = sorted({entry.name for entry in installed} - {ran})
    beside = f"; installed too: {', '.join(others)}" if others else ""
    choice = os.environ.get(variable)
    if ran is None:
        known = ", ".join(sorted(entry.name for entry in installed))
        if choice and choice not in {entry.name for entry in installed}:
            return Finding(
                ERROR, kind, f"none ran: {variable} is {choice!r}, which is not installed", f"Take it out, or name one of: {known}."
            )
        return Finding(
            ERROR, kind, f"none ran{beside}", "The start of OpenTelemetry has failed: see the first lines that the program prints."
        )
    if choice is None:
        who = "the first that was found"
    elif os.environ.get(project.CHOSEN) and choice == _OURS:
        who = variables.OURS
    else:
        who = f"{variable}, {variables.YOURS}"
    return Finding(
        OK if ran == _OURS else INFO,
        kind,
        f"{ran} ({who}){beside}",
        "" if ran == _OURS else "The defaults of otel-graphql-auto are not in force.",
    )


def _has_run(entry: EntryPoint) -> bool:
    """Distributions and configurators are singletons, made when they run."""
    module = sys.modules.get(entry.module)
    return vars(getattr(module, entry.attr, object)).get("_instance") is not None


def instrumentor() -> Iterator[Finding]:
    """Whether ours is attached, and if not, why."""
    if launch.is_attached():
        yield Finding(OK, "instrumentor", "graphql_auto is attached")
        return
    disabled = [name.strip() for name in os.environ.get(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS, "").split(",")]
    for name in (_OURS, "*"):
        if name in disabled:
            message = f"graphql_auto is not attached: {OTEL_PYTHON_DISABLED_INSTRUMENTATIONS} names {name}"
            yield Finding(WARNING, "instrumentor", message, "Take it out to have operations seen.")
            return
    if launch.is_automatic():
        advice = "Look at the other errors here, and at the first lines that the program prints."
    else:
        advice = "Start with opentelemetry-instrument, or call otel_graphql_auto.instrument() right after the SDK is set up."
    yield Finding(ERROR, "instrumentor", "graphql_auto is not attached", advice)
