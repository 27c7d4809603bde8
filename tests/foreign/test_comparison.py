"""The comparison of foreign suites finds what it is there for, and never calls an empty run equal."""

from __future__ import annotations

from typing import Any

import pytest
from comparison import Known, compare, enough
from outcomes import steady

PASSING = {f"tests/test_it.py::test_{number}": "passed" for number in range(200)}
TELEMETRY = {"operations": 50, "measured": 50, "statements": 70, "executed": 70, "internal_errors": 0, "probe": 1}


def record(*, instrumented: bool = False, warnings: tuple[str, ...] = (), **changed: str | None) -> dict[str, Any]:
    """A record of 200 passing tests, of which some end otherwise or (None) are missing."""
    outcomes: dict[str, str | None] = PASSING | {f"tests/test_it.py::{name}": outcome for name, outcome in changed.items()}
    ran = {test: outcome for test, outcome in outcomes.items() if outcome is not None}
    return {"outcomes": ran, "warnings": list(warnings), "exit": 0, "instrumented": instrumented}


def test_equal_runs_hold() -> None:
    """Two bare runs and an instrumented one with the same 200 outcomes hold, and all of them were compared."""
    comparison = compare(record(), record(), record(instrumented=True))
    assert comparison.holds
    assert comparison.compared == 200
    assert comparison.counts == {"passed": 200}


@pytest.mark.parametrize(
    ("bare", "instrumented"),
    [
        ("passed", "failed: AssertionError"),
        ("failed: one", "failed: another"),
        ("failed: expected", "passed"),
        ("passed", "skipped: no reason"),
        ("passed", None),
        (None, "passed"),
        ("passed", "passed, error in teardown: boom"),
    ],
)
def test_every_kind_of_difference_is_found(bare: str | None, instrumented: str | None) -> None:
    """One test that ends otherwise, ends so for another reason, is missing or is new: the suite does not hold, and the test is named."""
    comparison = compare(record(test_0=bare), record(test_0=bare), record(instrumented=True, test_0=instrumented))
    assert not comparison.holds
    assert len(comparison.differences) == 1
    assert comparison.differences[0].startswith("tests/test_it.py::test_0\n")


def test_a_test_that_is_flaky_bare_is_named_and_left_out() -> None:
    """What differs between two bare runs is not held against us, and is reported."""
    comparison = compare(record(), record(test_0="failed: slow"), record(instrumented=True, test_0="failed: slow"))
    assert comparison.holds
    assert comparison.compared == 199
    assert comparison.flaky[0].startswith("tests/test_it.py::test_0\n")


def test_many_flaky_tests_prove_nothing() -> None:
    """Where more than one test in a hundred is flaky, no comparison holds."""
    unsteady = {f"test_{number}": "failed: slow" for number in range(3)}
    assert not compare(record(), record(**unsteady), record(instrumented=True)).holds


def test_a_warning_that_only_we_cause_is_a_difference() -> None:
    """A coroutine that nobody awaits any more shows as a warning only."""
    comparison = compare(record(warnings=("old",)), record(), record(instrumented=True, warnings=("old", "new")))
    assert comparison.differences == ["new warning: new"]


KNOWN = {"tests/test_it.py::test_0": Known(ending="failed: AssertionError: Lists differ", reason="we are in the list")}


def test_a_known_difference_is_named_with_its_reason() -> None:
    """A test that has to end differently does, in the way that is known: the suite holds, and says so. The run's exit code follows from it."""
    instrumented = record(instrumented=True, test_0="failed: AssertionError: Lists differ: [1] != []") | {"exit": 1}
    comparison = compare(record(), record(), instrumented, known=KNOWN)
    assert comparison.holds
    assert comparison.compared == 200
    assert len(comparison.known) == 1
    assert comparison.known[0].endswith("because we are in the list")


@pytest.mark.parametrize(
    ("bare", "instrumented"),
    [("passed", "passed"), ("passed", "failed: KeyError"), ("failed: AssertionError: Lists differ",) * 2, (None, None)],
)
def test_a_difference_that_is_not_the_known_one_counts(bare: str | None, instrumented: str | None) -> None:
    """A test that ends alike after all, ends in another way, fails bare too, or is gone: the list of what is known is wrong."""
    comparison = compare(record(test_0=bare), record(test_0=bare), record(instrumented=True, test_0=instrumented), known=KNOWN)
    assert len(comparison.differences) == 1
    assert comparison.known == []


def test_a_known_difference_covers_no_other() -> None:
    """Beside a known difference another one is found as ever."""
    instrumented = record(instrumented=True, test_0="failed: AssertionError: Lists differ: [1] != []", test_1="failed: KeyError")
    assert len(compare(record(), record(), instrumented, known=KNOWN).differences) == 1


def test_runs_that_are_not_what_they_say_prove_nothing() -> None:
    """A bare run that imported the package, or an instrumented one that did not, is no comparison."""
    assert not compare(record(instrumented=True), record(), record(instrumented=True)).holds
    assert not compare(record(), record(), record()).holds


@pytest.mark.parametrize("wrong", [{"operations": 0, "measured": 0}, {"measured": 49}, {"probe": 0}, {"probe": 2}, {"internal_errors": 1}])
def test_an_instrumented_run_that_saw_too_little_proves_nothing(wrong: dict[str, int]) -> None:
    """No operation spans, spans without durations, a probe not seen once, an error of ours: each is a complaint."""
    comparison = compare(record(), record(), record(instrumented=True))
    assert list(enough(comparison, minimum_passed=190, minimum_operations=40, telemetry=TELEMETRY)) == []
    assert len(list(enough(comparison, minimum_passed=190, minimum_operations=40, telemetry=TELEMETRY | wrong))) == 1


@pytest.mark.parametrize("wrong", [{"statements": 0, "executed": 0}, {"statements": 69}, {"statements": 71}])
def test_statements_that_were_not_seen_prove_nothing(wrong: dict[str, int]) -> None:
    """Where statements are expected, as many have to be seen as were counted independently of us, and enough of them."""
    comparison = compare(record(), record(), record(instrumented=True))
    minima = {"minimum_passed": 190, "minimum_operations": 40, "minimum_statements": 60}
    assert list(enough(comparison, telemetry=TELEMETRY, **minima)) == []
    assert len(list(enough(comparison, telemetry=TELEMETRY | wrong, **minima))) == 1


def test_a_suite_that_shrank_proves_nothing() -> None:
    """Fewer passing tests than expected are a complaint, so an empty suite never holds."""
    comparison = compare(record(), record(), record(instrumented=True))
    assert list(enough(comparison, minimum_passed=201, minimum_operations=40, telemetry=TELEMETRY)) != []


def test_addresses_and_durations_do_not_count() -> None:
    """Two messages that differ in an address or a duration are the same message."""
    assert steady("<Loader at 0x7f12ab> took 1.25s") == steady("<Loader at 0x7f34cd> took 0.5s")
    assert steady("expected 3, got 4") != steady("expected 3, got 5")
