"""The demo's blog as tests of a user would use it, in this process and in one of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.database.conftest import blog_on, blogs

__all__ = ["blog_on", "blogs"]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def blog(blog_on):
    """The blog on SQLite, which every model is read from."""
    with blog_on("sqlite", routed=True) as alias:
        yield alias


@pytest.fixture
def ask(blog):
    """Execute a document with the demo's schema; there must be data and no errors."""
    from blog.schema import schema

    def ask(document, **variables):
        result = schema.execute(document, variable_values=variables)
        assert not result.errors, result.errors
        return result.data

    return ask


class Project:
    """A folder with tests of its own, beside which nothing of this test suite is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        """Put a file there."""
        path = self.folder / name
        path.write_text(text)
        return path

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Call `python -m` with these arguments there."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTEST_", "GRAPHQL_AUTO", "DJANGO_"))
        }
        paths = os.pathsep.join(map(str, (self.folder, ROOT, ROOT / "demo")))
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env=inherited | {"PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "tests.settings"} | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def outcomes(self, *arguments: str, **variables: str) -> tuple[dict[str, str], str]:
        """What pytest says of each test, and all that it printed."""
        # Of the rest of a line a terminal of 80 columns would leave little.
        done = self.run("pytest", "-q", "-rA", "-p", "no:cacheprovider", "-W", "error", *arguments, **{"COLUMNS": "300"} | variables)
        found = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) \S+::(\w+)", done.stdout, re.MULTILINE)
        return {name: outcome for outcome, name in found}, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path):
    """An empty one. Warnings are errors in it too."""
    project = Project(tmp_path)
    filters = ["error", *(f"ignore::DeprecationWarning:{module}.*" for module in ("graphene", "graphene_django", "promise", "graphql"))]
    project.write(
        "pytest.ini",
        "[pytest]\naddopts = --strict-markers\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings =\n"
        + "".join(f"  {line}\n" for line in filters),
    )
    return project
