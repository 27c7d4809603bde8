"""Finds out what listens at an address by talking to it, without relying on the words of anybody's error messages."""

from __future__ import annotations

import contextlib
import socket
import ssl

__all__ = ["GRPC", "HTTP", "REFUSED", "SILENT", "TIMEOUT", "TLS", "UNKNOWN", "UNRESOLVED", "what_listens"]

REFUSED = "refused"
UNRESOLVED = "unresolved"
TIMEOUT = "timeout"
SILENT = "silent"
HTTP = "http"
GRPC = "grpc"
TLS = "tls"
UNKNOWN = "unknown"

_SECONDS = 1.0
"""For each of at most three conversations."""

_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""How an HTTP/2 client begins (RFC 9113, 3.4): the preface and an empty SETTINGS frame."""


def what_listens(host: str, port: int) -> str:
    """One of the constants above. A port that speaks HTTP/1.1 too is HTTP; GRPC is one that speaks HTTP/2 only."""
    try:
        connection = socket.create_connection((host, port), _SECONDS)
    except socket.gaierror:
        return UNRESOLVED
    except ConnectionRefusedError:
        return REFUSED
    except OSError:
        return TIMEOUT
    with connection:
        if _takes_tls(connection, host):
            return TLS
    answer = _answer(host, port, _REQUEST)
    if answer.startswith(b"HTTP/1"):
        return HTTP
    if _is_settings(answer) or _is_settings(_answer(host, port, _PREFACE)):
        return GRPC
    return UNKNOWN if answer else SILENT


def _takes_tls(connection: socket.socket, host: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # who it is does not matter here: nothing is sent
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        with context.wrap_socket(connection, server_hostname=host):
            return True
    except ssl.SSLError as error:
        # An alert comes from somebody who speaks TLS and wants something else, such as a client certificate.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _answer(host: str, port: int, said: bytes) -> bytes:
    """The first bytes that come back; nothing where none do."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), _SECONDS) as connection:
        connection.sendall(said)
        return connection.recv(64)
    return b""


def _is_settings(answer: bytes) -> bool:
    """Whether this is the SETTINGS frame with which an HTTP/2 server begins: length, type 4, stream 0."""
    return len(answer) >= 9 and answer[3] == 4 and answer[5:9] == b"\x00\x00\x00\x00"
