"""Fixtures of the end-to-end tests: a receiver, a copy of the shop, and recordings of a server's life."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .receiver import Receiver
from .service import copy_project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that `-m "not end_to_end"` leaves them out."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.end_to_end)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An OTLP receiver of the test's own."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shop that all tests share; nobody asserts what its database holds beyond the first rows."""
    return copy_project(tmp_path_factory.mktemp("end_to_end"))
