"""One process of the benchmark: the application in one variant, answering commands of the parent over a pipe.

A command is one JSON object per line on standard input; its answer is one JSON object per line on standard output.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import resource
import sys
from collections import Counter
from time import perf_counter, process_time, thread_time

from bench_project import HOST, PATH, configure, make_application
from variants import VARIANTS, Telemetry, Variant
from workloads import WORKLOADS, Workload

PHASE_SPANS = {
    "GraphQL Document Parsing",
    "GraphQL Document Validation",
    "GraphQL Variable Coercion",
    "GraphQL Operation Execution",
}


class WrongError(Exception):
    """An answer, a number of SQL statements or the spans of a request are not what they must be."""


def environ_of(workload: Workload) -> dict[str, object]:
    """What a WSGI server hands over for a POST of the workload's document; the body is opened anew for each request."""
    body = json.dumps({"query": workload.document}).encode()
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "REMOTE_PORT": "49152",
        "RAW_URI": PATH,
        "HTTP_HOST": HOST,
        "HTTP_USER_AGENT": "benchmark/1.0",
        "HTTP_ACCEPT": "application/json",
        "HTTP_ACCEPT_ENCODING": "identity",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "benchmark.body": body,
    }


class Process:
    """The application of one variant and what it is asked to do."""

    def __init__(self, variant: Variant) -> None:
        configure()
        self.variant = variant
        self.telemetry: Telemetry = variant.start()
        self.application = make_application()
        self.environs = {name: environ_of(workload) for name, workload in WORKLOADS.items()}
        self.bodies: dict[str, bytes] = {}

    def request(self, name: str) -> tuple[str, bytes]:
        """Send one request through the WSGI application, as a server would, and read the whole answer."""
        environ = dict(self.environs[name])
        environ["wsgi.input"] = io.BytesIO(environ.pop("benchmark.body"))
        started: list[str] = []
        response = self.application(environ, lambda status, headers, exc_info=None: started.append(status))
        try:
            body = b"".join(response)
        finally:
            response.close()
        return started[0], body

    def check(self, workload: str) -> dict[str, object]:
        """Ask once and hold answer, SQL and spans against what they must be; keep the answer for the timed blocks."""
        from django.db import connection

        statements: list[str] = []

        def count(execute, sql, params, many, context):
            statements.append(sql)
            return execute(sql, params, many, context)

        self.telemetry.take()
        with connection.execute_wrapper(count):
            status, body = self.request(workload)
        spans, exported = self.telemetry.take()
        self._check_answer(WORKLOADS[workload], status, body, len(statements))
        self._check_spans(exported, WORKLOADS[workload].statements)
        self.bodies[workload] = body
        return {
            "digest": hashlib.sha256(body).hexdigest(),
            "bytes": len(body),
            "statements": len(statements),
            "spans": {f"{kind} {name}": number for (kind, name), number in sorted(spans.items())},
        }

    def _check_answer(self, workload: Workload, status: str, body: bytes, statements: int) -> None:
        answer = json.loads(body)
        if status != "200 OK" or "errors" in answer:
            raise WrongError(f"{workload.title}: {status}, {answer.get('errors')}")
        counted = workload.count(answer["data"])
        if counted != workload.expected:
            raise WrongError(f"{workload.title}: {counted} counted in the answer, {workload.expected} expected")
        if statements != workload.statements:
            raise WrongError(f"{workload.title}: {statements} SQL statements, {workload.statements} expected")

    def _check_spans(self, exported: list, statements: int) -> None:
        servers = [span for span in exported if span.kind.name == "SERVER"]
        operations = [span for span in exported if span.name == "query"]
        sql = [span for span in exported if "db.system.name" in span.attributes]
        others = Counter(span.name for span in exported if span not in servers + operations + sql)
        told = sum(span.attributes.get("graphql_auto.db.folded_count", 1) for span in sql)
        if told != (statements if operations else 0):
            raise WrongError(f"{self.variant.title}: the spans of SQL stand for {told} statements, {statements} were sent")
        if (len(servers), len(operations)) != (self.variant.server_spans, self.variant.operation_spans):
            raise WrongError(f"{self.variant.title}: {len(servers)} SERVER and {len(operations)} operation spans for one request")
        if set(others) - PHASE_SPANS or any(number > 1 for number in others.values()):
            raise WrongError(f"{self.variant.title}: spans that nobody expects: {dict(others)}")
        for span in operations:
            if span.kind.name != "INTERNAL" or span.parent is None or span.parent.span_id != servers[0].context.span_id:
                raise WrongError(f"{self.variant.title}: the operation span is not an INTERNAL child of the SERVER span")

    def freeze(self) -> dict[str, object]:
        """After the warm-up: what lives now is left out of later collections, in every variant alike."""
        gc.collect()
        gc.freeze()
        return {}

    def run(self, workload: str, requests: int) -> dict[str, object]:
        """Time one block; spans are flushed after the clocks are read, and their export counts in `cpu` only."""
        request, expected = self.request, self.bodies[workload]
        self.telemetry.take()
        gc.collect()
        cpu_began = process_time()
        thread_began = thread_time()
        began = perf_counter()
        for _ in range(requests):
            _, body = request(workload)
        wall = perf_counter() - began
        thread = thread_time() - thread_began
        spans, _ = self.telemetry.take()
        cpu = process_time() - cpu_began
        if body != expected:
            raise WrongError(f"{WORKLOADS[workload].title}: the answer of a timed request differs from the checked one")
        return {"wall": wall, "thread": thread, "cpu": cpu, "spans": sum(spans.values())}

    def facts(self) -> dict[str, object]:
        """Peak resident memory of this process in bytes (Linux counts it in KiB)."""
        return {"peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main() -> None:
    """Answer commands until the pipe closes; anything that the application prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    process = Process(VARIANTS[sys.argv[1]])
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(process, command.pop("command"))(**command)
        except WrongError as wrong:
            answer = {"wrong": str(wrong)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
