"""`python -m tests.services.stack_command`: keeps the whole stack up under load like a day's, to look at dashboards, until Ctrl-C.

TEMPO_BINARY names a Tempo to be part of it.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
import time

import pytest

from .collector import REPOSITORY
from .processes import Server
from .scenarios import VARIABLES, run_through, use_cache
from .stack import Stack, stack

RULES = REPOSITORY / "dashboards" / "generated" / "alerts" / "prometheus.yaml"
PLANTED = "OTEL_PYTHON_GRAPHQL_AUTO_REQUEST_HOOK"
"""Of the scenarios' variables this one; the others would make the day look worse than it is."""


def main() -> int:
    arguments = parse_arguments()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with stack(variables={PLANTED: VARIABLES[PLANTED]}, rules=[RULES], quickly=False) as running:
        report(running)
        load = Server(start_load(running, arguments.rate), running.blog.wsgi.port)
        try:
            live(running, ended, seconds=arguments.minutes * 60, pause=arguments.scenarios * 60)
        finally:
            load.stop()
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.services.stack_command", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=24 * 60, help="how long (default: a day)")
    parser.add_argument("--rate", type=float, default=4, help="requests a second (default: %(default)s)")
    parser.add_argument("--scenarios", type=float, default=5, help="minutes between two runs through every scenario (default: %(default)s)")
    return parser.parse_args()


def report(running: Stack) -> None:
    print(f"Prometheus  http://127.0.0.1:{running.prometheus.port}", flush=True)
    print(f"the demo    {running.blog.address}/graphql/", flush=True)
    if running.tempo is not None:
        print(f"Tempo       http://{running.tempo.address}", flush=True)


def start_load(running: Stack, rate: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "load.py", "--address", running.blog.address, "--rate", str(rate)]
    # A session of its own: Ctrl-C ends it once, through us.
    return subprocess.Popen(command, cwd=REPOSITORY / "demo", start_new_session=True)


def live(running: Stack, ended: threading.Event, *, seconds: float, pause: float) -> None:
    """Until the time is over: the cache every second, every scenario now and then."""
    end, due = time.monotonic() + seconds, time.monotonic()
    while not ended.wait(1) and time.monotonic() < end:
        use_cache(running.redis)
        if time.monotonic() >= due:
            due += pause
            for complaint in run_through(running.blog):
                print(complaint, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pytest.skip.Exception as missing:
        sys.exit(str(missing))
