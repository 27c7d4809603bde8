"""The environment that demo/Dockerfile builds, made in the same way beside the tests: its requirements, this package, nothing else."""

from __future__ import annotations

import functools
import re
import shutil
import sys
from pathlib import Path

from tests.compose.stack import ROOT
from tests.end_to_end.environments import BUILD, build_wheel, fingerprint, uv

DOCKERFILE = ROOT / "demo" / "Dockerfile"
REQUIREMENTS = ROOT / "demo" / "requirements.txt"


@functools.cache
def image_environment() -> Path:
    """Folder of its binaries; kept between runs."""
    wheel = build_wheel()
    folder = BUILD / "compose" / "image"
    stamp = folder / "made from"
    wanted = fingerprint(str(wheel).encode(), sys.version.encode(), REQUIREMENTS.read_bytes())
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        uv("venv", "--quiet", "--python", sys.executable, str(folder))
        python = str(folder / "bin" / "python")
        uv("pip", "install", "--quiet", "--no-deps", "--python", python, "-r", str(REQUIREMENTS), str(wheel))
        uv("pip", "check", "--quiet", "--python", python)
        stamp.write_text(wanted)
    return folder / "bin"


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, as (name, the rest)."""
    text = "\n".join(line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#"))
    instructions = [tuple(line.split(None, 1)) for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]
    found: list[list[tuple[str, str]]] = []
    for instruction in instructions:
        if instruction[0] == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def image_variables() -> dict[str, str]:
    """What the last stage sets, apart from PATH."""
    pairs = [pair.split("=", 1) for name, rest in stages()[-1] if name == "ENV" for pair in rest.split()]
    return {name: value for name, value in pairs if name != "PATH"}
