"""Loads a collector with the telemetry of 2,000 operations a second, and says what it took, lost and used (`python tests/performance/collector_load.py`).

A real collector with the shipped configuration stands between processes that send as the package does (synthetic_spans.py, synthetic_metrics.py) and
two stores: a real Prometheus, and a trace backend that counts every span by its id. Two `--config` files are added: the memory limiter's limits as
numbers, because outside a container its percentages are of the machine, and a second door for the collector's metrics about itself, which is
asked twice a second. GOMEMLIMIT is 80 % of the limit, as in docker-compose.yml.

* loss: spans that were acknowledged and are not in the backend, points that are not among Prometheus's raw samples; each is counted, none estimated.
  With the overlay `sampling` a trace may be missing as a whole, unless it failed or was slow. Duplicates are no loss: who tries again may send twice.
* memory: the largest anonymous resident size. Pages of the queue's file are mapped too, and the kernel takes them back when it needs them.
* CPU: of the collector, from the first message until the last one has arrived, per operation.
* acknowledged: from the beginning of a request until its answer, as the application's export thread sees it.
* with `--outage` both stores are gone for so long after half of the load, which goes on meanwhile.

Exit code 1: something is lost or was rejected, the memory was above its limit, or less than 95 % of the wanted load could be sent in its time.
"""

# A command finds its neighbours and the servers of the tests only after it has said where they are.
# ruff: noqa: E402

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import pytest
from load_application import Application
from load_observers import WATCH_EVERY, TraceBackend, Verdict, Watch
from synthetic_metrics import missing, points

from tests.services.collector import BASE, SHIPPED, Collector
from tests.services.processes import free_port
from tests.services.prometheus import Prometheus, prometheus

MIB = 2**20
BYTES_OF_A_SPAN = 600
"""As OTLP, of those that are sent here."""

ENOUGH = 0.95
"""Of the wanted rate: below it the numbers are about another load."""

QUIET, QUIET_AFTER_OUTAGE = 5.0, 20.0
"""Seconds without a span after which a sampler has decided about every trace, and an exporter that pauses has tried again."""

ADDED = """
processors: {{memory_limiter: {{limit_mib: {limit}, spike_limit_mib: {spike_limit}}}}}
service:
  telemetry:
    metrics:
      readers:
        - periodic: {{interval: 15000, exporter: {{otlp: {{protocol: http/protobuf, endpoint: "{prometheus}/v1/metrics"}}}}}}
        - pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {port}}}}}}}
"""


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=2000, help="operations a second (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="how long, an outage not counted (default %(default)s)")
    parser.add_argument(
        "--processes", type=int, default=4, help="of the application; each has a connection and its own series (default %(default)s)"
    )
    parser.add_argument(
        "--metrics-every", type=float, default=15, help="seconds between a process's exports of metrics (default %(default)s)"
    )
    parser.add_argument("--overlay", action="append", default=[], choices=("sampling", "span-metrics"), help="may be repeated")
    parser.add_argument(
        "--config", action="append", default=[], type=Path, help="a further configuration of the collector; may be repeated"
    )
    parser.add_argument("--outage", type=float, default=0, help="seconds for which the stores are gone in the middle")
    parser.add_argument(
        "--memory", type=int, default=512, help="the collector's limit in MiB (default %(default)s, as in docker-compose.yml)"
    )
    parser.add_argument(
        "--endpoint", help="a collector that runs already: what it refuses and how fast it answers is said, not what arrives"
    )
    parser.add_argument(
        "--patience", type=float, default=40, help="seconds without a span until what is missing is lost (default %(default)s)"
    )
    parser.add_argument("--json", type=Path, help="write the result to this file")
    return parser.parse_args(arguments)


def start_applications(options: argparse.Namespace, endpoint: str) -> list[Application]:
    """All processes of the application, sending."""
    each = {"rate": options.rate / options.processes, "seconds": options.seconds + options.outage, "metrics_every": options.metrics_every}
    applications = [Application(process, endpoint=endpoint, **each) for process in range(options.processes)]
    for application in applications:
        application.start()
    return applications


def sent_by(options: argparse.Namespace, applications: list[Application]) -> dict[str, Any]:
    """What was offered, and how the collector answered."""
    for application in applications:
        application.join()
    latencies = sorted(latency for application in applications for latency in application.latencies)
    rejected = [text for application in applications for text in application.rejected]
    if not latencies:
        sys.exit(f"The collector took nothing: {rejected[:3]}")
    elapsed = max(application.elapsed for application in applications)
    operations = sum(application.operations for application in applications)
    return {
        "operations": operations,
        "operations_per_second": operations / elapsed,
        "spans_per_second": sum(len(application.sent) * application.round.spans for application in applications) / elapsed,
        "share_of_wanted": operations / elapsed / options.rate,
        "points": sum(application.exports for application in applications) * points(),
        "refused": sum(application.refused for application in applications),
        "broken_connections": sum(application.broken for application in applications),
        "rejected": rejected,
        "acknowledged_p50": statistics.median(latencies),
        "acknowledged_p99": latencies[int(len(latencies) * 0.99)],
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Start everything, send, wait until all has arrived, and count."""
    with ExitStack() as stack:
        store = stack.enter_context(prometheus())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="load-")))
        traces = TraceBackend()
        stack.callback(traces.stop)
        metrics_port = free_port()
        added = folder / "added.yaml"
        limits = {name: options.memory * percentage // 100 for name, percentage in shipped_percentages().items()}
        added.write_text(ADDED.format(**limits, prometheus=store.otlp_url, port=metrics_port))
        configurations = [BASE, *(SHIPPED / "overlays" / f"{name}.yaml" for name in options.overlay), added, *options.config]
        environment = {
            "TEMPO_ADDR": f"127.0.0.1:{traces.port}",
            "PROMETHEUS_OTLP_URL": store.otlp_url,
            "GOMEMLIMIT": f"{options.memory * 80 // 100}MiB",
        }
        server = Collector(folder, configurations, environment)
        stack.callback(server.stop, seconds=30)
        watch = Watch(server, metrics_port)
        watch.start()
        used, own = watch.cpu(), time.process_time()
        applications = start_applications(options, server.endpoint)
        back = outage(options, traces, store)
        result = sent_by(options, applications)
        verdict = settled(options, traces, watch, applications)
        result |= {"cpu_per_operation": (watch.cpu() - used) / result["operations"], "cpu_of_this_script": time.process_time() - own}
        lost_points = missing_points(options, store, applications)
        watch.end()
        return result | vars(verdict) | {"lost_points": lost_points} | watch.facts() | drained(watch, back, result["spans_per_second"])


def shipped_percentages() -> dict[str, int]:
    """Of the memory limiter."""
    return {name: int(value) for name, value in re.findall(r"\b(limit|spike_limit)_percentage: (\d+)", BASE.read_text(encoding="utf-8"))}


def outage(options: argparse.Namespace, traces: TraceBackend, store: Prometheus) -> float | None:
    """Let the stores be gone in the middle, if that is asked for; gives the moment when they are back."""
    if not options.outage:
        return None
    time.sleep(options.seconds / 2)
    traces.stop()
    store.stop()
    time.sleep(options.outage)
    store.start()
    traces.start()
    return time.monotonic()


def settled(options: argparse.Namespace, traces: TraceBackend, watch: Watch, applications: list[Application]) -> Verdict:
    """What has become of the spans, when nothing more is to come."""
    sampled = "sampling" in options.overlay
    enough = (QUIET_AFTER_OUTAGE if options.outage else QUIET) if sampled else 0.0
    sent = [(number, application.round) for application in applications for number in application.sent]
    while True:
        quiet = time.monotonic() - traces.last
        if (watch.empty() and quiet > enough) or quiet > options.patience:
            verdict = traces.verdict(sent, sampled=sampled)
            if not verdict.lost or quiet > options.patience:
                return verdict
        time.sleep(WATCH_EVERY)


def missing_points(options: argparse.Namespace, store: Prometheus, applications: list[Application]) -> int:
    """Points that have not come, when nothing more is to come."""
    exports = {application.process: application.exports for application in applications}
    end = time.monotonic() + options.patience
    while (lost := missing(store, exports)) and time.monotonic() < end:
        time.sleep(1)
    return lost


def drained(watch: Watch, back: float | None, spans_per_second: float) -> dict[str, Any]:
    """How long after an outage no more than a second's spans waited."""
    if back is None:
        return {}
    empty = [moment for moment, waiting in watch.queue if moment > back and waiting < spans_per_second * BYTES_OF_A_SPAN]
    return {"drained_after": empty[0] - back if empty else None}


def complaints(options: argparse.Namespace, result: dict[str, Any]) -> list[str]:
    """Why the load was too much, if it was."""
    found = [f"rejected: {text}" for text in result["rejected"][:5]]
    if result["share_of_wanted"] < ENOUGH:
        found.append(f"only {result['share_of_wanted']:.0%} of the wanted rate could be sent")
    if result.get("lost"):
        found.append(f"{result['lost']} spans are lost")
    if result.get("lost_points"):
        found.append(f"{result['lost_points']} points are lost")
    if result.get("anonymous", 0) > options.memory * MIB:
        found.append(f"memory: {result['anonymous'] / MIB:.0f} MiB, allowed are {options.memory}")
    if result.get("complaint"):
        found.append(result["complaint"])
    return found


def lines(options: argparse.Namespace, result: dict[str, Any]) -> Iterator[str]:
    """The result for people."""
    yield (
        f"sent            {result['operations_per_second']:.0f} operations/s of {options.rate:.0f} wanted, {result['spans_per_second']:.0f} spans/s; "
        f"in all {result['operations']} operations, {result['points']} points"
    )
    yield f"answers         {result['refused']} refused and sent again, {result['broken_connections']} broken connections"
    yield f"acknowledged    after {result['acknowledged_p50'] * 1000:.1f} ms (p50), {result['acknowledged_p99'] * 1000:.1f} ms (p99)"
    if "accepted" not in result:
        return
    yield f"spans           {result['accepted']} accepted = {result['arrived']} arrived + {result['dropped']} sampled away + {result['lost']} lost"
    yield f"                {result['duplicates']} came twice"
    yield f"points          {result['lost_points']} lost"
    yield f"memory          {result['anonymous'] / MIB:.0f} MiB of {options.memory}; with mapped files {result['resident'] / MIB:.0f}"
    yield f"                {result['heap'] / MIB:.0f} MiB Go's heap"
    yield f"CPU             {result['cpu_per_operation'] * 1e6:.0f} µs per operation: {result['cpu_per_operation'] * options.rate:.2f} cores"
    yield f"                {result['cpu_of_this_script']:.1f} s this script itself"
    waited = f"{result['queued_traces'] / MIB:.1f} MiB of traces and {result['queued_metrics'] / MIB:.1f} of metrics"
    yield f"queue           at most {waited}; the file of traces {result['disk'] / MIB:.0f} MiB"
    if "drained_after" in result:
        after = "never" if result["drained_after"] is None else f"after {result['drained_after']:.1f} s"
        yield f"outage          {options.outage:.0f} s; queue empty {after}"


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and say with the exit code whether the collector stood it."""
    options = parse_options(arguments)
    try:
        result = sent_by(options, start_applications(options, options.endpoint)) if options.endpoint else measure(options)
    except pytest.skip.Exception as missing_server:
        sys.exit(str(missing_server))
    result["complaints"] = complaints(options, result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    print("\n".join(lines(options, result)))
    for complaint in result["complaints"]:
        print(f"FAILED          {complaint}")
    return 1 if result["complaints"] else 0


if __name__ == "__main__":
    sys.exit(main())
