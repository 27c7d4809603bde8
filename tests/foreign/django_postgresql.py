"""Settings for Django's own tests on PostgreSQL: those for SQLite, but for the databases, which run.py says."""

from __future__ import annotations

import json
import os

from django_sqlite import *  # noqa: F403

_server = json.loads(os.environ["FOREIGN_DATABASE"])

DATABASES = {"default": {**_server, "NAME": "first"}, "other": {**_server, "NAME": "second"}}
"""Neither exists, and need not: tests run in `test_first` and `test_second`, which the runner makes."""
