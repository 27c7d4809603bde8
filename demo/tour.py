"""`make demo`: serve the blog under opentelemetry-instrument, send it a request for each thing that is observed, and show what was seen.

One terminal: the server prints its telemetry here too. `--once` ends after the tour, with exit code 1 if an answer was not as expected.
"""

# Every address here is put together in this file.
# ruff: noqa: S310

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlencode

from server import INSTRUMENT, Server, ServerEndedError, free_port, prepare_database, run
from steps import STEPS, Step

BRIEF = 100
TABLE_SECONDS = 3.6
"""The console's table of operations comes after three seconds without one."""


def main() -> int:
    arguments = parse_arguments()
    complaint = missing()
    if complaint:
        print(complaint, file=sys.stderr)
        return 2
    # `kill` and Ctrl-C end the tour in the same way, server included.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        prepare_database()
        port = free_port(arguments.port)
        say(f"$ opentelemetry-instrument python manage.py runserver --noreload 127.0.0.1:{port}")
        with Server(port) as server:
            failures = sum(not take(number, step, server) for number, step in enumerate(STEPS, start=1))
            with server.turn:  # the table of operations waits for its end
                failures += not examine(len(STEPS) + 1)
            if not arguments.once:
                time.sleep(TABLE_SECONDS)
                say(f"GraphiQL: http://127.0.0.1:{port}/graphql/   What you send there is shown here. Ctrl-C stops.", bold=True)
                server.serve()
    except subprocess.CalledProcessError as error:
        say(f"`manage.py {error.cmd[2]}` failed.")
        return 1
    except ServerEndedError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 0
    steps = len(STEPS) + 1
    say(f"The tour has ended: {steps - failures} of {steps} answers were as expected.")
    return 1 if failures else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", action="store_true", help="end after the tour instead of serving until Ctrl-C")
    parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default: 8000; another one where it is taken)")
    return parser.parse_args()


def missing() -> str | None:
    if not INSTRUMENT.exists():
        return (
            f"There is no opentelemetry-instrument beside {sys.executable}: run the tour with the Python that the project is installed in."
        )
    try:
        import rich  # noqa: F401
    except ImportError:
        return 'The tour shows its telemetry with rich: pip install "otel-graphql-auto[console]"'
    return None


def take(number: int, step: Step, server: Server) -> bool:
    """Send the request of one step and show everything about it; whether the answer was as expected."""
    with server.turn:
        say(f"\n{number:2}. {step.title}", bold=True)
        for document in step.document if isinstance(step.document, list) else [step.document]:
            variables = f"  {json.dumps(step.variables)}" if step.variables else ""
            say(f"    {step.method} {step.path}  {brief(document)}{variables}".rstrip())
        lines = server.lines
        answer = send(step, server.port)
        as_expected = step.expected in answer
        if not as_expected:
            say(f"    This is not the answer that was expected: {answer}")
    if step.is_seen:
        server.wait_for_output(lines)
    with server.turn:
        say(f"    Why it matters: {step.why}")
    return as_expected


def send(step: Step, port: int) -> str:
    """Send one request and print its answer line by line, as it comes, and the times that its header tells."""
    began = time.perf_counter()
    answer = []
    try:
        try:
            response = urllib.request.urlopen(request_of(step, port), timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            for line in response:
                text = line.decode().strip()
                answer.append(text)
                if text and text not in {"event: next", "data:"}:
                    say(f"    {response.status} after {(time.perf_counter() - began) * 1000:.0f} ms  {brief(text)}")
            if timing := response.headers["Server-Timing"]:
                say(f"    Server-Timing  {readable(timing)}")
    except OSError as error:
        answer.append(f"no answer: {error}")
    return "\n".join(answer)


def readable(timing: str) -> str:
    """The milliseconds of a Server-Timing header and, in parentheses, what it counts."""
    parts = re.findall(r'([a-z_]+)(?:;dur=([0-9.]+))?(?:;desc="([0-9]+)")?(?:, |$)', timing)
    return ", ".join(name + (f" {float(ms):.1f}" if ms else "") + (f" ({count})" if count else "") for name, ms, count in parts) + " ms"


def request_of(step: Step, port: int) -> urllib.request.Request:
    address = f"http://127.0.0.1:{port}{step.path}"
    if step.method == "GET":
        return urllib.request.Request(f"{address}?{urlencode({'query': step.document})}" if step.document else address)
    if isinstance(step.document, list):
        body: object = [{"query": document} for document in step.document]
    else:
        body = {"query": step.document, "variables": step.variables}
    return urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json", **(step.headers or {})})


def examine(number: int) -> bool:
    """The last step: the doctor's report on the demo; whether it found nothing wrong."""
    say(f"\n{number:2}. The doctor: is everything wired as it should be?", bold=True)
    say("    $ opentelemetry-instrument python manage.py graphql_auto doctor")
    report = run("graphql_auto", "doctor")
    say("\n".join(f"    {line}" for line in report.stdout.splitlines()))
    say("    Why it matters: it proves on your own project that a request becomes a trace, and says what to do where it does not.")
    return report.returncode == 0


def brief(text: str) -> str:
    return text if len(text) <= BRIEF else f"{text[:BRIEF]}... ({len(text)} characters)"


def say(sentence: str, *, bold: bool = False) -> None:
    print(f"\033[1m{sentence}\033[0m" if bold and sys.stdout.isatty() else sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
