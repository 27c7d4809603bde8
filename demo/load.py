"""Traffic for the demo: its operations in a mix that looks like a day, so many a second, until Ctrl-C or for so many seconds.

Exit code 1 if an answer was not the expected one.
"""

# Every address here is put together in this file.
# ruff: noqa: S310

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import statistics
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urlencode

from steps import STEPS, Step

MIX = {
    "Hello": 20,
    "PostsFast": 20,
    "PostsLoaded": 15,
    "ByGet": 10,
    "OldClient": 10,
    "BatchA": 5,
    "Async": 5,
    "PostsNaive": 4,
    "Outer": 3,
    "CreateComment": 2,
    "Countdown": 2,
    "QuotedPosts": 1,
    "Slow": 1,
    "SlowValidation": 1,
    "PartialData": 1,
    "UnexpectedFailure": 0.3,
    "BadVariable": 0.5,
    "Typo": 0.5,
}
"""How often a step of the tour is taken, by the name of its operation: most are fast, few fail, and every panel has something to show."""

POSTS = 1000
"""Comments are spread over the seed's posts, so that no conversation grows without end."""

REPORT_SECONDS = 30.0
TIMEOUT_SECONDS = 30.0
CATCH_UP_SECONDS = 2.0
LATEST = 1000
"""Of so many requests the durations are kept: it may run for weeks."""


@dataclass
class Outcome:
    """What became of the requests."""

    count: int = 0
    unexpected: dict[str, int] = field(default_factory=dict)
    """By the name of the operation."""
    latest: deque[float] = field(default_factory=lambda: deque(maxlen=LATEST))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, seconds: float, complaint: str) -> None:
        with self.lock:
            self.count += 1
            self.latest.append(seconds)
            if not complaint:
                return
            if name not in self.unexpected:
                print(f"{name}: {complaint}", file=sys.stderr, flush=True)
            self.unexpected[name] = self.unexpected.get(name, 0) + 1

    def __str__(self) -> str:
        with self.lock:
            if self.count < 2:
                return f"{self.count} requests, {sum(self.unexpected.values())} unexpected answers."
            percentiles = statistics.quantiles(self.latest, n=100)
            return (
                f"{self.count} requests, {sum(self.unexpected.values())} unexpected answers; "
                f"median {percentiles[49] * 1000:.0f} ms, p95 {percentiles[94] * 1000:.0f} ms."
            )


def main() -> int:
    arguments = parse_arguments()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    schedule, outcome = Schedule(rate=arguments.rate, seconds=arguments.seconds, ended=ended), Outcome()
    clients = [threading.Thread(target=walk, args=(arguments.address.rstrip("/"), schedule, outcome)) for _ in range(arguments.clients)]
    for client in clients:
        client.start()
    while alive := [client for client in clients if client.is_alive()]:
        alive[0].join(REPORT_SECONDS)
        if alive[0].is_alive():
            print(outcome, flush=True)
    print(outcome, flush=True)
    return 1 if outcome.unexpected or not outcome.count else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default="http://127.0.0.1:8000", help="where the demo is (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=5, help="requests a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="how long (default: until Ctrl-C)")
    parser.add_argument("--clients", type=int, default=8, help="how many may wait for an answer at the same time (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.rate <= 0 or arguments.seconds <= 0 or arguments.clients < 1:
        parser.error("rate, seconds and clients must be positive")
    return arguments


class Schedule:
    """The moments at which requests are due, handed out to all clients."""

    def __init__(self, *, rate: float, seconds: float, ended: threading.Event) -> None:
        self._interval = 1 / rate
        self._next = time.monotonic()
        self._last = self._next + seconds
        self._ended = ended
        self._lock = threading.Lock()

    def wait(self) -> bool:
        """Until the next request is due; whether there is one."""
        with self._lock:
            # What a slow server has made late is caught up with, but a pause of minutes is not followed by a flood.
            due = max(self._next, time.monotonic() - CATCH_UP_SECONDS)
            self._next = due + self._interval
        return due < self._last and not self._ended.wait(max(0.0, due - time.monotonic()))


def walk(address: str, schedule: Schedule, outcome: Outcome) -> None:
    """One client: a request, its answer, and again."""
    steps = steps_by_name()
    names, weights = list(MIX), list(MIX.values())
    while schedule.wait():
        name = random.choices(names, weights)[0]
        began = time.monotonic()
        complaint = send(address, steps[name])
        outcome.add(name, time.monotonic() - began, complaint)


def steps_by_name() -> dict[str, Step]:
    """The tour's steps by the name of their (first) operation."""
    found = {}
    for step in STEPS:
        document = step.document if isinstance(step.document, str) else step.document[0]
        if operation := re.match(r"(?:query|mutation|subscription) (\w+)", document):
            found[operation[1]] = step
    return found


def send(address: str, step: Step) -> str:
    """Send one request and read its answer to the end; what is wrong with it, or nothing."""
    try:
        with urllib.request.urlopen(request_of(address, step), timeout=TIMEOUT_SECONDS) as response:
            answer = response.read().decode()
    except urllib.error.HTTPError as error:
        # 400 is how a document that does not fit is answered; a step says what is expected of it.
        with error:
            answer = error.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        return f"no answer: {error}"
    return "" if step.expected in answer else f"not the expected answer: {answer[:200]}"


def request_of(address: str, step: Step) -> urllib.request.Request:
    if step.method == "GET":
        return urllib.request.Request(f"{address}{step.path}?{urlencode({'query': step.document})}")
    if isinstance(step.document, list):
        body: object = [{"query": document} for document in step.document]
    else:
        document = step.document.replace("(post: 1,", f"(post: {random.randint(1, POSTS)},")
        body = {"query": document, "variables": step.variables}
    headers = {"Content-Type": "application/json", **(step.headers or {})}
    return urllib.request.Request(f"{address}{step.path}", json.dumps(body).encode(), headers)


if __name__ == "__main__":
    sys.exit(main())
