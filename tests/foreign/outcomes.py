"""Writes down how each test ended, the same way with and without our instrumentation. A pytest plugin; unittest_outcomes.py is its sibling."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

_CHANGING = re.compile(r"0x[0-9a-f]+|\b\d+(\.\d+)?(?= ?(s|seconds|ms|us|ns)\b)")
"""Addresses and durations, which no two runs share."""

outcomes: dict[str, str] = {}
warnings: set[str] = set()


def steady(text: str) -> str:
    """The text without what changes from run to run."""
    return _CHANGING.sub("…", text)


def add(test: str, ending: str) -> None:
    """Note how a test ended. One that passed and then broke in its teardown has both outcomes."""
    before = outcomes.get(test)
    outcomes[test] = ending if before is None else f"{before}, {ending}"


def add_warning(category: type[Warning], message: Any) -> None:
    """Note a warning, whoever caused it."""
    warnings.add(steady(f"{category.__name__}: {message}"))


def write(*, ended_with: int) -> None:
    """The record that comparison.py reads."""
    record = {
        "outcomes": outcomes,
        "warnings": sorted(warnings),
        "exit": ended_with,
        "instrumented": "otel_graphql_auto" in sys.modules,
    }
    Path(os.environ["FOREIGN_OUTCOMES"]).write_text(json.dumps(record), encoding="utf-8")


def pytest_runtest_logreport(report: Any) -> None:
    ending = _ending(report)
    if ending is not None:
        add(report.nodeid, ending)


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        outcomes[f"collection of {report.nodeid}"] = f"error: {_last_line(report)}"


def pytest_warning_recorded(warning_message: Any) -> None:
    add_warning(warning_message.category, warning_message.message)


def pytest_sessionfinish(exitstatus: int) -> None:
    write(ended_with=int(exitstatus))


def _ending(report: Any) -> str | None:
    if hasattr(report, "wasxfail"):
        return f"{'xfailed' if report.skipped else 'xpassed'}: {report.wasxfail}"
    if report.skipped:
        return f"skipped: {_last_line(report)}"
    if report.failed:
        kind = "failed" if report.when == "call" else f"error in {report.when}"
        return f"{kind}: {_last_line(report)}"
    return "passed" if report.when == "call" else None


def _last_line(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        text = crash.message
    elif isinstance(report.longrepr, tuple):
        text = report.longrepr[-1]
    else:
        text = str(report.longrepr)
    return steady((text.strip().splitlines() or [""])[-1])
