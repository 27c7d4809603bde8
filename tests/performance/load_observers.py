"""Who looks on while a collector is under load: a trace backend that counts every span by its id, and a watch over the collector's process."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psutil
from synthetic_spans import MOST_SPANS, Round, places

from tests.services.collector import Collector
from tests.services.processes import free_port

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LARGEST_MESSAGE = 16 * 2**20
WATCH_EVERY = 0.5

HEAP = "otelcol_process_runtime_heap_alloc_bytes"
TRACES = "otelcol_exporter_queue_size otlp_grpc/tempo"
METRICS = "otelcol_exporter_queue_size otlp_http/prometheus"
"""The collector's own metrics, the last two with the exporter that they are about."""


class TraceBackend:
    """Takes OTLP over gRPC and keeps how often each span has come, not the span."""

    def __init__(self) -> None:
        self.port = free_port()
        self.last = time.monotonic()
        """When spans came last."""
        self._arrived: dict[int, bytearray] = {}
        self._lock = threading.Lock()
        self.start()

    def start(self) -> None:
        """Take spans, from now on or again."""
        self._server = grpc.server(
            ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.so_reuseport", 0)]
        )
        self._server.add_generic_rpc_handlers((self,))
        self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self) -> None:
        """Be gone; connections end in the middle of what they send."""
        self._server.stop(None).wait()

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """What grpc asks for each call."""
        return grpc.unary_unary_rpc_method_handler(self._export) if call.method == EXPORT else None

    def _export(self, message: bytes, _context: grpc.ServicerContext) -> bytes:
        with self._lock:
            for number, place in places(message):
                counts = self._arrived.get(number)
                if counts is None:
                    counts = self._arrived[number] = bytearray(MOST_SPANS)
                counts[place] += 1
            self.last = time.monotonic()
        return b""

    def verdict(self, sent: Iterable[tuple[int, Round]], *, sampled: bool) -> Verdict:
        """Hold what has arrived against what was acknowledged."""
        verdict = Verdict()
        with self._lock:
            for number, of_process in sent:
                counts = self._arrived.get(number, bytearray(MOST_SPANS))
                for trace, must_arrive in of_process.traces:
                    here = counts[trace.start : trace.stop]
                    absent = here.count(0)
                    verdict.accepted += len(here)
                    verdict.arrived += len(here) - absent
                    verdict.duplicates += sum(here) - (len(here) - absent)
                    if sampled and absent == len(here) and not must_arrive:
                        verdict.dropped += absent
                    else:
                        # Of a trace that was to be kept, or of which a part has come, everything must be here.
                        verdict.lost += absent
        return verdict


@dataclass
class Verdict:
    """Numbers of spans; accepted = arrived + dropped + lost."""

    accepted: int = 0
    arrived: int = 0
    dropped: int = 0
    lost: int = 0
    duplicates: int = 0


class Watch(threading.Thread):
    """Asks every half second what the collector has used, and what waits in it."""

    def __init__(self, server: Collector, metrics_port: int) -> None:
        super().__init__(daemon=True)
        self.resident = self.anonymous = self.heap = self.queued_traces = self.queued_metrics = self.disk = 0
        self.queue: list[tuple[float, int]] = []
        """Moment, bytes of spans that waited."""
        self._server = server
        self._process = psutil.Process(server.process.pid)
        self._address = f"http://127.0.0.1:{metrics_port}/metrics"
        self._ended = threading.Event()
        self.complaint = ""

    def cpu(self) -> float:
        """Seconds that the process has computed so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def run(self) -> None:
        """Until `end`."""
        while not self._ended.wait(WATCH_EVERY):
            try:
                self._look()
            except (OSError, psutil.Error) as problem:
                self.complaint = f"the collector does not answer: {problem!r}"

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()

    def empty(self) -> bool:
        """Whether no span and no point waits now."""
        try:
            values = self._metrics()
        except OSError as problem:
            self.complaint = f"the collector does not answer: {problem!r}"
            return False
        return not values[TRACES] and not values[METRICS]

    def facts(self) -> dict[str, Any]:
        """The largest values that were seen."""
        names = ("resident", "anonymous", "heap", "queued_traces", "queued_metrics", "disk", "complaint")
        return {name: getattr(self, name) for name in names}

    def _look(self) -> None:
        memory = _memory(self._process.pid)
        values = self._metrics()
        traces, metrics = int(values[TRACES]), int(values[METRICS])
        disk = sum(file.stat().st_blocks * 512 for file in Path(self._server.queue).glob("*") if "traces" in file.name)
        self.queue.append((time.monotonic(), traces))
        self.resident, self.anonymous = max(self.resident, memory["VmRSS"]), max(self.anonymous, memory["RssAnon"])
        self.heap = max(self.heap, int(values[HEAP]))
        self.queued_traces, self.queued_metrics, self.disk = (
            max(self.queued_traces, traces),
            max(self.queued_metrics, metrics),
            max(self.disk, disk),
        )

    def _metrics(self) -> dict[str, float]:
        with urllib.request.urlopen(self._address, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        values = {}
        for line in lines:
            name, _, value = line.rpartition(" ")
            # Labels besides the exporter's name come before and after it.
            exporter = name.partition('exporter="')[2].partition('"')[0]
            if not line.startswith("#"):
                values[f"{name.partition('{')[0]} {exporter}".strip()] = float(value)
        return values


def _memory(process: int) -> dict[str, int]:
    """Bytes; what is resident, and what of it no file stands behind."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines) if name in ("VmRSS", "RssAnon")}
