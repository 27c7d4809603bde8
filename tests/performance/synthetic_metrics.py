"""Metrics as the processes of an application with the package export them: every count grows by a known step, so that a lost point is seen."""

from __future__ import annotations

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from synthetic_spans import OPERATIONS, SCOPE, VERSION, operation_name, pairs, resource_of

from tests.services.prometheus import Prometheus

HISTOGRAM, COUNTER = "histogram", "counter"
METRICS = (
    (
        "graphql.server.request.duration",
        "s",
        HISTOGRAM,
        "graphql.operation.name",
        OPERATIONS,
        "graphql_server_request_duration_seconds_count",
    ),
    (
        "graphql.server.response.error_count",
        "{error}",
        HISTOGRAM,
        "graphql.operation.name",
        OPERATIONS,
        "graphql_server_response_error_count_count",
    ),
    (
        "graphql_auto.operation.db.queries",
        "{query}",
        HISTOGRAM,
        "graphql.operation.name",
        OPERATIONS,
        "graphql_auto_operation_db_queries_count",
    ),
    (
        "graphql_auto.operation.db.duration",
        "s",
        HISTOGRAM,
        "graphql.operation.name",
        OPERATIONS,
        "graphql_auto_operation_db_duration_seconds_count",
    ),
    ("graphql_auto.operation.slow", "{operation}", COUNTER, "graphql.operation.name", 20, "graphql_auto_operation_slow_total"),
    ("graphql_auto.field.duration", "s", HISTOGRAM, "graphql.field.schema_coordinate", 150, "graphql_auto_field_duration_seconds_count"),
    ("graphql_auto.field.db.queries", "{query}", COUNTER, "graphql.field.schema_coordinate", 60, "graphql_auto_field_db_queries_total"),
    ("db.client.operation.duration", "s", HISTOGRAM, "db.collection.name", 40, "db_client_operation_duration_seconds_count"),
)
"""Name, unit, type, the attribute that tells points apart, how many points, and the series in Prometheus that counts."""

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


def metrics_of(process: int, *, export: int, started: int, now: int) -> ExportMetricsServiceRequest:
    """The so many-th export of a process, from 1 on: everything that it counts has grown by `step` since the one before."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(pairs(resource_of(process)))
    scope = group.scope_metrics.add()
    scope.scope.name, scope.scope.version = SCOPE, VERSION
    for name, unit, kind, key, points, _ in METRICS:
        metric = scope.metrics.add(name=name, unit=unit)
        data = metric.histogram if kind == HISTOGRAM else metric.sum
        data.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        if kind == COUNTER:
            metric.sum.is_monotonic = True
        for number in range(points):
            point = data.data_points.add(start_time_unix_nano=started, time_unix_nano=now, attributes=pairs({key: value_of(key, number)}))
            count = export * step(number)
            if kind == COUNTER:
                point.as_int = count
                continue
            point.count, point.sum = count, count * 0.02
            point.explicit_bounds.extend(BOUNDS)
            point.bucket_counts.extend([0, 0, count - export, export, *[0] * (len(BOUNDS) - 3)])
    return request


def value_of(key: str, number: int) -> str:
    """Of the attribute that tells points apart."""
    return {"graphql.operation.name": operation_name(number), "graphql.field.schema_coordinate": f"Post.field{number}"}.get(
        key, f"table_{number}"
    )


def step(number: int) -> int:
    """By how much a point's count grows from export to export."""
    return 10 + number


def points() -> int:
    """How many there are in one export."""
    return sum(number for *_, number, _ in METRICS)


def missing(server: Prometheus, exports: dict[int, int]) -> int:
    """How many points are not among the raw samples of Prometheus; `exports` is how many each process has sent."""
    found: dict[tuple[str, str, str], set[int]] = {}
    for *_, key, _, series in METRICS:
        for result in server.query(f'{series}{{service_name="load"}}[2h]'):
            labels = result["metric"]
            found[series, labels["service_instance_id"], labels[key.replace(".", "_")]] = {int(value) for _, value in result["values"]}
    return sum(
        export * step(number) not in found.get((series, f"process-{process}", value_of(key, number)), ())
        for *_, key, points_of_metric, series in METRICS
        for process, last in exports.items()
        for number in range(points_of_metric)
        for export in range(1, last + 1)
    )
