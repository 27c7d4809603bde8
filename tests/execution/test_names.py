"""Which operation names become metric attributes."""

from __future__ import annotations

import random

from otel_graphql_auto import semconv
from otel_graphql_auto.execution.names import OperationNames


def test_a_quiet_application_sees_every_name_at_once():
    """No name has to prove itself while there is room."""
    names = OperationNames(200)
    assert [names.label(f"Q{number}", valid=True) for number in range(40)] == [f"Q{number}" for number in range(40)]


def test_a_flood_creates_few_series_and_keeps_no_real_operation_out():
    """10,000 made-up names between 20 real ones: at most 200 names, all 20 among them, nothing lost."""
    names = OperationNames(200)
    traffic = [f"Fake{number}" for number in range(10_000)] + [f"Real{number % 20}" for number in range(2_000)]
    random.Random(1).shuffle(traffic)
    counts = {}
    for name in traffic:
        label = names.label(name, valid=True)
        counts[label] = counts.get(label, 0) + 1
    assert sum(counts.values()) == 12_000
    assert len(counts) <= 201
    assert all(counts.get(f"Real{number}", 0) >= 90 for number in range(20))


def test_a_flood_that_repeats_itself_leaves_room_for_what_is_frequent():
    """Names that come ten times each fill some places; operations that come thousands of times still get in."""
    names = OperationNames(200)
    for number in range(5_000):
        for _ in range(10):
            names.label(f"Fake{number}", valid=True)
    assert len(names) <= 160
    for _ in range(300):
        names.label("Real", valid=True)
    assert names.label("Real", valid=True) == "Real"


def test_what_did_not_validate_brings_no_name_in():
    """But a name that is in already is told apart when it fails."""
    names = OperationNames(200)
    assert names.label("Broken", valid=False) == semconv.OTHER
    assert names.label("Fine", valid=True) == "Fine"
    assert names.label("Fine", valid=False) == "Fine"


def test_declared_names_are_in_at_once_and_long_ones_never():
    """A manifest is as good as being seen often; nobody gets a label of a thousand characters."""
    names = OperationNames(4, ["Declared", "Also"])
    assert names.label("Declared", valid=False) == "Declared"
    assert names.label("x" * 101, valid=True) == semconv.OTHER
    assert names.label(None, valid=True) is None
