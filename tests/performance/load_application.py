"""One process of an application that is busy: it sends its spans and its metrics over a connection of its own, as the SDK does."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from synthetic_metrics import metrics_of
from synthetic_spans import OPERATIONS, Round, round_of

HEADERS = {"Content-Type": "application/x-protobuf"}
TRY_AGAIN = (429, 502, 503, 504)
"""Statuses after which OTLP lets a sender try again; it gives up after any other."""

LONGEST_PAUSE = 5.0
GIVES_UP_AFTER = 120.0
"""Seconds, as do those who would otherwise wait for a collector that has ended."""

NUMBERS = itertools.count(1)
"""Of rounds, among all processes."""


class Application(threading.Thread):
    """Sends its part of the load, whole rounds only. What is refused is sent until it is taken: that makes the rest late, and is seen there."""

    def __init__(self, process: int, *, endpoint: str, rate: float, seconds: float, metrics_every: float) -> None:
        super().__init__(name=f"process-{process}", daemon=True)
        self.process = process
        self.round: Round = round_of(process)
        self.rounds = max(1, round(rate * seconds / OPERATIONS))
        self.sent: list[int] = []
        """Numbers of the rounds whose every message was acknowledged."""
        self.exports = self.refused = self.broken = 0
        self.rejected: list[str] = []
        self.latencies: list[float] = []
        self.elapsed = 0.0
        self._pause = OPERATIONS / rate
        self._metrics_every = metrics_every
        address = urlsplit(endpoint)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)

    @property
    def operations(self) -> int:
        """Sent and acknowledged."""
        return len(self.sent) * OPERATIONS

    def run(self) -> None:
        """Until everything is acknowledged, or nothing is taken any more."""
        began = time.monotonic()
        try:
            self._send_all(began, time.time_ns())
        except TimeoutError as problem:
            self.rejected.append(str(problem))
        self.elapsed = self.elapsed or time.monotonic() - began
        self._connection.close()

    def _send_all(self, began: float, started: int) -> None:
        next_metrics = began + self._metrics_every * (self.process % 4 + 1) / 4
        for turn in range(self.rounds):
            number = next(NUMBERS)
            accepted = True
            for place, message in enumerate(self.round.messages):
                due = began + (turn + (place + 1) / len(self.round.messages)) * self._pause
                time.sleep(max(0.0, due - time.monotonic()))
                if time.monotonic() >= next_metrics:
                    next_metrics += self._metrics_every
                    self._export_metrics(started)
                accepted &= self._post("/v1/traces", message.encoded(round_number=number, now=time.time_ns()))
            if accepted:
                self.sent.append(number)
        self.elapsed = time.monotonic() - began
        self._export_metrics(started)

    def _export_metrics(self, started: int) -> None:
        self.exports += 1
        export = metrics_of(self.process, export=self.exports, started=started, now=time.time_ns())
        self._post("/v1/metrics", export.SerializeToString())

    def _post(self, path: str, body: bytes | bytearray) -> bool:
        end = time.monotonic() + GIVES_UP_AFTER
        for attempt in itertools.count():
            asked = time.monotonic()
            if asked > end:
                raise TimeoutError(f"nothing was taken for {GIVES_UP_AFTER:.0f} s")
            pause = min(LONGEST_PAUSE, 2.0**attempt)
            try:
                self._connection.request("POST", path, body, HEADERS)
                answer = self._connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                self.broken += 1
                self._connection.close()
            else:
                # Of metrics it is the same message, with points for spans.
                if answer.status == 200 and not ExportTraceServiceResponse.FromString(text).partial_success.rejected_spans:
                    if path == "/v1/traces":
                        self.latencies.append(time.monotonic() - asked)
                    return True
                if answer.status not in TRY_AGAIN:
                    self.rejected.append(f"{answer.status} {text[:200]!r}")
                    return False
                self.refused += 1
                pause = float(answer.getheader("Retry-After") or pause)
            time.sleep(pause)
        return False
