"""Beside other agents the application answers as always, and our operation span exists once wherever an OpenTelemetry SDK is there."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .client import Client, Exchange
from .environments import clean_environment
from .receiver import Receiver, nobody_listens, wait_until
from .service import Service, telemetry_environment
from .telemetry import INTERNAL, Telemetry, count

STOCK = {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
QUIET_DATADOG = {
    "DD_TRACE_ENABLED": "true",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_CRASHTRACKING_ENABLED": "false",
    "DD_RUNTIME_METRICS_ENABLED": "false",
}


def talk(client: Client) -> dict[str, Exchange]:
    """A few operations whose answers are the application's."""
    exchanges = {
        "hello": client.query("query Hello { hello marker }"),
        "database": client.query("query Articles { articles { name } }"),
        "failing": client.query("query Fails { hello failing }"),
        "broken": client.query("query Broken { hello"),
        "later": client.query('query Later { later(label: "x") }', path="/later/"),
    }
    assert exchanges["hello"].data == {"hello": "hello world", "marker": "the settings that manage.py names"}
    assert len(exchanges["database"].data["articles"]) >= 3
    assert exchanges["failing"].json["data"] == {"hello": "hello world", "failing": None}
    assert [error["message"] for error in exchanges["failing"].json["errors"]] == ["this field always fails"]
    assert exchanges["broken"].status == 400
    assert exchanges["later"].data == {"later": "x"}
    return exchanges


def assert_once(telemetry: Telemetry, exchanges: dict[str, Exchange]) -> None:
    """Each request has one SERVER span with one operation below it, and is counted once."""
    assert telemetry.undecodable == []
    for name, exchange in exchanges.items():
        servers, operations = telemetry.servers(exchange.trace_id), telemetry.operations(exchange.trace_id)
        assert [len(servers), len(operations)] == [1, 1], (name, [(span.scope, span.name) for span in telemetry.trace(exchange.trace_id)])
        assert (operations[0].parent_id, operations[0].kind) == (servers[0].span_id, INTERNAL), name
    assert len({span.span_id for span in telemetry.spans}) == len(telemetry.spans)
    assert count(telemetry.metric("graphql.server.request.duration")) == len(exchanges)


def failures(output: str) -> list[str]:
    """Lines of a server's output that tell of a failure of telemetry."""
    return [line for line in output.splitlines() if "Traceback" in line or " failed" in line.lower()]


def test_beside_opentelemetry_distro_ours_runs(receiver: Receiver, project: Path) -> None:
    """With opentelemetry-distro installed too, ours runs with its defaults, telemetry arrives once, and at most one line says who runs."""
    binaries = clean_environment("distro", "opentelemetry-distro")
    with Service(project, "runserver", telemetry_environment(receiver.endpoint), binaries=binaries) as service:
        exchanges = talk(service.client)
        service.stop()
    assert_once(receiver.telemetry, exchanges)
    # Logs off and HTTP are our defaults; logs on and gRPC are those of the other distribution.
    assert {path for path, _ in receiver.telemetry.exports} == {"/v1/traces", "/v1/metrics"}
    assert {resource["service.name"] for resource in receiver.telemetry.resources()} == {"shop"}
    lines = [line for line in service.output.splitlines() if "distro" in line.lower() or "configurat" in line.lower()]
    assert len(lines) <= 1, lines
    assert failures(service.output) == []


def test_the_users_choice_of_opentelemetry_distro_is_taken(receiver: Receiver, project: Path) -> None:
    """With OTEL_PYTHON_DISTRO and OTEL_PYTHON_CONFIGURATOR naming the other distribution, our instrumentor works under it, once."""
    binaries = clean_environment("distro", "opentelemetry-distro")
    extra = STOCK | {"DJANGO_SETTINGS_MODULE": "shop.settings"}
    with Service(project, "runserver", telemetry_environment(receiver.endpoint, extra), binaries=binaries) as service:
        exchanges = talk(service.client)
        receiver.wait_for(lambda telemetry: len(telemetry.operations()) == len(exchanges))
        receiver.wait_for(lambda telemetry: count(telemetry.metric("graphql.server.request.duration")) == len(exchanges))
    assert_once(receiver.telemetry, exchanges)
    assert failures(service.output) == []


def test_beside_logfire(receiver: Receiver, project: Path) -> None:
    """With logfire as the SDK set-up, `instrument()` adds our operation span once below its HTTP span."""
    binaries = clean_environment("logfire", "logfire[django]")
    extra = telemetry_environment(receiver.endpoint, {"SHOP_AGENT": "logfire", "OTEL_SEMCONV_STABILITY_OPT_IN": "http"})
    with Service(project, "runserver", extra, binaries=binaries, instrumented=False) as service:
        exchanges = talk(service.client)
        receiver.wait_for(lambda telemetry: len(telemetry.operations()) == len(exchanges))
        receiver.wait_for(lambda telemetry: count(telemetry.metric("graphql.server.request.duration")) == len(exchanges))
    assert_once(receiver.telemetry, exchanges)
    assert {resource["service.name"] for resource in receiver.telemetry.resources()} == {"shop by logfire"}
    assert failures(service.output) == []


def test_beside_sentry(receiver: Receiver, project: Path) -> None:
    """With Sentry and its own integrations under our distribution, Sentry hears of a failing page once, and so do we of operations."""
    binaries = clean_environment("sentry", "sentry-sdk[django]")
    with sentry_sink() as (dsn, envelopes):
        extra = telemetry_environment(receiver.endpoint, {"SHOP_AGENT": "sentry", "SHOP_SENTRY_DSN": dsn})
        with Service(project, "runserver", extra, binaries=binaries) as service:
            exchanges = talk(service.client)
            assert service.client.get("/broken/").status == 500
            wait_until(lambda: reported(envelopes), what="an error at Sentry")
            transactions = wait_until(lambda: transactions_of(envelopes), what="transactions at Sentry")
            service.stop()
        assert_once(receiver.telemetry, exchanges)
        assert reported(envelopes) == [("RuntimeError", "this page always fails")]
        assert {"/graphql", "/later/", "/broken/"} == {transaction["transaction"] for transaction in transactions}
    assert failures(service.output) == []


def test_beside_ddtrace(receiver: Receiver, project: Path) -> None:
    """Under ddtrace-run, whose agent cannot be reached, our distribution works as always, and each exists once."""
    binaries = clean_environment("ddtrace", "ddtrace")
    with nobody_listens() as agent:
        extra = telemetry_environment(receiver.endpoint, QUIET_DATADOG | {"DD_TRACE_AGENT_URL": agent})
        launcher = ("opentelemetry-instrument", "ddtrace-run")
        with Service(project, "runserver", extra, binaries=binaries, launcher=launcher) as service:
            exchanges = talk(service.client)
            service.stop()
    assert_once(receiver.telemetry, exchanges)
    assert "otel" not in "".join(failures(service.output)).lower()


def test_under_ddtrace_alone_nothing_breaks(receiver: Receiver, project: Path) -> None:
    """Under ddtrace-run without an OpenTelemetry SDK, `instrument()` changes no answer and exports nothing by itself."""
    binaries = clean_environment("ddtrace", "ddtrace")
    with nobody_listens() as agent:
        extra = telemetry_environment(receiver.endpoint, QUIET_DATADOG | {"DD_TRACE_AGENT_URL": agent, "SHOP_AGENT": "instrument"})
        with Service(project, "runserver", extra, binaries=binaries, launcher=("ddtrace-run",)) as service:
            talk(service.client)
    assert receiver.telemetry.spans == []
    assert "otel" not in "".join(failures(service.output)).lower()


@contextmanager
def sentry_sink() -> Iterator[tuple[str, list[bytes]]]:
    """A DSN on the loopback interface, and the envelopes that arrive there."""
    envelopes: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])) if self.headers["Content-Length"] else chunks(self.rfile)
            envelopes.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: Any) -> None:
            """Keep the test's output free of access lines."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://key@127.0.0.1:{server.server_address[1]}/1", envelopes
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def chunks(stream: Any) -> bytes:
    """A body in chunks."""
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


def items(envelopes: list[bytes]) -> list[dict[str, Any]]:
    """JSON objects of all envelopes: every line of an envelope is one."""
    return [json.loads(line) for envelope in envelopes for line in envelope.splitlines() if line.startswith(b"{")]


def transactions_of(envelopes: list[bytes]) -> list[dict[str, Any]]:
    """Sentry's transactions, as soon as there is one for the page that was asked for last."""
    found = [item for item in items(envelopes) if item.get("type") == "transaction" and "transaction" in item]
    return found if any(item["transaction"] == "/broken/" for item in found) else []


def reported(envelopes: list[bytes]) -> list[tuple[str, str]]:
    """Type and text of every exception that Sentry heard of."""
    exceptions = [item["exception"]["values"] for item in items(envelopes) if "exception" in item]
    return [(value["type"], value["value"]) for values in exceptions for value in values]
