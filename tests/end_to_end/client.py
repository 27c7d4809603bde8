"""A small HTTP client that sends exactly the bytes it is given and begins a trace with every request."""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    trace_id: str
    parent_id: str
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The answer's body, decoded."""
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        """The answer's data; fails where the answer carries errors."""
        assert self.status == 200, (self.status, self.body)
        assert "errors" not in self.json, self.body
        return self.json["data"]


@dataclass(frozen=True)
class Client:
    """Talks to one server on the loopback interface; every request has a connection of its own."""

    port: int
    timeout: float = 30

    def send(
        self,
        *,
        method: str = "POST",
        path: str = "/graphql",
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        traced: bool = True,
    ) -> Exchange:
        """Send one request; `traced` sends the W3C header of a sampled client span."""
        trace_id, parent_id = secrets.token_hex(16), secrets.token_hex(8)
        sent = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body)), "Connection": "close"}
        if traced:
            sent["traceparent"] = f"00-{trace_id}-{parent_id}-01"
        sent |= headers or {}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        begin = time.monotonic()
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return Exchange(trace_id, parent_id, answer.status, dict(answer.getheaders()), content, time.monotonic() - begin)

    def post(self, payload: Any, *, path: str = "/graphql", headers: dict[str, str] | None = None, traced: bool = True) -> Exchange:
        """Send a JSON body."""
        body = json.dumps(payload).encode()
        return self.send(path=path, body=body, headers={"Content-Type": "application/json"} | (headers or {}), traced=traced)

    def query(self, query: str, *, path: str = "/graphql", traced: bool = True, **parts: Any) -> Exchange:
        """Send one operation; `parts` are `variables` and `operationName`."""
        return self.post({"query": query, **parts}, path=path, traced=traced)

    def get(self, path: str, *, headers: dict[str, str] | None = None, **parameters: str) -> Exchange:
        """Send a GET request."""
        return self.send(method="GET", path=f"{path}?{urlencode(parameters)}" if parameters else path, headers=headers)

    def together(self, queries: list[str], *, path: str) -> list[Exchange]:
        """Send these operations at the same time."""
        with ThreadPoolExecutor(len(queries)) as pool:
            return list(pool.map(lambda query: self.query(query, path=path), queries))
