"""OTLP as JSON, written by hand: spans, log records and points as a test wants them, and the request that carries them."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from typing import Any

SERVER, INTERNAL, CLIENT = 2, 1, 3
CUMULATIVE = 2


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """OTLP's list of key and value."""
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return [{"key": key, "value": {kinds[type(value)]: value}} for key, value in attributes.items()]


def span(
    name: str = "span", *, kind: int = INTERNAL, trace_id: str | None = None, status: str | None = None, **fields: Any
) -> dict[str, Any]:
    """One span that took a millisecond, or `seconds`; `attributes` and those of `events` are dicts."""
    seconds = fields.pop("seconds", 0.001)
    end = time.time_ns()
    return {
        "traceId": trace_id or os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(end - int(seconds * 1e9)),
        "endTimeUnixNano": str(end),
        "attributes": pairs(fields.pop("attributes", {})),
        "events": [
            {"timeUnixNano": str(end), "name": event, "attributes": pairs(attributes)}
            for event, attributes in fields.pop("events", {}).items()
        ],
        "status": {"code": 2, "message": status} if status is not None else {},
    } | fields


def spans_of(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    """An export of traces."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": pairs(resource or {"service.name": "blog"})},
                "scopeSpans": [{"scope": {"name": "test"}, "spans": list(spans)}],
            }
        ]
    }


def counter(name: str, points: dict[tuple[tuple[str, str], ...], int], *, start: int, **fields: Any) -> dict[str, Any]:
    """A cumulative counter; a point for each set of attributes. `start` is the time in ns since when it counts."""
    now = str(time.time_ns())
    data_points = [
        {"startTimeUnixNano": str(start), "timeUnixNano": now, "attributes": pairs(dict(attributes)), "asInt": str(value)} | fields
        for attributes, value in points.items()
    ]
    return {"name": name, "sum": {"aggregationTemporality": CUMULATIVE, "isMonotonic": True, "dataPoints": data_points}}


def metrics_of(*metrics: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    """An export of metrics."""
    resource = resource or {"service.name": "blog", "service.instance.id": "one"}
    return {
        "resourceMetrics": [
            {"resource": {"attributes": pairs(resource)}, "scopeMetrics": [{"scope": {"name": "test"}, "metrics": list(metrics)}]}
        ]
    }


def post(endpoint: str, export: dict[str, Any], headers: dict[str, str] | None = None, context: Any = None) -> int:
    """Send it; give the status of the answer."""
    signal = {"resourceSpans": "traces", "resourceMetrics": "metrics", "resourceLogs": "logs"}[next(iter(export))]
    request = urllib.request.Request(
        f"{endpoint}/v1/{signal}", json.dumps(export).encode(), {"Content-Type": "application/json"} | (headers or {}), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
