"""What one SQL statement costs inside an operation, and what an operation of 100,000 statements keeps in memory (`make bench`).

The database's part is taken out: statements go through Django's CursorWrapper to a driver that does nothing. Cost of a statement: the time of
an operation with 400 of them less that of the same operation with none, over 400, less the same without telemetry; blocks of all variants
alternate in random order, and the median counts. A machine's speed is in all of them, so each is also given as a ratio to one span of
the SDK with ten attributes, made and ended by itself in the same rounds.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

STATEMENTS = 400
SQL = 'SELECT "book"."id", "book"."title", "book"."author_id" FROM "book" WHERE "book"."id" = %s LIMIT 21'
GOALS = {"a span of its own": 25.0, "beyond the budget": 12.0, "unsampled": 12.0}
"""Microseconds, on a machine where a span with a few attributes takes 15 (ten attributes: about 24)."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    bench = Bench()
    print_costs(bench, options.rounds)
    print_collection(bench, options.rounds)
    print_memory(bench)


MAX_KIB = 100
"""By how much an operation may grow while it runs."""


class Driver:
    """A cursor whose database answers at once."""

    def execute(self, _sql: str, _params: object = None) -> None:
        """Nothing."""


class Bench:
    """One process, one schema with one field, one instrumentation whose settings and sampler are switched between blocks."""

    def __init__(self) -> None:
        from bench_project import configure

        configure()
        from django.db import connection
        from django.db.backends.utils import CursorWrapper
        from graphql import build_schema
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

        import otel_graphql_auto

        bench = self
        self.sampled, self.statements = True, 0

        class Switched(Sampler):
            def should_sample(self, *args, **kwargs):
                return (ALWAYS_ON if bench.sampled else ALWAYS_OFF).should_sample(*args, **kwargs)

            def get_description(self) -> str:
                return "switched"

        class Dropped(SpanExporter):
            def export(self, _spans) -> SpanExportResult:
                return SpanExportResult.SUCCESS

        self.provider = TracerProvider(sampler=Switched())
        self.provider.add_span_processor(BatchSpanProcessor(Dropped(), max_queue_size=100_000))
        connection.ensure_connection()
        self.reader = InMemoryMetricReader()
        otel_graphql_auto.instrument(tracer_provider=self.provider, meter_provider=MeterProvider([self.reader], shutdown_on_exit=False))
        self.cursor = CursorWrapper(Driver(), connection)
        self.schema = build_schema("type Query { field: Int }")
        self.schema.query_type.fields["field"].resolve = self.resolve
        self.at: dict[int, Callable[[], None]] = {}

    def resolve(self, _root: object, _info: object) -> int:
        """Run the statements."""
        for number in range(self.statements):
            if number in self.at:
                self.at[number]()
            self.cursor.execute(SQL, (number,))
        return self.statements

    def operation(self, statements: int, *, sampled: bool = True, **settings: object) -> float:
        """Microseconds of one operation."""
        from django.conf import settings as django_settings
        from graphql import graphql_sync

        from otel_graphql_auto import settings as ours

        django_settings.GRAPHQL_AUTO = {"N_PLUS_ONE_THRESHOLD": 1_000_000, **settings}
        ours.reload()
        self.sampled, self.statements = sampled, statements
        started = perf_counter_ns()
        result = graphql_sync(self.schema, "{ field }")
        ended = perf_counter_ns()
        if result.data != {"field": statements}:
            raise SystemExit(f"the operation answered {result}")
        self.provider.force_flush()
        return (ended - started) / 1000

    def span(self) -> float:
        """Microseconds of one span."""
        tracer = self.provider.get_tracer("bench")
        self.sampled = True
        attributes = {f"attribute.number_{number}": f"value {number}" for number in range(10)}
        started = perf_counter_ns()
        for _ in range(STATEMENTS):
            tracer.start_span("SELECT book", attributes=attributes, start_time=1).end(2)
        ended = perf_counter_ns()
        self.provider.force_flush()
        return (ended - started) / 1000 / STATEMENTS


VARIANTS: dict[str, dict[str, object]] = {
    "bare": {"PERFORMANCE_MONITORING": False},
    "a span of its own": {"SQL_SPANS_PER_FIELD": 1_000_000},
    "beyond the budget": {"SQL_SPANS_PER_FIELD": 1},
    "unsampled": {"sampled": False},
}


def print_costs(bench: Bench, rounds: int) -> None:
    """A line for each variant."""
    measured: dict[str, list[float]] = {name: [] for name in (*VARIANTS, "span")}
    for number in range(rounds + 5):
        order = list(measured)
        random.shuffle(order)
        for name in order:
            gc.collect()
            if name == "span":
                value = bench.span()
            else:
                value = (bench.operation(STATEMENTS, **VARIANTS[name]) - bench.operation(0, **VARIANTS[name])) / STATEMENTS
            if number >= 5:
                measured[name].append(value)
    span = statistics.median(measured["span"])
    print(f"one span of the SDK with ten attributes: {span:.1f} us here")
    for name, goal in GOALS.items():
        differences = [value - bare for value, bare in zip(measured[name], measured["bare"], strict=True)]
        cost = statistics.median(differences)
        print(f"a statement, {name}: {cost:.1f} us = {cost / span:.2f} spans (goal: {goal:g} us where a span takes 15)")


def print_memory(bench: Bench) -> None:
    """What grows between the 12,000th and the 100,000th statement of one operation."""
    sizes = []
    bench.at = dict.fromkeys((12_000, 99_999), lambda: sizes.append((gc.collect(), tracemalloc.get_traced_memory()[0])[1]))
    tracemalloc.start()
    bench.operation(100_000)
    tracemalloc.stop()
    bench.at = {}
    grown = (sizes[1] - sizes[0]) / 1024
    print(f"an operation of 100,000 statements: {grown:.1f} KiB more than after 12,000")
    if grown > MAX_KIB:
        raise SystemExit(f"it may keep {MAX_KIB} KiB more at most")


def print_collection(bench: Bench, rounds: int) -> None:
    """What the thread that collects metrics does for each fast statement, out of the way of requests."""
    taken = []
    for _ in range(rounds):
        bench.operation(STATEMENTS, **VARIANTS["unsampled"])
        started = perf_counter_ns()
        bench.reader.get_metrics_data()
        with_statements = perf_counter_ns() - started
        started = perf_counter_ns()
        bench.reader.get_metrics_data()
        taken.append((with_statements - (perf_counter_ns() - started)) / 1000 / STATEMENTS)
    print(f"a statement, when metrics are collected: {statistics.median(taken):.1f} us")


if __name__ == "__main__":
    main()
