"""Run the test suites of graphql-core, graphene-django and aiodataloader bare and instrumented: no test may end differently."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# Environments are made the same way for the version matrix; the two folders are scripts, not a package.
sys.path.insert(1, str(HERE.parent / "matrix"))

from comparison import Comparison, compare, enough  # noqa: E402
from environments import BUILD, REPOSITORY, StepError, clean_environment, last_lines, make_environment, run  # noqa: E402
from suites import SUITES, Suite  # noqa: E402

LONGEST_RUN = 400
"""Seconds after which one run of a suite counts as hanging; the longest takes about 30 on an idle machine."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help="only these, by name; `graphql-core==3.2.10` takes another version than the usual one")
    arguments = parser.parse_args()
    started = time.monotonic()
    passed = failed = 0
    for suite in _chosen(arguments.suites):
        try:
            held = _report(suite, _compare(suite))
        except StepError as problem:
            print(f"{suite.name} {suite.version} FAILED: {problem}", flush=True)
            held = False
        passed, failed = passed + held, failed + (not held)
    seconds = time.monotonic() - started
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
    minima = {name: int(0.8 * getattr(suite, name)) for name in ("minimum_passed", "minimum_operations")}
    return dataclasses.replace(suite, version=version, **minima)


def _compare(suite: Suite) -> Comparison:
    folder = BUILD / "foreign" / f"{suite.name}-{suite.version}"
    started = time.monotonic()
    python = make_environment(
        folder / "environment",
        interpreter=sys.executable,
        requirements=["pip", "--editable", str(REPOSITORY), f"{suite.name}=={suite.version}", *suite.requirements],
    )
    source = _unpack(_sdist(suite, folder / "sdist", python=python), folder / "source")
    # A suite without a configuration of its own would else be given that of the checkout, which is further up.
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    print(f"{suite.name} {suite.version}: environment and sdist {time.monotonic() - started:.1f}s", flush=True)
    bare, again = (_run(suite, python=python, source=source, name=name) for name in ("bare", "bare_again"))
    instrumented = _run(suite, python=python, source=source, name="instrumented")
    comparison = compare(bare, again, instrumented)
    comparison.complaints += enough(
        comparison,
        minimum_passed=suite.minimum_passed,
        minimum_operations=suite.minimum_operations,
        telemetry=instrumented["telemetry"],
    )
    return comparison


def _sdist(suite: Suite, folder: Path, *, python: str) -> Path:
    """The source distribution, downloaded once per version."""
    if not list(folder.glob("*.tar.gz")):
        # Only this package as source: pip builds its metadata, and the build backend may come as a wheel.
        only_source = ["--no-deps", "--no-binary", suite.name, f"{suite.name}=={suite.version}"]
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
    outcomes, telemetry, log = (folder / f"{name}{ending}" for ending in (".json", "_telemetry.json", ".log"))
    for file in (outcomes, telemetry):
        file.unlink(missing_ok=True)
    environment = clean_environment(
        **suite.environment,
        PYTHONPATH=str(HERE),
        FOREIGN_OUTCOMES=str(outcomes),
        FOREIGN_TELEMETRY=str(telemetry),
        OTEL_PYTHON_GRAPHQL_AUTO_STRICT="1",
    )
    plugins = ["-p", "outcomes", *(["-p", "plugin"] if name == "instrumented" else [])]
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        try:
            subprocess.run(  # noqa: S603 - the command is written here and in suites.py
                [python, "-m", "pytest", "-q", "--rootdir=.", "-p", "no:cacheprovider", *plugins, *suite.arguments],
                cwd=source, env=environment, stdout=output, stderr=subprocess.STDOUT, timeout=LONGEST_RUN, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise StepError(f"the {name} run took longer than {LONGEST_RUN} s, see {log}") from None
    needed = [outcomes, *([telemetry] if name == "instrumented" else [])]
    if not all(file.exists() for file in needed):
        raise StepError(f"the {name} run broke off:\n{_tail(log)}")
    print(f"  {name}: {time.monotonic() - started:.1f}s, {_tail(log, lines=1)}", flush=True)
    record: dict[str, Any] = json.loads(outcomes.read_text(encoding="utf-8"))
    if telemetry.exists():
        record["telemetry"] = json.loads(telemetry.read_text(encoding="utf-8"))
        print(f"  {record['telemetry']}", flush=True)
    return record


def _tail(log: Path, *, lines: int = 20) -> str:
    return last_lines(log.read_text(encoding="utf-8", errors="replace"), lines=lines)


def _report(suite: Suite, comparison: Comparison) -> bool:
    for title, found in (("FLAKY without us, not compared", comparison.flaky), ("DIFFERS", comparison.differences)):
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
