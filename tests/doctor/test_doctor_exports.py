"""What the doctor says of exporters and endpoints: each case is a real process that exports to a real listener."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doctor.conftest import Shop
from tests.end_to_end.receiver import Receiver, grpc_door, nobody_listens

pytestmark = pytest.mark.end_to_end

TRACES_ONLY = {"OTEL_METRICS_EXPORTER": "none"}
GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}


@contextmanager
def answering(status: int, *, empty: int | None = None, certificate: Path | None = None) -> Iterator[str]:
    """A server that gives every POST this status, or `empty` where there is nothing in it, and 200 to those with the right key."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            refused = status if body or empty is None else empty
            self.send_response(200 if self.headers.get("x-key") == "right" else refused)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_nothing_listens(shop: Shop) -> None:
    """Exit code 1, one row for both signals, and nothing about failing exports beside the report."""
    with nobody_listens() as endpoint:
        report = shop.examine({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    level, message, advice = report.row("endpoint")
    assert (report.code, report.bad, level) == (1, [("error", "endpoint")], "error")
    assert message == f"{endpoint} (traces and metrics) does not answer: nothing listens there"
    assert "Start the collector" in advice
    assert report.errors == ""


def test_a_grpc_port_over_http_and_over_grpc(shop: Shop, receiver: Receiver) -> None:
    """The first is the usual mistake with port 4317. In the second spans arrive, and the report says whose choice that was."""
    with grpc_door(receiver) as endpoint:
        mistaken, report = shop.examine_all({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **GRPC})
    assert mistaken.code == 1
    assert mistaken.row("endpoint")[1:] == (
        f"{endpoint} (traces and metrics) speaks gRPC",
        "Use port 4318, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc.",
    )
    assert (report.code, report.bad) == (0, []), report.output
    assert report.row("endpoint")[1] == f"{endpoint} (traces and metrics) answers (gRPC OK)"
    assert report.row("traces")[1] == (
        f"OTLP over gRPC to {endpoint} (exporter: default of otel-graphql-auto; "
        "protocol: OTEL_EXPORTER_OTLP_PROTOCOL, yours; endpoint: OTEL_EXPORTER_OTLP_ENDPOINT, yours)"
    )
    assert len(receiver.telemetry.servers()) == 3


def test_grpc_to_an_http_port(shop: Shop, to: dict[str, str], receiver: Receiver) -> None:
    """And the other way round."""
    report = shop.examine({**to, **GRPC})
    assert report.code == 1
    assert report.row("endpoint")[1:] == (
        f"{receiver.endpoint} (traces and metrics) speaks HTTP, not gRPC",
        "Use OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or port 4317.",
    )


def test_a_key_that_is_missing_and_one_that_is_right(shop: Shop) -> None:
    """401 names the variable; with the key all is well, and the key is not printed, nor a password in the address."""
    with answering(401) as endpoint:
        address = f"http://somebody:secret@{urlsplit(endpoint).netloc}"
        refused, report = shop.examine_all(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=right"},
        )
    assert refused.code == 1
    assert refused.row("endpoint")[1] == f"{endpoint} (traces and metrics) refuses: HTTP 401"
    assert "OTEL_EXPORTER_OTLP_HEADERS" in refused.row("endpoint")[2]
    assert (report.code, report.bad) == (0, []), report.output
    for secret in ("secret", "right", "somebody"):
        assert secret not in report.output + report.errors


def test_a_path_and_a_host_that_do_not_exist(shop: Shop) -> None:
    """OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is: 404, and the advice says so. The name is one that never resolves (RFC 2606)."""
    with answering(404) as endpoint:
        report, nowhere = shop.examine_all(
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint, **TRACES_ONLY},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318"},
        )
    assert report.row("endpoint")[1] == f"{endpoint} (traces) refuses: HTTP 404"
    assert "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is" in report.row("endpoint")[2]
    assert report.row("metrics")[:2] == ("info", "off: OTEL_METRICS_EXPORTER is none (yours)")
    message = "http://collector.invalid:4318 (traces and metrics) does not answer: there is no host named collector.invalid"
    assert (nowhere.code, nowhere.row("endpoint")[1]) == (1, message)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that nobody has signed, in one file."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run([*command, "-days", "2", "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


def test_tls(shop: Shop, certificate: Path) -> None:
    """No TLS against TLS, TLS that is not trusted, and TLS that is."""
    with answering(200, certificate=certificate) as endpoint:
        runs = [
            {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint.replace("https", "http")},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_CERTIFICATE": f"{certificate}.crt"},
        ]
        plain, distrusted, trusted = shop.examine_all(*[{**run, **TRACES_ONLY} for run in runs])
    assert (trusted.code, trusted.bad) == (0, [])
    assert plain.row("endpoint")[1].endswith("(traces) speaks TLS")
    assert "https://" in plain.row("endpoint")[2]
    assert distrusted.row("endpoint")[1].endswith("(traces) speaks TLS, and the connection is not trusted")
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in distrusted.row("endpoint")[2]


def test_an_export_that_is_refused_although_the_endpoint_answers(shop: Shop) -> None:
    """The endpoint takes an empty message and no real one."""
    with answering(413, empty=200) as endpoint:
        report = shop.examine({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **TRACES_ONLY})
    assert report.row("endpoint")[0] == "ok"
    assert (report.code, report.row("export")[0]) == (1, "error")
    assert "code: 413" in report.row("export")[1]


def test_an_exporter_or_protocol_that_does_not_exist(shop: Shop) -> None:
    """The start of OpenTelemetry fails as a whole: the rows about the signals say why, and nothing is said twice."""
    variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http", "OTEL_METRICS_EXPORTER": "jaeger"}
    report = shop.examine(variables, clean=False)  # the SDK logs its failure
    assert report.code == 1
    assert report.row("traces")[:2] == ("error", "OTEL_EXPORTER_OTLP_PROTOCOL is 'http', which stops the whole set-up")
    assert report.row("metrics")[:2] == ("error", "OTEL_METRICS_EXPORTER names 'jaeger', which is not installed")
    assert report.bad == [("error", "instrumentor"), ("error", "traces"), ("error", "metrics")]
