"""A collector that is short of memory refuses in such a way that applications send the same again."""

from __future__ import annotations

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from tests.services.collector import collector
from tests.services.processes import wait_until

from .otlp import counter, metrics_of, post, span, spans_of

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]


def test_a_collector_short_of_memory_gives_a_retryable_answer(tmp_path, started):
    """It is always short: no process needs less than that."""
    changes = tmp_path / "changes.yaml"
    changes.write_text(
        "processors: {memory_limiter: {check_interval: 100ms, limit_percentage: 0, spike_limit_percentage: 0, limit_mib: 2, spike_limit_mib: 1}}"
    )
    with collector(changes) as server:
        wait_until(lambda: post(server.endpoint, spans_of(span())) == 503, seconds=10, what="a refusal over HTTP")
        points = counter("graphql_auto.operation.slow", {(("graphql.operation.name", "Feed"),): 1}, start=started)
        assert post(server.endpoint, metrics_of(points)) == 503

        export = ExportTraceServiceRequest()
        export.resource_spans.add().scope_spans.add().spans.add(name="span", trace_id=b"\1" * 16, span_id=b"\1" * 8)
        with grpc.insecure_channel(server.grpc_address) as channel, pytest.raises(grpc.RpcError) as refused:
            TraceServiceStub(channel).Export(export, timeout=10)

        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "memory" in refused.value.details()
        assert server.process.poll() is None
