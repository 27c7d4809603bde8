"""Virtual environments of their own for the version matrix and the foreign test suites, made with uv under .build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY = Path(__file__).resolve().parents[2]

BUILD = REPOSITORY / ".build"
"""Ignored by git: whatever these runs download, unpack or build stays in here."""

FOREIGN_TO_A_RUN = ("OTEL_", "PYTEST_", "DJANGO_", "GRAPHQL_AUTO", "COVERAGE_")
"""Beginnings of environment variables that would change what the tests do."""


class StepError(Exception):
    """A step that everything after it needs did not work; the text says which one and what it printed."""


def find_uv() -> str:
    """Path of uv: the one installed beside this interpreter, or the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise StepError("uv is missing: pip install uv")
    return found


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without settings of the calling shell, so that a run means the same everywhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_TO_A_RUN) and name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    # Sets are printed in messages that two runs are compared by; uv must not fetch interpreters behind our back.
    return kept | {"PYTHONHASHSEED": "0", "UV_PYTHON_DOWNLOADS": "never"} | more


def run(command: Sequence[str], *, cwd: Path | None = None, timeout: float = 300) -> str:
    """Output of a command that has to succeed."""
    try:
        finished = subprocess.run(  # noqa: S603 - commands are written in this folder, not taken from input
            command, cwd=cwd, env=clean_environment(), timeout=timeout, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise StepError(f"`{' '.join(command)}` took longer than {timeout:.0f} s") from None
    if finished.returncode != 0:
        raise StepError(f"`{' '.join(command)}` ended with {finished.returncode}:\n{last_lines(finished.stdout + finished.stderr)}")
    return finished.stdout


def last_lines(text: str, *, lines: int = 15) -> str:
    """The end of an output, where the reason usually stands."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def make_environment(folder: Path, *, interpreter: str, requirements: Sequence[str]) -> str:
    """A new virtual environment with these requirements; returns the path of its python."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    uv = find_uv()
    run([uv, "venv", "--quiet", "--python", interpreter, str(folder)])
    python = str(folder / "bin" / "python")
    run([uv, "pip", "install", "--quiet", "--python", python, *requirements])
    return python


def find_interpreter(version: str) -> str | None:
    """Path of a working Python of this minor version: under pyenv, on PATH, or where uv finds one."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [str(path) for path in sorted(pyenv.glob(f"versions/{version}*/bin/python{version}"), reverse=True)]
    candidates += filter(None, [shutil.which(f"python{version}"), _ask_uv(version)])
    # A pyenv shim is on PATH for versions that it then refuses to start: only an answer counts.
    return next((path for path in candidates if _answers(path, version)), None)


def _ask_uv(version: str) -> str | None:
    try:
        return run([find_uv(), "python", "find", version]).strip()
    except StepError:
        return None


def _answers(path: str, version: str) -> bool:
    try:
        return run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], timeout=30).strip() == version
    except (StepError, OSError):
        return False
