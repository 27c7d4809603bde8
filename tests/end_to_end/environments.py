"""Clean virtual environments with the wheel of this checkout and, in each, one other agent; kept between runs."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / ".build"
BUILT_FROM = ("otel_graphql_auto", "pyproject.toml", "README.md", "LICENSE")

APPLICATION = tuple(f"{name}=={version(name)}" for name in ("Django", "graphene-django", "graphql-core"))
"""The versions under test in this environment are the ones in the clean ones."""


@functools.cache
def build_wheel() -> Path:
    """The wheel of this checkout, built once for each state of its sources; one test run uses one wheel."""
    folder = BUILD / "wheels" / fingerprint(*sources())
    built = sorted(folder.glob("*.whl"))
    if not built:
        uv("build", "--wheel", "--quiet", "--out-dir", str(folder), str(REPOSITORY))
        built = sorted(folder.glob("*.whl"))
    assert len(built) == 1, built
    return built[0]


def clean_environment(name: str, *requirements: str) -> Path:
    """Folder of the binaries of an environment that holds Django, graphene-django, our wheel and these requirements, and nothing else."""
    wheel = build_wheel()
    folder = BUILD / "beside" / name
    binaries = folder / "bin"
    stamp = folder / "made from"
    wanted = fingerprint(str(wheel).encode(), sys.version.encode(), *(one.encode() for one in (*APPLICATION, *requirements)))
    if stamp.is_file() and stamp.read_text() == wanted:
        return binaries
    shutil.rmtree(folder, ignore_errors=True)
    uv("venv", "--quiet", "--python", sys.executable, str(folder))
    uv("pip", "install", "--quiet", "--python", str(binaries / "python"), str(wheel), *APPLICATION, *requirements)
    stamp.write_text(wanted)
    return binaries


def sources() -> list[bytes]:
    """Contents of everything that goes into the wheel."""
    files: list[Path] = []
    for part in BUILT_FROM:
        path = REPOSITORY / part
        files += sorted(path.rglob("*")) if path.is_dir() else [path]
    return [str(file).encode() + file.read_bytes() for file in files if file.is_file() and file.suffix != ".pyc"]


def fingerprint(*parts: bytes) -> str:
    """A short name for these contents."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]


def uv(*arguments: str) -> None:
    """Run uv; its output is in the failure message."""
    # Without this an active environment would be taken for the target.
    found = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    program = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), found.get("PATH", os.defpath)]))
    assert program, "the end-to-end tests need uv, which is in the dev dependencies"
    done = subprocess.run((program, *arguments), env=found, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"uv {arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
