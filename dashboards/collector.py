"""What the collector says of itself: what it takes, sends, holds and loses."""

from __future__ import annotations

import functools
from typing import Final

from dashboards import choices
from dashboards.events import events
from dashboards.pages import Row
from dashboards.panels import graph
from dashboards.targets import INTERVAL, over_time, shown
from otel_graphql_auto.queries import INSTANCE, Scope, rate

_MISSING: Final = "No collector reports. It sends its own metrics straight to Prometheus (PROMETHEUS_OTLP_URL)"
_graph = functools.partial(graph, missing=_MISSING)
FILLED: Final = "otelcol_exporter_queue_size / otelcol_exporter_queue_capacity"
"""How full each queue is."""
LOSSES: Final = {
    f"otelcol_exporter_{how}_failed_{what}_total": (what.replace("_", " "), reason)
    for how, reason in (("send", "the store refused them"), ("enqueue", "the queue was full"))
    for what in ("spans", "metric_points", "log_records")
}
"""Counters of what is gone for good: what was lost, and why."""


def lost(scope: Scope, counter: str) -> str:
    """How much, in the window. Not what waits on the disk of a collector that ends, and that it has again at its next start."""
    return events(scope, counter, 'error_type!="Shutdown"')


def collector() -> Row:
    """Panels of the page about telemetry."""

    def each(name: str, *by: str) -> str:
        return rate(Scope(window=INTERVAL, by=by), name)

    return Row(
        "Collector",
        [
            _graph(
                "Taken",
                "Spans and points a second, by receiver.",
                over_time(each("otelcol_receiver_accepted_spans_total", "receiver"), f"{shown('receiver')} spans"),
                over_time(each("otelcol_receiver_accepted_metric_points_total", "receiver"), f"{shown('receiver')} points"),
                unit="cps",
                width=8,
            ),
            _graph(
                "Refused or failed",
                "Refused: it was near its memory limit, and the sender tries again. Failed: it could not be read, or a server could not be asked.",
                over_time(each("otelcol_receiver_refused_spans_total", "receiver"), f"{shown('receiver')} refused spans"),
                over_time(each("otelcol_receiver_refused_metric_points_total", "receiver"), f"{shown('receiver')} refused points"),
                over_time(each("otelcol_receiver_failed_spans_total", "receiver"), f"{shown('receiver')} failed spans"),
                over_time(each("otelcol_receiver_failed_metric_points_total", "receiver"), f"{shown('receiver')} failed points"),
                over_time(each("otelcol_scraper_errored_metric_points_total", "receiver"), f"{shown('receiver')} could not be asked"),
                unit="cps",
                width=8,
            ),
            _graph(
                "Sent",
                "Spans and points that the stores have taken, a second.",
                over_time(each("otelcol_exporter_sent_spans_total", "exporter"), f"{shown('exporter')} spans"),
                over_time(each("otelcol_exporter_sent_metric_points_total", "exporter"), f"{shown('exporter')} points"),
                unit="cps",
                width=8,
            ),
            _graph(
                "Queue on disk",
                "Of its capacity. While a store is away it fills; when it is full, telemetry is lost.",
                over_time(
                    f"max by (exporter, data_type, {INSTANCE}) ({FILLED})",
                    shown("exporter", "data_type"),
                ),
                unit="percentunit",
                limit=choices.QUEUE_RATIO,
                maximum=1,
                width=6,
            ),
            _graph(
                "Queue, bytes",
                "What waits, and what there is room for.",
                over_time("sum by (exporter, data_type) (otelcol_exporter_queue_size)", shown("data_type")),
                over_time("sum by (exporter, data_type) (otelcol_exporter_queue_capacity)", f"{shown('data_type')} capacity"),
                unit="bytes",
                width=6,
            ),
            _graph(
                "Requests to stores",
                "That are under way. As many as there are consumers: a store takes less than arrives.",
                over_time("sum by (exporter, data_type) (otelcol_exporter_in_flight_requests)", shown("data_type")),
                unit="short",
                width=6,
            ),
            _graph(
                "Lost telemetry",
                "In ten minutes, as the alert counts it. Refused for good by a store, or no room in the queue.",
                *(
                    over_time(lost(Scope("", "10m", ("exporter",)), counter), f"{shown('exporter')} {what}: {reason}")
                    for counter, (what, reason) in LOSSES.items()
                ),
                unit="short",
                missing="Nothing was lost",
                width=6,
            ),
            _graph(
                "Dropped on purpose",
                "Spans a second of health checks, and points whose time is so wrong that Prometheus would refuse everything that came with them.",
                over_time(each("otelcol_processor_filter_spans_filtered_total", "filter"), f"{shown('filter')} spans"),
                over_time(each("otelcol_processor_filter_datapoints_filtered_total", "filter"), f"{shown('filter')} points"),
                unit="cps",
                missing="Nothing was filtered",
                width=6,
            ),
            _graph(
                "Left out by processors",
                "Items a second that went in and did not come out: filters and sampling do that on purpose, a limiter does not.",
                over_time(
                    f"{each('otelcol_processor_incoming_items_total', 'processor', 'otel_signal')}"
                    f" - {each('otelcol_processor_outgoing_items_total', 'processor', 'otel_signal')}",
                    shown("processor", "otel_signal"),
                ),
                unit="cps",
                many=True,
                width=12,
            ),
            _graph(
                "Limiter",
                "Spans and points a second that the memory limiter let pass.",
                over_time(each("otelcol_processor_memory_limiter_accepted_spans_total"), "spans"),
                over_time(each("otelcol_processor_memory_limiter_accepted_metric_points_total"), "points"),
                unit="cps",
                width=6,
            ),
            _graph(
                "Memory",
                "Resident, and of Go's heap.",
                over_time(f"max by ({INSTANCE}) (otelcol_process_memory_rss_bytes)", "resident"),
                over_time(f"max by ({INSTANCE}) (otelcol_process_runtime_heap_alloc_bytes)", "heap"),
                over_time(f"max by ({INSTANCE}) (otelcol_process_runtime_total_sys_memory_bytes)", "from the system"),
                unit="bytes",
                width=8,
            ),
            _graph(
                "CPU",
                "CPU time a second: 1 is one core.",
                over_time(each("otelcol_process_cpu_seconds_total", INSTANCE), shown(INSTANCE)),
                unit="short",
                width=8,
            ),
            _graph(
                "Up for",
                "How long each collector has been running. A fall to 0 is a restart.",
                over_time(f"max by ({INSTANCE}) (otelcol_process_uptime_seconds_total)", shown(INSTANCE)),
                unit="s",
                width=8,
            ),
        ],
    )
