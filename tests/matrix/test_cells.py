"""The version matrix covers every release that the package supports, also where only two interpreters exist."""

from __future__ import annotations

import pytest
from cells import CELLS, NEWEST_DJANGO, NEWEST_GRAPHQL_CORE

GRAPHQL_CORES = {"3.2.0", "3.2.6", "3.2.9", "3.2.10", NEWEST_GRAPHQL_CORE}


def test_every_release_has_a_cell() -> None:
    """Each value of each dimension stands in a cell, and no two cells share a name (and so an environment)."""
    assert {cell.python for cell in CELLS} == {"3.10", "3.11", "3.12", "3.13"}
    assert {cell.graphql_core for cell in CELLS} == GRAPHQL_CORES
    assert {cell.django for cell in CELLS} == {"4.2.*", "5.2.*", "6.0.*", NEWEST_DJANGO}
    assert {cell.graphene_django for cell in CELLS} == {"3.1.1", "3.2.3"}
    assert len({cell.name for cell in CELLS}) == len(CELLS)


@pytest.mark.parametrize("other", ["3.12", "3.13"])
def test_two_interpreters_cover_what_continuous_integration_needs(other: str) -> None:
    """Python 3.11 and one newer see every graphql-core and Django 4.2, 5.2 and 6."""
    cells = [cell for cell in CELLS if cell.python in ("3.11", other)]
    assert {cell.graphql_core for cell in cells} == GRAPHQL_CORES
    assert {cell.django[:1] for cell in cells if cell.django != NEWEST_DJANGO} >= {"4", "5"}
    assert any(cell.django in ("6.0.*", NEWEST_DJANGO) for cell in cells)
