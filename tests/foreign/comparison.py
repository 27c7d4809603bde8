"""What differs between a test suite run bare and instrumented, and whether enough was run to say so (pure)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LARGEST_SHARE_OF_FLAKY_TESTS = 0.01
"""More than that is not a handful of unsteady tests but a set-up in which a comparison means nothing."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A difference that there has to be, and no other one: how the test's ending begins when instrumented, and why."""

    ending: str
    reason: str


@dataclass(kw_only=True)
class Comparison:
    """The verdict on one suite: it holds when there is no difference and no complaint."""

    compared: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Reasons why the run proves too little or went wrong, whatever its outcomes are."""
    flaky: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.differences and not self.complaints


def compare(
    bare: Mapping[str, Any], again: Mapping[str, Any], instrumented: Mapping[str, Any], known: Mapping[str, Known] | None = None
) -> Comparison:
    """Hold the outcomes of an instrumented run against two bare ones (records of outcomes.py). `known` differences have to be there."""
    known = known or {}
    comparison = Comparison(counts=Counter(outcome.split(":")[0] for outcome in bare["outcomes"].values()))
    if bare["instrumented"] or again["instrumented"]:
        comparison.complaints.append("a bare run imported otel_graphql_auto")
    if not instrumented["instrumented"]:
        comparison.complaints.append("the instrumented run did not import otel_graphql_auto")
    flaky = {test for test in _tests(bare, again) if bare["outcomes"].get(test) != again["outcomes"].get(test)}
    comparison.flaky = [_line(test, bare, again, names=("first", "second")) for test in sorted(flaky)]
    if len(flaky) > len(bare["outcomes"]) * LARGEST_SHARE_OF_FLAKY_TESTS:
        comparison.complaints.append(f"{len(flaky)} of {len(bare['outcomes'])} tests end differently in two bare runs")
    for test in sorted((_tests(bare, instrumented) | known.keys()) - flaky):
        comparison.compared += 1
        if test in known:
            _note_known(comparison, test, known[test], bare, instrumented)
        elif bare["outcomes"].get(test) != instrumented["outcomes"].get(test):
            comparison.differences.append(_line(test, bare, instrumented, names=("bare", "instrumented")))
    warned = {*bare["warnings"], *again["warnings"]}
    comparison.differences += [f"new warning: {warning}" for warning in instrumented["warnings"] if warning not in warned]
    if not flaky and not comparison.known and not comparison.differences and bare["exit"] != instrumented["exit"]:
        comparison.differences.append(f"the run ended with {bare['exit']} bare, {instrumented['exit']} instrumented")
    return comparison


def _note_known(comparison: Comparison, test: str, known: Known, bare: Mapping[str, Any], instrumented: Mapping[str, Any]) -> None:
    line = _line(test, bare, instrumented, names=("bare", "instrumented"))
    if bare["outcomes"].get(test) == "passed" and instrumented["outcomes"].get(test, "").startswith(known.ending):
        comparison.known.append(f"{line}\n      because {known.reason}")
    else:
        comparison.differences.append(f"{line}\n      known was: passed bare, {known.ending} instrumented")


def enough(
    comparison: Comparison, *, minimum_passed: int, minimum_operations: int, telemetry: Mapping[str, Any], minimum_statements: int = 0
) -> Iterable[str]:
    """Reasons why the suite was too small or not really instrumented."""
    if comparison.counts["passed"] < minimum_passed:
        yield f"only {comparison.counts['passed']} tests pass bare, {minimum_passed} are expected"
    if telemetry["operations"] < minimum_operations:
        yield f"only {telemetry['operations']} operation spans were seen, {minimum_operations} are expected"
    if telemetry["statements"] < minimum_statements:
        yield f"only {telemetry['statements']} SQL statements were seen, {minimum_statements} are expected"
    if minimum_statements and telemetry["statements"] != telemetry["executed"]:
        yield f"{telemetry['executed']} SQL statements were executed in operations, but {telemetry['statements']} were seen"
    if telemetry["probe"] != 1:
        yield f"an operation run after the tests gave {telemetry['probe']} operation spans instead of 1"
    if telemetry["measured"] != telemetry["operations"]:
        yield f"{telemetry['operations']} operation spans, but {telemetry['measured']} recorded durations"
    if telemetry["internal_errors"]:
        yield f"{telemetry['internal_errors']} errors of our own were counted"


def _tests(*records: Mapping[str, Any]) -> set[str]:
    return {test for record in records for test in record["outcomes"]}


def _line(test: str, one: Mapping[str, Any], other: Mapping[str, Any], *, names: tuple[str, str]) -> str:
    was, became = (record["outcomes"].get(test, "not run") for record in (one, other))
    return f"{test}\n      {names[0]}: {was}\n      {names[1]}: {became}"
