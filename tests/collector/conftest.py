"""A collector with the shipped configuration between a sender and what stands for Tempo, shared by the tests that only look at what arrives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.collector import Collector, backend, collector
from tests.services.processes import wait_until
from tests.services.prometheus import Prometheus, prometheus

from .otlp import post, spans_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder starts real servers; none of it looks at what differs between releases of Django."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.end_to_end)


@pytest.fixture(scope="session")
def trace_backend() -> Iterator[Collector]:
    """A collector with the file exporter."""
    with backend() as server:
        yield server


@pytest.fixture(scope="session")
def metrics_backend() -> Iterator[Prometheus]:
    """A real Prometheus."""
    with prometheus() as server:
        yield server


@pytest.fixture(scope="session")
def shipped(trace_backend: Collector, metrics_backend: Prometheus) -> Iterator[Collector]:
    """The base configuration in front of both."""
    with collector(TEMPO_ADDR=trace_backend.grpc_address, PROMETHEUS_OTLP_URL=metrics_backend.otlp_url) as server:
        yield server


@pytest.fixture
def through(shipped: Collector, trace_backend: Collector) -> Callable[..., list[dict[str, Any]]]:
    """Send spans through the shipped configuration; gives them as they arrived, in the order in which they were sent."""

    def through(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        assert post(shipped.endpoint, spans_of(*spans, resource=resource)) == 200
        wanted = [span["spanId"] for span in spans]

        def arrived() -> dict[str, dict[str, Any]]:
            return {span["spanId"]: span for span in trace_backend.spans() if span["spanId"] in wanted}

        wait_until(lambda: len(arrived()) == len(wanted), seconds=15, what="every span arriving")
        return [arrived()[span_id] for span_id in wanted]

    return through


@pytest.fixture
def started() -> int:
    """A time in ns before which nothing was counted."""
    return time.time_ns() - 60 * 10**9
