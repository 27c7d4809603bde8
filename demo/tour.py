"""`make demo`: serve the blog under opentelemetry-instrument, send it a dozen requests, and show what was seen of each.

One terminal: the server prints its telemetry here too. `--once` ends after the tour, with exit code 1 if an answer was not as expected.
"""

# Every command and address here is put together in this file.
# ruff: noqa: S310, S603

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DEMO = Path(__file__).resolve().parent
DATABASE = Path(os.environ.get("DEMO_DATABASE", DEMO.parent / ".build" / "demo.sqlite3")).resolve()
# Not resolved: in a virtual environment the interpreter is a link, and its neighbours are what was installed there.
BIN = Path(sys.executable).parent

START_SECONDS = 30.0
STOP_SECONDS = 15.0
EXPORT_DELAY_MS = 100
LOOK_SECONDS = 0.5
"""How long to wait after an answer: what is exported after EXPORT_DELAY_MS should stand below its own request."""
TABLE_SECONDS = 3.6
SLOW_MS = 250
BRIEF = 100

RELATIONS = "title author { username } comments { text author { username } }"

STEPS: list[tuple[str, str, Any, str]] = [
    ("A fast query: one line is enough", "/graphql/", "query Hello { hello }", '"hello":"Hello, world!"'),
    ("A list: the five newest posts", "/graphql/", "query Feed { feed(limit: 5) { title excerpt author { username } } }", '"author":{'),
    (
        "Relations, naively: one query for each author and each list",
        "/graphql/",
        f"query PostsNaive {{ postsNaive {{ {RELATIONS} }} }}",
        '"text":',
    ),
    ("The same answer, with two queries", "/graphql/", f"query PostsFast {{ postsFast {{ {RELATIONS} }} }}", '"text":'),
    (
        "A page of a relay connection",
        "/graphql/",
        "query Page { allPosts(first: 10) { edges { node { id title author { username } } } pageInfo { hasNextPage endCursor } } }",
        '"hasNextPage":true',
    ),
    (
        "A mutation",
        "/graphql/",
        'mutation Comment { createComment(post: 1, username: "user0001", text: "Nice tour.") { comment { id text } errors { field } } }',
        '"text":"Nice tour."',
    ),
    (f"A slow query (slow is what takes more than {SLOW_MS} ms here)", "/graphql/", "query Slow { slow(ms: 400) }", '"slow":'),
    ("A failure of the server: HTTP says 200, the span says Error", "/graphql/", "query Search { unexpectedFailure }", "does not answer"),
    ("A failure of the client, next to data", "/graphql/", "query BadInput { hello badUserInput }", "BAD_USER_INPUT"),
    ("A document that is not valid", "/graphql/", "query Typo { helo }", "Cannot query field"),
    ("Three operations in one HTTP batch", "/graphql/batch/", [f"query Batch{letter} {{ hello }}" for letter in "ABC"], '"status":200'),
    (
        "An async view: two fields wait for 60 ms each, at the same time",
        "/graphql/async/",
        "query Async { one: slowAsync(ms: 60) two: slowAsync(ms: 60) }",
        '"two":"awaited for 60 ms"',
    ),
    (
        "A subscription, streamed as Server-Sent Events",
        "/graphql/stream/",
        "subscription Countdown { countdown(from: 3, interval: 0.15) }",
        '"countdown": 0',
    ),
]
"""What is sent: a title, a path, a document or the documents of a batch, and what the answer must contain."""


our_turn = threading.Lock()


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
        with server(port) as process:
            failures = walk(port)
            if not arguments.once:
                serve(port, process)
    except subprocess.CalledProcessError as error:
        say(f"`manage.py {error.cmd[2]}` failed.")
        return 1
    except ServerEndedError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 0
    say(f"The tour has ended: {len(STEPS) - failures} of {len(STEPS)} answers were as expected.")
    return 1 if failures else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", action="store_true", help="end after the tour instead of serving until Ctrl-C")
    parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default: 8000; another one where it is taken)")
    return parser.parse_args()


def missing() -> str | None:
    if not (BIN / "opentelemetry-instrument").exists():
        return (
            f"There is no opentelemetry-instrument beside {sys.executable}: run the tour with the Python that the project is installed in."
        )
    try:
        import rich  # noqa: F401
    except ImportError:
        return 'The tour shows its telemetry with rich: pip install "otel-graphql-auto[console]"'
    return None


def environment() -> dict[str, str]:
    """The server's environment: console telemetry, whatever else this shell has set up for other programs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DJANGO_"))}
    # The server writes into a pipe, and is told of the terminal at its other end.
    terminal = {"FORCE_COLOR": "1", "COLUMNS": str(shutil.get_terminal_size().columns)} if sys.stdout.isatty() else {}
    return (
        inherited
        | terminal
        | {
            "DEMO_DATABASE": str(DATABASE),
            "DEMO_LOG_LEVEL": "ERROR",
            "DJANGO_RUNSERVER_HIDE_WARNING": "true",
            "PYTHONUNBUFFERED": "1",
            # Named, because opentelemetry-distro may be installed beside this one.
            "OTEL_PYTHON_DISTRO": "graphql_auto",
            "OTEL_PYTHON_CONFIGURATOR": "graphql_auto",
            "OTEL_TRACES_EXPORTER": "graphql_console",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": str(EXPORT_DELAY_MS),
            "OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD": str(SLOW_MS),
        }
    )


def prepare_database() -> None:
    DATABASE.parent.mkdir(exist_ok=True)
    for command in ("migrate", "seed"):
        subprocess.run([sys.executable, "manage.py", command, "--verbosity=0"], cwd=DEMO, env=environment(), check=True)


def free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise ServerEndedError("There is no free port on 127.0.0.1.")


class ServerEndedError(Exception):
    """The server did not start, or did not live to the end of the tour."""


@contextlib.contextmanager
def server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    say(f"$ opentelemetry-instrument python {' '.join(command[1:])}")
    # A session of its own: Ctrl-C reaches this program only, which then ends the server once.
    process = subprocess.Popen(
        [BIN / "opentelemetry-instrument", *command],
        cwd=DEMO,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # It is ended with SIGINT, which a shell has ignored by what it starts in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no other thread runs yet
    )
    relay = threading.Thread(target=pass_on, args=(process,), daemon=True)
    relay.start()
    try:
        wait_until_it_listens(port, process)
        yield process
    finally:
        stop(process)
        relay.join(STOP_SECONDS)


def pass_on(process: subprocess.Popen[bytes]) -> None:
    """Print what the server prints, but not while a request is being sent and its answer shown: that comes first."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            with our_turn:
                sys.stdout.buffer.write(line)
                sys.stdout.flush()


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise ServerEndedError("The server did not start.")


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGINT is what runserver ends on in good order, so that the last spans and the table are printed."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def walk(port: int) -> int:
    time.sleep(LOOK_SECONDS)
    failures = 0
    for number, (title, path, documents, expected) in enumerate(STEPS, start=1):
        with our_turn:
            say(f"\n{number:2}. {title}", bold=True)
            for document in [documents] if isinstance(documents, str) else documents:
                say(f"    POST {path}  {brief(document)}")
            body = [{"query": document} for document in documents] if isinstance(documents, list) else {"query": documents}
            answer = post(f"http://127.0.0.1:{port}{path}", body)
            if expected not in answer:
                failures += 1
                say(f"    This is not the answer that was expected: {answer}")
        time.sleep(LOOK_SECONDS)
    return failures


def post(url: str, body: Any) -> str:
    """Send one request and print its answer line by line, as it comes."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    began = time.perf_counter()
    lines = []
    try:
        try:
            response = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            for line in response:
                text = line.decode().strip()
                lines.append(text)
                if text and text not in {"event: next", "data:"}:
                    say(f"    {response.status} after {(time.perf_counter() - began) * 1000:.0f} ms  {brief(text)}")
    except OSError as error:
        lines.append(f"no answer: {error}")
    return "\n".join(lines)


def serve(port: int, process: subprocess.Popen[bytes]) -> None:
    time.sleep(TABLE_SECONDS)
    say(f"GraphiQL: http://127.0.0.1:{port}/graphql/   What you send there is shown here. Ctrl-C stops.", bold=True)
    process.wait()
    raise ServerEndedError("The server ended.")


def brief(text: str) -> str:
    return text if len(text) <= BRIEF else f"{text[:BRIEF]}... ({len(text)} characters)"


def say(sentence: str, *, bold: bool = False) -> None:
    print(f"\033[1m{sentence}\033[0m" if bold and sys.stdout.isatty() else sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
