"""A small HTTP server in the place of Prometheus, for answers that a real one does not give on request."""

from __future__ import annotations

import io
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from otel_graphql_auto import summary

SERVICE = "service_name"
BLOG = {SERVICE: "blog"}

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Stub:
    """Gives `answer(expression)` to every question; None is a byte now and then until the test ends."""

    answer: Callable[[str], Answer | None]
    secure: ssl.SSLContext | None = None
    questions: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        stub, ended = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode("ascii"))
                stub.questions.append({name: values[0] for name, values in form.items()})
                stub.headers.append(dict(self.headers))
                stub.paths.append(self.path)
                answer = stub.answer(form["query"][0])
                status, headers, body = answer or (200, {"Content-Length": "1000000"}, b"")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                while answer is None and not ended.wait(0.1):
                    self.wfile.write(b" ")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if self.secure is not None:
            self.server.socket = self.secure.wrap_socket(self.server.socket, server_side=True)
        self.ended = ended
        self.url = f"http{'s' if self.secure else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """End it, and whatever waits for an answer."""
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Stub]]:
    """Start one that answers like this."""
    started: list[Stub] = []

    def serve(answer: Callable[[str], Answer | None] | Answer, secure: ssl.SSLContext | None = None) -> Stub:
        started.append(Stub(answer if callable(answer) else lambda _: answer, secure))
        return started[-1]

    yield serve
    for stub in started:
        stub.stop()


def vector(*samples: tuple[dict[str, str], str], **more: object) -> Answer:
    """What Prometheus answers to an instant query."""
    result = [{"metric": labels, "value": [1_700_000_000.5, value]} for labels, value in samples]
    answer = {"status": "success", "data": {"resultType": "vector", "result": result}, **more}
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)


def ask(url=None, **options):
    """Exit code, standard output and standard error."""
    out, errors = io.StringIO(), io.StringIO()
    code = summary.run(summary.Options(url, **options), stream=out, errors=errors)
    return code, out.getvalue(), errors.getvalue()


def refused(url, **options):
    """The lines of what is said where there is no summary."""
    code, out, errors = ask(url, **options)
    assert (code, out) == (1, "")
    assert errors.endswith("\n")
    return errors.splitlines()
