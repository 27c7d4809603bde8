"""What each way of not answering means, in one line, and what to do about it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlsplit

from otel_graphql_auto._safety import text, type_name
from otel_graphql_auto.summary.address import VARIABLE, Address
from otel_graphql_auto.summary.problem import SummaryError

__all__ = ["not_prometheus", "of_failure", "of_status", "too_large", "too_late"]

_READ: Final = 65_536

HOW_TO_GET_ONE: Final = f"""\
If Prometheus is elsewhere, say where: --prometheus URL, or the environment variable {VARIABLE}. If there is none yet, one of

  - a checkout of otel-graphql-auto has all of it, with a demo:
        docker compose up
        docker compose exec app python -m otel_graphql_auto summary --prometheus http://prometheus:9090
  - Prometheus 3 takes metrics from applications itself; collector/prometheus/prometheus.yml is a configuration for it:
        prometheus --config.file=prometheus.yml --web.enable-otlp-receiver --enable-feature=created-timestamp-zero-ingestion
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:9090/api/v1/otlp/v1/metrics    (of the application)
  - a collector that applications send to already: give it an exporter otlp_http with the endpoint http://127.0.0.1:9090/api/v1/otlp

docs/summary.md has more of this."""


def of_failure(address: Address, error: object, seconds: float) -> SummaryError:
    """Where no answer came."""
    advice = HOW_TO_GET_ONE
    if isinstance(error, ConnectionRefusedError):
        reason = "nothing listens there"
    elif isinstance(error, socket.gaierror):
        reason = "there is no such host"
    elif isinstance(error, TimeoutError):
        reason, advice = f"no answer within {seconds:.0f} s", f"Look less far back (--since). {advice}"
    elif isinstance(error, ssl.SSLCertVerificationError):
        reason, advice = "its certificate is not trusted", "Name the file of the authority that signed it in SSL_CERT_FILE."
    elif isinstance(error, ssl.SSLError):
        reason, advice = "it does not speak TLS as expected", "Is it http:// rather than https://?"
    elif isinstance(error, http.client.HTTPException | ConnectionResetError):
        reason, advice = "what listens there does not speak HTTP, or broke off", "Is it https:// rather than http://, or another port?"
    elif isinstance(error, Exception):
        reason = _line(f"{type_name(error)}: {getattr(error, 'strerror', None) or error}")
    else:
        reason = _line(error)
    return SummaryError(f"{_named(address)} does not answer: {reason}.", advice)


def of_status(address: Address, refusal: HTTPError) -> SummaryError:
    """Where an answer came with a status that is not 200."""
    try:
        with refusal:
            content = refusal.read(_READ)
    except (OSError, http.client.HTTPException):
        content = b""
    status = refusal.code
    if 300 <= status < 400:
        target = urlsplit(refusal.headers.get("Location", ""))
        place = _line(f"{target.scheme}://{target.netloc.rpartition('@')[2]}") if target.netloc else "another address"
        message = f"{_named(address)} leads on to {place} (HTTP {status}), which is not followed"
        return SummaryError(f"{message}.", "Give the address at which Prometheus itself answers; a login page is none.")
    if status in (401, 403):
        advice = "Give a user as in https://user:password@host, or a bearer token with --token-file."
        return SummaryError(f"{_named(address)} refuses to answer (HTTP {status}).", advice)
    if status in (404, 405):
        advice = "Is the port another program's, or is a prefix missing, as in http://host/prometheus?"
        return SummaryError(f"{_named(address)} has no /api/v1/query (HTTP {status}).", advice)
    if said := _error_of(content):
        return SummaryError(f"{_named(address)} says (HTTP {status}): {said}")
    return SummaryError(f"{_named(address)} answers with HTTP {status}{_beginning(content)}.")


def not_prometheus(address: Address, content: bytes) -> SummaryError:
    """Where an answer is not what Prometheus answers."""
    if said := _error_of(content):
        return SummaryError(f"{_named(address)} says: {said}")
    advice = "Is it the address of Grafana, or of a login page? Prometheus' own is asked for."
    return SummaryError(f"{_named(address)} does not answer as Prometheus does{_beginning(content)}.", advice)


def too_large(address: Address, limit: int) -> SummaryError:
    """Where an answer does not end."""
    advice = "Choose with --service or --environment."
    return SummaryError(f"{_named(address)} answers with more than {limit // 1_000_000} MB.", advice)


def too_late(address: Address, seconds: float) -> SummaryError:
    """Where not all answers came."""
    advice = "Look less far back (--since), or choose with --service."
    return SummaryError(f"{_named(address)} has not answered everything within {seconds:.0f} s.", advice)


def _named(address: Address) -> str:
    return f"Prometheus at {_line(address.url)} ({address.source})"


def _error_of(content: bytes) -> str:
    """What an error in Prometheus' own form says."""
    try:
        answer = json.loads(content)
        return _line(answer["error"]) if answer["status"] == "error" else ""
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""


def _beginning(content: bytes) -> str:
    words = _line(content[:200].decode("utf-8", "replace"), 80)
    return f': "{words}"' if words else ""


def _line(words: object, limit: int = 300) -> str:
    return " ".join(text(words, limit).split())
