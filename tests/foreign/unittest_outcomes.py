"""Django test runner that writes down how each test ended, in the form that outcomes.py has; settings name it as TEST_RUNNER."""

from __future__ import annotations

import unittest
import warnings
from typing import Any

import outcomes
from django.test.runner import DiscoverRunner


class Result(unittest.TextTestResult):
    """Notes each ending beside what unittest makes of it."""

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        outcomes.add(test.id(), "passed")

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        outcomes.add(test.id(), _ending("failed", err))

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        outcomes.add(test.id(), _ending("error", err))

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        outcomes.add(test.id(), f"skipped: {outcomes.steady(reason)}")

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)
        outcomes.add(test.id(), _ending("xfailed", err))

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        outcomes.add(test.id(), "xpassed")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        # One that succeeds is part of its test's success; its parameters need not print the same in two runs.
        if err is not None:
            outcomes.add(subtest.id(), _ending("failed", err))


class Runner(DiscoverRunner):
    """Django's own, with that result, and with the warnings that were given in the tests."""

    def get_resultclass(self) -> type[Result]:
        return Result

    def run_tests(self, *args: Any, **kwargs: Any) -> int:
        warnings.showwarning = _note_warning
        failed: int = super().run_tests(*args, **kwargs)
        outcomes.write(ended_with=int(failed > 0))
        return failed


def _note_warning(message: Any, category: type[Warning], *_: Any, **__: Any) -> None:
    outcomes.add_warning(category, message)


def _ending(kind: str, err: Any) -> str:
    # The first line, unlike in pytest's reports: the last one of an assertion's long message is a part of a diff.
    lines = str(err[1]).strip().splitlines()
    return outcomes.steady(f"{kind}: {err[0].__name__}: {lines[0] if lines else ''}")
