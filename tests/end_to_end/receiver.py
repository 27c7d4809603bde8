"""A real OTLP receiver on the loopback interface: HTTP and gRPC, and the two ways in which a collector fails."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from typing_extensions import Self

from .decoding import points_of, spans_of
from .telemetry import Telemetry


class Receiver:
    """Keeps what arrives at `endpoint` and lets a test wait for it."""

    def __init__(self) -> None:
        self.telemetry = Telemetry()
        self.answer_seconds = 0.0  # before each export is taken
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def endpoint(self) -> str:
        """What a user puts into OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, predicate: Callable[[Telemetry], Any], timeout: float = 15) -> Any:
        """Answer of `predicate(telemetry)` as soon as it is true; AssertionError after `timeout` seconds."""
        with self._arrived:
            answer = self._arrived.wait_for(lambda: predicate(self.telemetry), timeout)
            assert answer, f"not within {timeout} s; arrived: {summary(self.telemetry)}"
            return answer

    def accept(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """Decode one export and give the answer of a collector."""
        with self._arrived:
            self.telemetry.exports.append((path, headers))
            try:
                return self._decode(path, body)
            except Exception as error:
                self.telemetry.undecodable.append(f"{path}: {error!r}")
                raise
            finally:
                self._arrived.notify_all()

    def _decode(self, path: str, body: bytes) -> bytes:
        if path == "/v1/traces":
            traces = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
            self.telemetry.spans.extend(spans_of(traces))
            return trace_service_pb2.ExportTraceServiceResponse().SerializeToString()
        if path == "/v1/metrics":
            for point in points_of(metrics_service_pb2.ExportMetricsServiceRequest.FromString(body)):
                self.telemetry.add_point(point)
            return metrics_service_pb2.ExportMetricsServiceResponse().SerializeToString()
        if path == "/v1/logs":
            logs = logs_service_pb2.ExportLogsServiceRequest.FromString(body)
            self.telemetry.logs += sum(len(scope.log_records) for resource in logs.resource_logs for scope in resource.scope_logs)
            return logs_service_pb2.ExportLogsServiceResponse().SerializeToString()
        raise LookupError(path)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                time.sleep(receiver.answer_seconds)
                try:
                    answer, status = receiver.accept(self.path, dict(self.headers), body), 200
                except Exception:
                    answer, status = b"", 400
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                # A process that had to end does not wait for the answer.
                with suppress(ConnectionError):
                    self.wfile.write(answer)

            def log_message(self, *arguments: Any) -> None:
                """Keep the test's output free of access lines."""

        return Handler


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def Export(self, request: Any, context: Any) -> Any:
        self.receiver.accept("/v1/traces", {"protocol": "grpc"}, request.SerializeToString())
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def Export(self, request: Any, context: Any) -> Any:
        self.receiver.accept("/v1/metrics", {"protocol": "grpc"}, request.SerializeToString())
        return metrics_service_pb2.ExportMetricsServiceResponse()


@contextmanager
def grpc_door(receiver: Receiver) -> Iterator[str]:
    """A second door to the same receiver that speaks gRPC; gives its endpoint."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Traces(receiver), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(receiver), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


@contextmanager
def nobody_listens() -> Iterator[str]:
    """An endpoint at which every connection is refused: the port is taken, but nobody listens on it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def never_answers() -> Iterator[str]:
    """An endpoint that accepts connections, takes what is sent, and never says a word."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(64)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


def summary(telemetry: Telemetry) -> str:
    """What arrived, short enough for a failure message."""
    spans = [f"{span.scope}:{span.name}" for span in telemetry.spans]
    return (
        f"{len(telemetry.exports)} exports, spans {spans[-20:]}, metrics {sorted(telemetry.names())}, undecodable {telemetry.undecodable}"
    )


def wait_until(condition: Callable[[], Any], *, timeout: float = 10, what: str = "the condition") -> Any:
    """Answer of `condition()` as soon as it is true, asked twenty times a second."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout} s"
        time.sleep(0.05)
    return answer
