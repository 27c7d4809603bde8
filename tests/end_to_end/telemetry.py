"""The shapes in which tests read decoded OTLP: spans, metric points and what a service sent in total."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SERVER, INTERNAL, CLIENT = 2, 1, 3
ERROR = 2
OURS = "otel_graphql_auto"
DJANGO = "opentelemetry.instrumentation.django"


@dataclass(frozen=True)
class Event:
    """One event of a span."""

    name: str
    time: int
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Span:
    """One exported span, with its resource and scope beside it."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: dict[str, Any]
    events: tuple[Event, ...]
    status: int
    status_message: str
    resource: dict[str, Any]
    scope: str
    schema_url: str

    @property
    def instance(self) -> str:
        """The `service.instance.id` of the process that sent it."""
        return self.resource.get("service.instance.id", "")

    @property
    def is_operation(self) -> bool:
        """Whether it is one of our operation spans."""
        return self.scope == OURS and self.attributes.get("graphql.processing.type") == "request"


@dataclass(frozen=True)
class Exemplar:
    """One exemplar of a point."""

    trace_id: str
    span_id: str
    value: float


@dataclass(frozen=True)
class Point:
    """The latest state of one series of one process."""

    name: str
    unit: str
    kind: str
    temporality: int
    attributes: dict[str, Any]
    value: float
    count: int
    bounds: tuple[float, ...]
    exemplars: tuple[Exemplar, ...]
    time: int
    resource: dict[str, Any]
    scope: str

    @property
    def instance(self) -> str:
        """The `service.instance.id` of the process that sent it."""
        return self.resource.get("service.instance.id", "")

    @property
    def series(self) -> tuple[Any, ...]:
        """What tells this series from any other."""
        return (
            tuple(sorted((key, repr(value)) for key, value in self.resource.items())),
            self.scope,
            self.name,
            tuple(sorted((key, repr(value)) for key, value in self.attributes.items())),
        )


@dataclass
class Telemetry:
    """Everything that arrived so far, with the questions tests ask."""

    spans: list[Span] = field(default_factory=list)
    points: dict[tuple[Any, ...], Point] = field(default_factory=dict)
    exemplars: dict[str, list[Exemplar]] = field(default_factory=dict)
    """By metric, of every export: an SDK sends an exemplar once, with the first export after it."""
    logs: int = 0
    exports: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    undecodable: list[str] = field(default_factory=list)

    def add_point(self, point: Point) -> None:
        """Keep the newest state of a series, and every exemplar."""
        self.exemplars.setdefault(point.name, []).extend(point.exemplars)
        known = self.points.get(point.series)
        if known is None or known.time <= point.time:
            self.points[point.series] = point

    def trace(self, trace_id: str) -> list[Span]:
        """Spans of one trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def servers(self, trace_id: str | None = None) -> list[Span]:
        """HTTP spans of opentelemetry-instrumentation-django or -asgi."""
        return [span for span in self._of(trace_id) if span.kind == SERVER]

    def operations(self, trace_id: str | None = None) -> list[Span]:
        """Our operation spans."""
        return [span for span in self._of(trace_id) if span.is_operation]

    def metric(self, name: str) -> list[Point]:
        """All series of a metric, of every process."""
        return [point for point in self.points.values() if point.name == name]

    def names(self) -> set[str]:
        """Names of all metrics."""
        return {point.name for point in self.points.values()}

    def instances(self) -> set[str]:
        """Every `service.instance.id` that sent anything."""
        return {span.instance for span in self.spans} | {point.instance for point in self.points.values()}

    def resources(self) -> Iterable[dict[str, Any]]:
        """The resource of everything that arrived."""
        yield from (span.resource for span in self.spans)
        yield from (point.resource for point in self.points.values())

    def _of(self, trace_id: str | None) -> list[Span]:
        return self.spans if trace_id is None else self.trace(trace_id)


def count(points: Iterable[Point]) -> int:
    """Number of measurements in these histogram series."""
    return sum(point.count for point in points)
