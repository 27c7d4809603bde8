"""Budgets of SQL statements for the operations that run in a block of test code."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from types import TracebackType
from typing import Any, ClassVar

from otel_graphql_auto import lifecycle, settings
from otel_graphql_auto._safety import internal_errors
from otel_graphql_auto.operation import Operation
from otel_graphql_auto.room import Room
from otel_graphql_auto.testing.attaching import attach, detach, obstacle
from otel_graphql_auto.testing.runs import Run, message, run_of

__all__ = ["Block", "max_queries", "no_n_plus_one"]

__unittest = True
"""unittest ends a failure's traceback where it meets this: at the line of the test. `__tracebackhide__` says the same to pytest."""


class _Listener(Room):
    """Keeps what has to be known of each operation that ends."""

    name: ClassVar[str] = "testing"
    telemetry: ClassVar[bool] = False  # it hears of operations with PERFORMANCE_MONITORING = False too, to say that they are not counted

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.errors_before = _errors()

    def ended(self, operation: Operation) -> None:
        if operation.type != "subscription" or operation.queries is not None or operation.errors:
            self.runs.append(run_of(operation, obstacle()))

    def event_ends(self, operation: Operation, event: Any, result: Any, error: BaseException | None) -> None:  # noqa: ARG002
        self.runs.append(run_of(operation, obstacle()))


_CONCERNED = ("lifecycle", "database", _Listener.name)


def _errors() -> int:
    """Errors of the package so far because of which something may not have been counted."""
    return sum(count for (room, _), count in internal_errors.read().items() if room in _CONCERNED)


class Block(ABC):
    """A context manager and a decorator, for `async def` too, that looks at the operations of a block when it ends without an exception.

    `check(runs)` of a subclass gets those that were executed, which are never none, and returns a message where they are wrong.
    It may be entered again, also inside itself.
    """

    what: ClassVar[str]
    operation: str | None = None

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []

    @abstractmethod
    def check(self, runs: Sequence[Run]) -> str | None:
        """What is wrong with these operations, in words; None where nothing is."""

    def __enter__(self) -> None:
        listener = _Listener()
        attach(listener)
        self._listeners.append(listener)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        __tracebackhide__ = True
        listener = self._listeners.pop()
        lifecycle.settle()
        was_there = detach(listener)
        if kind is not None:
            return
        if not was_there:
            raise RuntimeError(f"{self.what}: the package was detached inside the block. Begin `capture()` before it.")
        if _errors() > listener.errors_before:
            raise RuntimeError(
                f"{self.what}: otel_graphql_auto has failed inside the block, and may not have counted all. Its log says how."
            )
        runs = self._executed(listener.runs)
        for run in runs:
            if run.obstacle is not None:
                raise RuntimeError(
                    f"{self.what}: statements of {run.title} were not counted, because {run.obstacle}. Use override_settings()."
                )
        problem = self.check(runs)
        if problem is not None:
            raise AssertionError(problem)

    def _executed(self, runs: Sequence[Run]) -> list[Run]:
        """Those that concern this block: a test that looks at none would pass whatever happens."""
        __tracebackhide__ = True
        concerned = [run for run in runs if self.operation is None or run.name == self.operation]
        executed = [run for run in concerned if run.failure is None]
        if not executed:
            which = "GraphQL operation" if self.operation is None else f"operation {self.operation!r}"
            lines = [f"{self.what}: no {which} was executed inside the block, so there is nothing to check."]
            lines += [f"  {run.title}: {run.failure or 'was executed'}" for run in runs[:10]]
            raise AssertionError("\n".join(lines))
        return executed

    def _anew(self) -> Block:
        """One of its own for each call: calls of a coroutine function may run side by side."""
        block = copy(self)
        block._listeners = []
        return block

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A version of `function` that runs inside the block."""
        if isinstance(function, type):
            raise TypeError(f"{self.what} decorates functions; {function.__name__} is a class")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                with self._anew():
                    return await function(*args, **kwargs)

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with self._anew():
                return function(*args, **kwargs)

        return called


class _MaxQueries(Block):
    what = "max_queries"

    def __init__(self, limit: int, operation: str | None, *, total: bool) -> None:
        super().__init__()
        self.limit, self.operation, self.total = limit, operation, total

    def check(self, runs: Sequence[Run]) -> str | None:
        if self.total:
            count = sum(run.count for run in runs)
            if count <= self.limit:
                return None
            whole = f"{_plural(len(runs), 'operation')} ran {_plural(count, 'SQL statement')} in all; the budget is {self.limit}:"
            return message([(whole, ()), *((f"{run.title}: {run.count}", run.entries) for run in runs)])
        parts = [
            (f"{run.title} ran {_plural(run.count, 'SQL statement')}; the budget is {self.limit}:", run.entries)
            for run in runs
            if run.count > self.limit
        ]
        return message(parts) if parts else None


class _NoNPlusOne(Block):
    what = "no_n_plus_one"

    def __init__(self, threshold: int | None) -> None:
        super().__init__()
        self.threshold = threshold

    def check(self, runs: Sequence[Run]) -> str | None:
        threshold = self.threshold or settings.get().N_PLUS_ONE_THRESHOLD
        parts = []
        for run in runs:
            found = {(finding.coordinate, finding.fingerprint) for finding in run.findings(threshold)}
            entries = [entry for entry in run.entries if (entry.coordinate, entry.statement.fingerprint) in found]
            if entries:
                parts.append((f"{run.title} has N+1 queries, one field running the same statement {threshold} times or more:", entries))
        return message(parts) if parts else None


def max_queries(limit: int, /, *, operation: str | None = None, total: bool = False) -> Block:
    """A block in which each GraphQL operation may run `limit` SQL statements; a context manager and a decorator.

    With `operation`, only the one of that name is looked at. With `total`, they may run so many all together.
    Raises AssertionError where one runs more, or where none was executed; RuntimeError where nothing could be counted.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise ValueError(f"max_queries() takes a whole number, 0 or more, not {limit!r}")
    return _MaxQueries(limit, operation, total=total)


def no_n_plus_one(threshold: int | None = None) -> Block:
    """A block in which no field may run the same SELECT `threshold` times or more in one operation; a context manager and a decorator.

    Without `threshold` it is the setting N_PLUS_ONE_THRESHOLD. Raises as `max_queries` does.
    """
    if threshold is not None and (not isinstance(threshold, int) or isinstance(threshold, bool) or threshold < 2):
        raise ValueError(f"no_n_plus_one() takes a whole number, 2 or more, not {threshold!r}")
    return _NoNPlusOne(threshold)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
