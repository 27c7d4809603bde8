"""Cases of the alerts on telemetry itself that look at gauges: a queue that fills, and services that have fallen silent."""

from __future__ import annotations

from .alert_cases import (
    APART,
    BELOW,
    BLOG,
    FIRES,
    FIRST_AT_ONCE,
    FIRST_FROM_ZERO,
    GAP,
    LOW_TRAFFIC,
    NO_DATA,
    NO_ENVIRONMENT,
    NOWHERE,
    RESOLVES,
    RESTART,
    SHOP,
    STAGING,
    UNNAMED,
    Cases,
)
from .promtool import ONE_SAMPLE, Labels, gauge, series

Parts = tuple[tuple[float | None, float], ...]

NO_OPERATION = "it is not about operations"


def pipeline_cases() -> list[Cases]:
    """Of each alert."""
    return [_queue_filling(), _no_telemetry()]


SPANS: Labels = {"exporter": "otlp/tempo", "data_type": "traces", "service_instance_id": "1"}


def _queue(of: Labels, *used: tuple[float | None, float], capacity: float = 1000) -> dict[str, str]:
    limits = tuple((None if size is None else capacity, minutes) for size, minutes in used)
    return {series("otelcol_exporter_queue_size", of): gauge(*used), series("otelcol_exporter_queue_capacity", of): gauge(*limits)}


def _queue_filling() -> Cases:
    made = Cases(
        "CollectorQueueFilling",
        {
            LOW_TRAFFIC: "the queue is full or it is not, however much arrives",
            UNNAMED: NO_OPERATION,
            NO_ENVIRONMENT: "collectors are told apart by their instance, not by an environment",
        },
    )
    made.add(FIRES, "just above the limit", _queue(SPANS, (0, 60), (501, 60)), (SPANS, 65, 999), minutes=range(120))
    made.add(BELOW, "all the time", _queue(SPANS, (500, 120)), minutes=range(120))
    made.add(BELOW, "full for five minutes", _queue(SPANS, (0, 60), (1000, 5), (0, 60)), minutes=range(120))
    made.add(RESOLVES, "when it empties", _queue(SPANS, (0, 60), (1000, 10), (0, 60)), (SPANS, 65, 75), minutes=range(120))
    shaking = _queue(SPANS, (0, 60), (1000, 10), (0, 2), (1000, 30))
    made.add(RESOLVES, "empty for a moment: one alert", shaking, (SPANS, 65, 999), minutes=range(100))
    made.add(
        FIRST_FROM_ZERO,
        "a queue fills as soon as it is there",
        _queue(SPANS, (None, 60), (0, 1), (900, 60)),
        (SPANS, 66, 999),
        minutes=range(120),
    )
    made.add(
        FIRST_AT_ONCE,
        "it was full before the collector started",
        _queue(SPANS, (None, 60), (900, 60)),
        (SPANS, 65, 999),
        minutes=range(120),
    )
    made.add(NO_DATA, "no series", {}, minutes=range(60))
    size, capacity = _queue(SPANS, (1000, 60))
    made.add(NO_DATA, "no capacity", {size: gauge((1000, 60))}, minutes=range(60))
    made.add(NO_DATA, "a capacity of 0", _queue(SPANS, (0, 60), capacity=0), minutes=range(60))
    made.add(NO_DATA, "not a number", {size: " ".join(["NaN"] * 200), capacity: gauge((1000, 60))}, minutes=range(50))
    ended = {selector: f"{line} stale _x200" for selector, line in _queue(SPANS, (1000, 60)).items()}
    made.add(NO_DATA, "it ended", ended, (SPANS, 5, 65), minutes=range(100))
    # Without a stale marker, as it is when metrics are pushed, the last sample stays for five minutes.
    replaced = _queue(SPANS, (1000, 60)) | _queue({**SPANS, "service_instance_id": "2"}, (None, 60), (0, 60))
    made.add(RESTART, "and the new collector's queue is empty", replaced, (SPANS, 5, 70), minutes=range(110))
    metrics = {**SPANS, "exporter": "otlphttp/prometheus", "data_type": "metrics"}
    second = {**SPANS, "service_instance_id": "2"}
    logs = {**SPANS, "data_type": "logs"}
    several = _queue(SPANS, (600, 60)) | _queue(metrics, (700, 60)) | _queue(second, (400, 60)) | _queue(logs, (0, 60))
    made.add(APART, "exporters, kinds of telemetry, and collectors", several, (SPANS, 5, 999), (metrics, 5, 999), minutes=range(60))
    made.add(GAP, "of 15 minutes, in which it emptied", _queue(SPANS, (900, 60), (None, 15), (0, 60)), (SPANS, 5, 70), minutes=range(130))
    made.add(GAP, "of 15 minutes, before which it was not full", _queue(SPANS, (0, 60), (None, 15), (0, 60)), minutes=range(130))
    return made


def _reports(of: Labels, *parts: tuple[float | None, float]) -> dict[str, str]:
    return {series("graphql_auto_operation_names", of): gauge(*parts)}


ALIVE = _reports(BLOG, (12, 400))
"""Another service: where all are silent, that is told in another way."""


def _no_telemetry() -> Cases:
    made = Cases("GraphQLNoTelemetry", {UNNAMED: NO_OPERATION})
    silent = _reports(SHOP, (3, 60)) | ALIVE
    made.add(FIRES, "ten minutes after the last sample", silent, (SHOP, 70, 999), minutes=range(110))
    made.add(BELOW, "not a sample for nine minutes", _reports(SHOP, (3, 60), (None, 9), (3, 60)) | ALIVE, minutes=range(120))
    made.add(RESOLVES, "when it reports again", _reports(SHOP, (3, 60), (None, 20), (3, 60)) | ALIVE, (SHOP, 70, 80), minutes=range(130))
    # Of the hour that ended five minutes ago it was there, or remembered, in ten minutes then.
    made.add(RESOLVES, "by itself after an hour", silent, (SHOP, 70, 119), minutes=range(60, 140))
    made.add(LOW_TRAFFIC, "something that ran for five minutes", _reports(SHOP, (None, 60), (3, 5)) | ALIVE, minutes=range(180))
    job = {series("graphql_auto_operation_names", SHOP, service_instance_id=str(number)): gauge((None, 60), (3, 1)) for number in range(8)}
    made.add(LOW_TRAFFIC, "eight processes for a minute", job | ALIVE, minutes=range(180))
    ran = _reports(SHOP, (None, 60), (3, 5 + 2 * ONE_SAMPLE)) | ALIVE
    made.add(LOW_TRAFFIC, "and a little longer", ran, (SHOP, 80, 125), minutes=range(50, 140))
    made.add(FIRST_FROM_ZERO, "a service reports for the first time", _reports(SHOP, (None, 60), (0, 60)) | ALIVE, minutes=range(110))
    made.add(FIRST_AT_ONCE, "a service reports for the first time", _reports(SHOP, (None, 60), (3, 60)) | ALIVE, minutes=range(110))
    made.add(NO_DATA, "nobody has ever reported", {}, ({}, 5, 999), minutes=range(120))
    made.add(NO_DATA, "until somebody does", _reports(SHOP, (None, 60), (3, 60)), ({}, 5, 60), minutes=range(110))
    made.add(
        NO_DATA,
        "not a number is a sign of life too",
        {selector: " ".join(["NaN"] * 400) for selector in _reports(SHOP)},
        minutes=range(100),
    )
    ended = {selector: f"{line} stale _x200" for selector, line in _reports(SHOP, (3, 60)).items()} | ALIVE
    made.add(NO_DATA, "it ended in an orderly way", ended, (SHOP, 70, 114), minutes=range(130))
    restarted = _reports(SHOP, (3, 60)) | _reports({**SHOP, "service_instance_id": "2"}, (None, 62), (0, 60)) | ALIVE
    made.add(RESTART, "another process takes over", restarted, minutes=range(120))
    several = {
        **silent,
        **_reports(STAGING, (3, 120)),
        **_reports({**BLOG, "deployment_environment_name": "staging"}, (3, 60)),
        **_reports({**BLOG, "service_instance_id": "2"}, (3, 60)),
    }
    both = (SHOP, 70, 999), ({**BLOG, "deployment_environment_name": "staging"}, 70, 999)
    made.add(APART, "services and environments; of processes, one is enough", several, *both, minutes=range(110))
    nowhere = _reports(NOWHERE, (3, 60)) | ALIVE
    made.add(NO_ENVIRONMENT, "fires all the same", nowhere, (NOWHERE, 70, 999), minutes=range(110))
    gap = _reports(SHOP, (3, 60), (None, 15), (3, 60))
    made.add(GAP, "of 15 minutes is what this is for", gap, (SHOP, 70, 75), minutes=range(130))
    # The one that is about all services begins before the other ends.
    made.add(GAP, "that never ends", _reports(SHOP, (3, 60)), (SHOP, 70, 119), ({}, 110, 999), minutes=range(180))
    return made
