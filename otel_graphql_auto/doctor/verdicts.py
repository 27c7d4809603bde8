"""What an OTLP endpoint's answer means, and what to do about it. Pure: knows nothing of exporters or sockets."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from otel_graphql_auto.doctor import listener
from otel_graphql_auto.finding import ERROR, OK, WARNING

__all__ = ["Answer", "Verdict", "judge"]

_OVER_GRPC = "OTLP over gRPC"


class Answer(NamedTuple):
    """How an empty export went: an HTTP status, a gRPC status code by name, or the class of an error."""

    status: int | None = None
    code: str | None = None
    error: str | None = None
    detail: str = ""

    def is_well(self) -> bool:
        """Whether the endpoint took it."""
        return self.code == "OK" or (self.status is not None and 200 <= self.status < 300)


class Verdict(NamedTuple):
    """One row about an endpoint; the message follows its address."""

    level: str
    message: str
    advice: str


def judge(kind: str, answer: Answer, listens: str | None, url: str) -> Verdict:
    """`kind` is how the exporter speaks, `listens` what was found at its port where the export did not go well."""
    over_grpc = kind == _OVER_GRPC
    if answer.is_well():
        return Verdict(OK, "answers (gRPC OK)" if over_grpc else f"answers (HTTP {answer.status})", "")
    found = _of_listener(listens, url, over_grpc=over_grpc, certificate="certificate" in answer.detail.lower())
    if answer.status is not None:
        mismatch = found if answer.status == 400 and listens == listener.TLS else None
        return mismatch or _of_status(answer.status, url)
    if answer.code in _CODES and not (answer.code == "UNIMPLEMENTED" and listens == listener.HTTP):
        return _CODES[answer.code]
    if answer.error == "ProxyError":
        return Verdict(
            ERROR, "is not reached: the proxy does not answer", "Look at HTTPS_PROXY and HTTP_PROXY, or name the host in NO_PROXY."
        )
    return found or Verdict(ERROR, f"does not answer: {answer.code or answer.error}", "Look at the endpoint's own log.")


_AUTHENTICATION = "Give its key in OTEL_EXPORTER_OTLP_HEADERS, as name=value; a space in the value is %20."

_CODES = {
    "UNAUTHENTICATED": Verdict(ERROR, "refuses: gRPC UNAUTHENTICATED", _AUTHENTICATION),
    "PERMISSION_DENIED": Verdict(ERROR, "refuses: gRPC PERMISSION_DENIED", _AUTHENTICATION),
    "RESOURCE_EXHAUSTED": Verdict(WARNING, "answers, and is overloaded: gRPC RESOURCE_EXHAUSTED", "Look at the endpoint's own log."),
    "UNIMPLEMENTED": Verdict(
        ERROR, "speaks gRPC and takes no OTLP: UNIMPLEMENTED", "Is another service there? A collector's OTLP receiver uses port 4317."
    ),
}


def _of_status(status: int, url: str) -> Verdict:
    refuses = f"refuses: HTTP {status}"
    if status in (401, 403):
        return Verdict(ERROR, refuses, _AUTHENTICATION)
    if status in (404, 405):
        path = urlsplit(url).path or "/"
        advice = f"Nothing takes OTLP at {path}. OTEL_EXPORTER_OTLP_ENDPOINT is extended by /v1/traces; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is."
        return Verdict(ERROR, refuses, advice)
    if 300 <= status < 400:
        return Verdict(
            ERROR, f"redirects (HTTP {status}), which exporters do not follow", "Make the endpoint the address that it redirects to."
        )
    if status == 415:
        return Verdict(ERROR, refuses, "It takes no protobuf over HTTP: is this an OTLP receiver?")
    if status in (429, 502, 503, 504):
        return Verdict(WARNING, f"answers, and cannot take anything now: HTTP {status}", "Look at the endpoint's own log.")
    return Verdict(ERROR, refuses, "Is this an OTLP receiver? Look at its own log.")


def _of_listener(listens: str | None, url: str, *, over_grpc: bool, certificate: bool) -> Verdict | None:
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    if listens == listener.REFUSED:
        advice = (
            "Start the collector, or say in OTEL_EXPORTER_OTLP_ENDPOINT where it is; in a container, localhost is the container itself."
        )
        return Verdict(ERROR, "does not answer: nothing listens there", advice)
    if listens == listener.UNRESOLVED:
        return Verdict(ERROR, f"does not answer: there is no host named {parts.hostname}", "Correct OTEL_EXPORTER_OTLP_ENDPOINT.")
    if listens in (listener.TIMEOUT, listener.SILENT):
        word = "cannot be reached in time" if listens == listener.TIMEOUT else "takes connections and does not answer"
        return Verdict(ERROR, word, "Look for a firewall in between, and at the endpoint's own log.")
    if listens == listener.TLS and not is_tls:
        return Verdict(ERROR, "speaks TLS", "Write https:// in OTEL_EXPORTER_OTLP_ENDPOINT.")
    if listens == listener.TLS and (certificate or over_grpc):
        advice = "Name the certificate of its authority in OTEL_EXPORTER_OTLP_CERTIFICATE, and the host as it stands in the certificate."
        return Verdict(ERROR, "speaks TLS, and the connection is not trusted", advice)
    if listens in (listener.HTTP, listener.GRPC) and is_tls:
        return Verdict(ERROR, "does not speak TLS", "Write http:// in OTEL_EXPORTER_OTLP_ENDPOINT.")
    if listens == listener.GRPC and not over_grpc:
        return Verdict(ERROR, "speaks gRPC", "Use port 4318, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc.")
    if listens == listener.HTTP and over_grpc:
        return Verdict(ERROR, "speaks HTTP, not gRPC", "Use OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or port 4317.")
    return None
