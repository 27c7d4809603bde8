"""The wheel is complete, holds nothing else, and works in an environment that has no development tools."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from .environments import build_wheel, clean_environment
from .receiver import Receiver
from .service import Service, environment, telemetry_environment
from .telemetry import count

LIST_INSTALLED = "from importlib.metadata import distributions; print(*{found.metadata['Name'].lower() for found in distributions()})"
LIST_ENTRY_POINTS = (
    "from importlib.metadata import distribution;"
    "[print(point.group, point.name, point.load()) for point in distribution('otel-graphql-auto').entry_points if point.group != 'pytest11']"
)


@pytest.fixture(scope="module")
def binaries() -> Path:
    """An environment with Django, graphene-django and the wheel."""
    return clean_environment("wheel")


def output_of(binaries: Path, home: Path, code: str) -> str:
    """What a Python program prints in the clean environment, outside of the checkout."""
    command = (str(binaries / "python"), "-c", code)
    return subprocess.run(
        command, cwd=home, env=environment(home, binaries=binaries), capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_wheel_holds_the_package_only() -> None:
    """The wheel holds the package with py.typed, its metadata and licence, and no test, demo or cache."""
    names = zipfile.ZipFile(build_wheel()).namelist()
    assert "otel_graphql_auto/py.typed" in names
    assert "otel_graphql_auto/__init__.py" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"otel_graphql_auto"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".sqlite3"))]


def test_it_installs_without_development_tools(binaries: Path, tmp_path: Path) -> None:
    """Installed beside Django and graphene-django, it brings neither test nor lint tools, and not opentelemetry-distro."""
    installed = set(output_of(binaries, tmp_path, LIST_INSTALLED).split())
    assert {"otel-graphql-auto", "django", "opentelemetry-instrumentation-django", "opentelemetry-instrumentation-asgi"} <= installed
    assert not installed & {"pytest", "ruff", "mypy", "rich", "factory-boy", "opentelemetry-distro", "hatchling"}


def test_every_entry_point_loads(binaries: Path, tmp_path: Path) -> None:
    """Each entry point of the wheel can be imported from the clean environment, but for that of pytest, which pytest alone asks for."""
    groups = {line.split()[0] for line in output_of(binaries, tmp_path, LIST_ENTRY_POINTS).splitlines()}
    assert {"opentelemetry_distro", "opentelemetry_configurator", "opentelemetry_instrumentor", "opentelemetry_traces_exporter"} <= groups


def test_an_operation_is_exported(binaries: Path, project: Path, receiver: Receiver) -> None:
    """`opentelemetry-instrument python manage.py runserver` in the clean environment exports spans and metrics of an operation."""
    with Service(project, "runserver", telemetry_environment(receiver.endpoint), binaries=binaries) as service:
        exchange = service.client.query("query Hello { hello marker }")
        service.stop()
    assert exchange.data == {"hello": "hello world", "marker": "the settings that manage.py names"}
    (server,) = receiver.telemetry.servers(exchange.trace_id)
    (operation,) = receiver.telemetry.operations(exchange.trace_id)
    assert operation.parent_id == server.span_id
    assert count(receiver.telemetry.metric("graphql.server.request.duration")) == 1
    assert [line for line in service.output.splitlines() if "otel" in line.lower() or "opentelemetry" in line.lower()] == []
