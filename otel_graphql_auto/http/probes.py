"""Runs the checks of readiness: all at the same time, each in a thread of its own and with a time limit.

A server that is frozen answers nothing, not even "no": whoever asks must not wait for it, and must not pile up threads that do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import NamedTuple

from otel_graphql_auto._safety import new_lock, text, type_name
from otel_graphql_auto.http.dependencies import all_checks

__all__ = ["LIMIT_SECONDS", "Outcome", "ask", "ask_async"]

LIMIT_SECONDS = 1.5
"""For each check; all run at the same time, so this is how long readiness takes at most."""

_RETRY_SECONDS = 10.0
"""While a check hangs, another one is tried beside it this often: its server may be back under the same name."""

_MOST_HANGING = 3
"""Threads that may hang in the checks of one part."""

_logger = logging.getLogger("otel_graphql_auto.health")


class Outcome(NamedTuple):
    """What became of one check."""

    name: str
    milliseconds: float | None
    error: str | None
    """The class of the error, or that there was no answer. Never a message: those name hosts, users and paths."""


class _Attempt(NamedTuple):
    future: Future[float]
    started: float


class _Part:
    """A database or a cache, and the checks of it that are under way."""

    def __init__(self, name: str, check: Callable[[], None]) -> None:
        self.name = name
        self._check = check
        self._attempts: list[_Attempt] = []
        self._lock = new_lock()
        self._error: str | None = None

    def attempt(self) -> _Attempt:
        """A new check, or the newest that is under way: those who ask at the same time share it."""
        now = time.monotonic()
        with self._lock:
            self._attempts = [attempt for attempt in self._attempts if not attempt.future.done()]
            newest = self._attempts[-1] if self._attempts else None
            if newest is not None and (now - newest.started < _RETRY_SECONDS or len(self._attempts) >= _MOST_HANGING):
                return newest
            attempt = _Attempt(Future(), now)
            self._attempts.append(attempt)
        try:
            threading.Thread(target=self._run, args=(attempt.future,), daemon=True).start()
        except RuntimeError as error:  # no more threads are to be had: that is an answer too, and the next probe tries again
            attempt.future.set_exception(error)
        return attempt

    def _run(self, future: Future[float]) -> None:
        from opentelemetry.instrumentation.utils import suppress_instrumentation

        began = time.perf_counter()
        try:
            with suppress_instrumentation():  # drivers are instrumented too, and a probe is no request
                self._check()
        except BaseException as error:  # noqa: BLE001 - whatever a driver raises is the answer
            future.set_exception(error)
        else:
            future.set_result((time.perf_counter() - began) * 1000)

    def outcome(self, attempt: _Attempt) -> Outcome:
        """How it went, as far as it got. A change is logged once."""
        future = attempt.future
        failure = future.exception() if future.done() else None
        if not future.done():
            error, detail = f"no answer within {LIMIT_SECONDS} s", ""
        elif failure is not None:
            error, detail = type_name(failure), text(failure)
        else:
            self._say(None, "")
            return Outcome(self.name, round(future.result(), 1), None)
        self._say(error, detail)
        return Outcome(self.name, None, error)

    def _say(self, error: str | None, detail: str) -> None:
        with self._lock:
            before, self._error = self._error, error
        if error is None and before is not None:
            _logger.info("Readiness: %s answers again", self.name)
        elif error is not None and before is None:
            _logger.warning("Readiness: %s fails: %s %s", self.name, error, detail)


_parts: dict[str, _Part] = {}
# A forked worker has none of its parent's threads, and would wait for them.
os.register_at_fork(after_in_child=_parts.clear)


def ask() -> list[Outcome]:
    """Ask every database and every cache. Takes as long as the slowest, at most LIMIT_SECONDS."""
    attempts = [(part, part.attempt()) for part in _all_parts()]
    futures, seconds = _in_time(attempt for _, attempt in attempts)
    wait(futures, seconds)
    return [part.outcome(attempt) for part, attempt in attempts]


async def ask_async() -> list[Outcome]:
    """The same without holding up the event loop, or needing a thread of its executor."""
    attempts = [(part, part.attempt()) for part in _all_parts()]
    futures, seconds = _in_time(attempt for _, attempt in attempts)
    loop, all_done = asyncio.get_running_loop(), asyncio.Event()

    def one_is_done(_: Future[float]) -> None:
        if all(future.done() for future in futures):
            with contextlib.suppress(RuntimeError):  # the loop may be closed when a check that hung comes back
                loop.call_soon_threadsafe(all_done.set)

    for future in futures:
        future.add_done_callback(one_is_done)
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(all_done.wait(), seconds)
    return [part.outcome(attempt) for part, attempt in attempts]


def _in_time(attempts: Iterable[_Attempt]) -> tuple[list[Future[float]], float]:
    """What is worth waiting for, and for how many seconds: one that has had its time is not waited for again."""
    now = time.monotonic()
    waiting = [attempt for attempt in attempts if attempt.started + LIMIT_SECONDS > now]
    return [attempt.future for attempt in waiting], max((attempt.started + LIMIT_SECONDS - now for attempt in waiting), default=0.0)


def _all_parts() -> list[_Part]:
    return [_parts.setdefault(name, _Part(name, check)) for name, check in all_checks(LIMIT_SECONDS)]
