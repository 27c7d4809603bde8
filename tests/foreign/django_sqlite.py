"""Settings for Django's own tests on SQLite: those that its test folder has, and a runner that writes outcomes down."""

from __future__ import annotations

from test_sqlite import *  # noqa: F403 - found in that folder

TEST_RUNNER = "unittest_outcomes.Runner"
