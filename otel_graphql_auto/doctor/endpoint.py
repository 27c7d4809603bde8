"""Asks each OTLP endpoint for real: an empty export over the exporter's own connection, with its own headers and certificates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_graphql_auto.doctor import verdicts
from otel_graphql_auto.doctor.bounded import first_line, limited
from otel_graphql_auto.doctor.listener import what_listens
from otel_graphql_auto.doctor.pipelines import GRPC, Exporter, shown
from otel_graphql_auto.doctor.report import joined
from otel_graphql_auto.doctor.verdicts import Answer
from otel_graphql_auto.finding import WARNING, Finding

__all__ = ["ANSWER_SECONDS", "endpoints"]

ANSWER_SECONDS = 3.0
"""How long an endpoint may take; the exporter itself would wait for ten."""

_LISTENER_SECONDS = 4.0


class _Asked(NamedTuple):
    exporter: Exporter
    verdict: verdicts.Verdict


def endpoints(targets: Iterable[Exporter]) -> Iterator[Finding]:
    """A row for each endpoint and outcome: signals that go to one place and fare alike share it."""
    distinct = list({(exporter.signal, exporter.kind, exporter.url): exporter for exporter in targets}.values())
    if not distinct:
        return
    pool = ThreadPoolExecutor(len(distinct))
    try:
        asked = [_Asked(exporter, verdict) for exporter, verdict in zip(distinct, pool.map(_ask, distinct), strict=True)]
    finally:
        pool.shutdown(wait=False)
    rows: dict[tuple[str, verdicts.Verdict], list[Exporter]] = {}
    for one in asked:
        rows.setdefault((_base(one.exporter), one.verdict), []).append(one.exporter)
    for (base, verdict), exporters in rows.items():
        where = shown(exporters[0].url) if len(exporters) == 1 else base
        signals = joined([exporter.signal for exporter in exporters])
        yield Finding(verdict.level, "endpoint", f"{where} ({signals}) {verdict.message}", verdict.advice)


def _base(exporter: Exporter) -> str:
    parts = urlsplit(shown(exporter.url))
    return f"{parts.scheme}://{parts.netloc}"


def _ask(exporter: Exporter) -> verdicts.Verdict:
    ask = _ask_grpc if exporter.kind == GRPC else _ask_http
    try:
        answer: Answer | None = limited(lambda: ask(exporter.live), ANSWER_SECONDS + 0.5)
    except TimeoutError:
        answer = Answer(error="TimeoutError")
    except Exception as error:  # noqa: BLE001 - the exporter is built otherwise than we know
        return verdicts.Verdict(WARNING, f"could not be asked: {first_line(error)}", "")
    if answer is None:
        return verdicts.Verdict(WARNING, "could not be asked: this release of the exporter is built otherwise", "")
    if answer.is_well():
        return verdicts.judge(exporter.kind, answer, None, exporter.url)
    return verdicts.judge(exporter.kind, answer, _listener(exporter.url), exporter.url)


def _listener(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.hostname is None or parts.scheme not in ("http", "https"):
        return None
    host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found: str = limited(lambda: what_listens(host, port), _LISTENER_SECONDS)
    except Exception:  # noqa: BLE001 - what cannot be told is left to the first answer
        return None
    return found


def _ask_http(live: Any) -> Answer | None:
    """An empty message is what protobuf makes of an export request without anything in it."""
    client: Any = getattr(live, "_client", None)
    url, transport = getattr(client, "_endpoint", None), getattr(client, "_transport", None)
    if url is None or transport is None:
        return None
    headers = {name: value for name, value in client._headers.items() if name.lower() != "content-encoding"}
    body = b"{}" if "json" in headers.get("content-type", "") else b""
    with suppress_instrumentation():
        result = transport.request("POST", url, headers=headers, data=body, timeout=ANSWER_SECONDS)
    if result.error is not None:
        return Answer(error=type(result.error).__name__, detail=str(result.error))
    return Answer(status=result.status_code)


def _ask_grpc(live: Any) -> Answer | None:
    import grpc

    client, request = getattr(live, "_client", None), _empty_request(live)
    if client is None or request is None:
        return None
    try:
        with suppress_instrumentation():
            client.Export(request, metadata=getattr(live, "_headers", None) or (), timeout=ANSWER_SECONDS)
    except grpc.RpcError as error:
        code: Any = getattr(error, "code", lambda: None)()
        return Answer(code=getattr(code, "name", type(error).__name__), detail=str(getattr(error, "details", lambda: "")() or ""))
    return Answer(code="OK")


def _empty_request(live: Any) -> Any:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    kinds: dict[str, Any] = {"Span": ExportTraceServiceRequest, "Metric": ExportMetricsServiceRequest, "Log": ExportLogsServiceRequest}
    return next((kind() for word, kind in kinds.items() if word in type(live).__name__), None)
