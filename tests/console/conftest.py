"""Fixtures of the console tests."""

import pytest

from tests.console.terminal import Terminal


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.exporter.shutdown()
