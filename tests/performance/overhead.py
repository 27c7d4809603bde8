"""What telemetry costs: the same requests, bare and instrumented, through the real WSGI application (`make bench`).

One process per variant (variants.py) runs a small Django project (bench_project.py: the middleware of `startproject`, DEBUG off,
SQLite in memory) and is driven over pipes, so that only one of them works at a time. In each round, for each workload (workloads.py),
the variants run one block of requests each, in random order; a block takes bare about 60 ms. A request is a POST with a real WSGI environ
through WSGIHandler, the middleware, GraphQLView and the rendering of the answer; no socket is involved. Providers are the SDK's: batch span
processor, periodic metric reader, exporters that encode OTLP and send nothing, everything sampled unless the variant says otherwise.

* wall ratio: time of the block's requests over that of bare in the same round; the median of all rounds with a bootstrap 95 % interval.
  Spans are flushed after the clocks are read, so the export thread is not in it.
* CPU: time of the thread that serves the requests, per request and as a ratio; it does not see that other processes want the machine too.
* +export: CPU time of the process, the encoding of the block's spans included.
* our part: `ours` over `upstream` in the same rounds, and the median of their differences.
* the variant `control` is bare once more: how far its ratio is from 1 says what this machine cannot tell apart.
* memory: peak resident size of the process after all workloads.

Garbage collection is on with its default thresholds; what lives after the warm-up is frozen (gc.freeze), and a collection runs before
each block. Hash seeds are equal within a generation of processes and differ between generations; several generations even out what a
process keeps for life (memory layout). No process is pinned. Every variant must give the right answer, the same bytes as bare, the right
number of SQL statements and the right spans before anything is timed; only a failure of that makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from report import for_readers, machine_facts, print_report, summarise
from variants import VARIANTS
from workloads import WORKLOADS

BLOCK_SECONDS = 0.06
WARM_UP_SECONDS = 0.5


class BenchmarkError(Exception):
    """A worker found an answer, an SQL count or spans that are not right."""


class Worker:
    """A process that runs one variant."""

    def __init__(self, variant: str, *, hash_seed: int) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DJANGO_"))}
        environment |= {"PYTHONHASHSEED": str(hash_seed), "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database"}
        self.variant = variant
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), variant],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, command: str, **arguments: object) -> dict:
        """Send a command and wait for its answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise BenchmarkError(f"the process of variant {self.variant} ended with {self.process.wait()}")
        answer = json.loads(line)
        if "wrong" in answer:
            raise BenchmarkError(answer["wrong"])
        return answer

    def stop(self) -> None:
        """Close the pipe, which ends the process."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def start(variants: Iterable[str], *, hash_seed: int) -> list[Worker]:
    """One worker for each variant."""
    return [Worker(variant, hash_seed=hash_seed) for variant in variants]


def check(workers: list[Worker], workloads: list[str]) -> dict[str, dict[str, dict]]:
    """Every workload once in every variant; workload -> variant -> what was seen."""
    seen: dict[str, dict[str, dict]] = {}
    for workload in workloads:
        seen[workload] = {worker.variant: worker.ask("check", workload=workload) for worker in workers}
        if len({answer["digest"] for answer in seen[workload].values()}) != 1:
            raise BenchmarkError(f"{WORKLOADS[workload].title}: the variants answer with different bytes")
    return seen


def warm_up(workers: list[Worker], workloads: list[str]) -> dict[str, int]:
    """Run every workload untimed for a while; returns the requests of one block of each."""
    sizes: dict[str, int] = {}
    for workload in workloads:
        once = min(workers[0].ask("run", workload=workload, requests=1)["wall"] for _ in range(5))
        sizes[workload] = max(2, round(BLOCK_SECONDS / once))
        for worker in workers:
            until = monotonic() + WARM_UP_SECONDS
            while monotonic() < until:
                worker.ask("run", workload=workload, requests=sizes[workload])
    for worker in workers:
        worker.ask("freeze")
    return sizes


def measure(options: argparse.Namespace) -> tuple[list[dict], list[dict]]:
    """All generations; returns the blocks and the memory of each process."""
    blocks: list[dict] = []
    memory: list[dict] = []
    order = random.Random(options.seed)
    for generation in range(options.generations):
        workers = start(options.variants, hash_seed=options.seed + generation)
        try:
            check(workers, options.workload)
            sizes = warm_up(workers, options.workload)
            until = monotonic() + options.seconds / options.generations
            rounds = 0
            while rounds < options.rounds if options.rounds else monotonic() < until or rounds < 3:
                for workload in options.workload:
                    for worker in order.sample(workers, len(workers)):
                        answer = worker.ask("run", workload=workload, requests=sizes[workload])
                        blocks.append(
                            {
                                "generation": generation,
                                "round": rounds,
                                "workload": workload,
                                "variant": worker.variant,
                                "requests": sizes[workload],
                                **answer,
                            }
                        )
                rounds += 1
            memory += [{"variant": worker.variant, **worker.ask("facts")} for worker in workers]
        finally:
            for worker in workers:
                worker.stop()
    return blocks, memory


def check_only(options: argparse.Namespace) -> dict:
    """What `--check` does: no timing, only answers, SQL counts and spans."""
    workers = start(options.variants, hash_seed=options.seed)
    try:
        return check(workers, options.workload)
    finally:
        for worker in workers:
            worker.stop()


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure what telemetry costs a Django application with GraphQL.")
    parser.add_argument("--workload", action="append", choices=WORKLOADS, help="only this one; may be repeated")
    parser.add_argument("--variants", default="bare,upstream,ours", help=f"comma-separated, of {', '.join(VARIANTS)}; bare is always there")
    parser.add_argument("--seconds", type=float, default=150, help="time for the timed blocks (default 150)")
    parser.add_argument("--rounds", type=int, help="rounds per generation, instead of --seconds")
    parser.add_argument("--generations", type=int, default=3, help="how often the processes are started anew (default 3)")
    parser.add_argument("--quick", action="store_true", help="about 40 seconds, one generation; good enough to see a large change")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readme", type=Path, help="write the ratios that the README shows to this file (docs/cost.json)")
    parser.add_argument("--json", type=Path, help="write every block and the summary to this file")
    parser.add_argument("--check", action="store_true", help="hold the answers and the spans against what they must be, time nothing")
    options = parser.parse_args(arguments)
    if options.quick:
        options.seconds, options.generations = 25, 1
    options.workload = options.workload or list(WORKLOADS)
    chosen = dict.fromkeys(["bare", *options.variants.split(",")])
    if unknown := [variant for variant in chosen if variant not in VARIANTS]:
        parser.error(f"unknown variants: {', '.join(unknown)}")
    options.variants = list(chosen)
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and say with the exit code whether every answer was right."""
    options = parse_options(arguments)
    machine = machine_facts()
    try:
        if options.check:
            result = {"check": check_only(options)}
        else:
            blocks, memory = measure(options)
            result = {"machine": machine, "summary": summarise(blocks, memory), "blocks": blocks}
            print_report(result["summary"], machine)
    except BenchmarkError as wrong:
        print(f"wrong answer, nothing is measured: {wrong}", file=sys.stderr)
        return 1
    if options.readme:
        options.readme.write_text(json.dumps(for_readers(result["summary"], result["machine"]), indent=1) + "\n")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    elif options.check:
        print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
