"""Runs one look of the doctor with a time limit and a net below it: what fails or hangs is a finding, and the rest goes on."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from otel_graphql_auto._safety import type_name
from otel_graphql_auto.finding import WARNING, Finding

__all__ = ["first_line", "hangs", "limited", "look"]

_threads: list[threading.Thread] = []


def look(subject: str, function: Callable[[], Iterable[Finding]], seconds: float, failure: str = WARNING) -> list[Finding]:
    """The findings of `function`, as many as it gets to within the limit, and one more of level `failure` where it fails or hangs."""
    found: list[Finding] = []

    def collect() -> None:
        for finding in function():
            found.append(finding)  # noqa: PERF402 - those before a failure count

    try:
        limited(collect, seconds)
    except Exception as error:  # noqa: BLE001 - whatever stands in the way of looking is itself a finding
        return [*found, Finding(failure, subject, f"could not look: {first_line(error)}")]
    return list(found)


def limited(function: Callable[[], Any], seconds: float) -> Any:
    """What `function` returns or raises, in a thread of its own; TimeoutError when that takes too long."""
    outcome: list[Any] = []
    failure: list[Exception] = []

    def run() -> None:
        try:
            outcome.append(function())
        except Exception as error:  # noqa: BLE001 - raised again for the caller
            failure.append(error)
        finally:
            _close_connections()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    _threads.append(thread)
    thread.join(max(seconds, 0.1))
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError(f"no end within {seconds:.0f} s")
    return outcome[0]


def hangs() -> bool:
    """Whether something that was given up still runs."""
    return any(thread.is_alive() for thread in _threads)


def first_line(error: BaseException) -> str:
    """The class of an error and the first line of what it says."""
    said = str(error).strip().splitlines()
    return f"{type_name(error)}: {said[0]}" if said else type_name(error)


def _close_connections() -> None:
    """The request's database connections belong to the thread."""
    if "django.db" in sys.modules:
        sys.modules["django.db"].connections.close_all()
