"""Fixtures of the console tests."""

import pytest

from tests.console.terminal import Terminal


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.exporter.shutdown()


@pytest.fixture
def trees():
    """A terminal on which every request is drawn as a tree, however fast it was."""
    made = Terminal(tree_seconds=0)
    yield made
    made.exporter.shutdown()
