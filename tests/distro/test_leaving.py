"""The parent of a reloader at control-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

PARENT = """
import signal, subprocess, sys
from otel_graphql_auto import _leaving
signal.signal(signal.SIGINT, signal.default_int_handler)
_leaving._EXIT_SECONDS = 600
_leaving.let_child_leave()
child = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True); sys.stdin.read()"
try:
    subprocess.run([sys.executable, "-c", child])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_control_c_waits_for_the_child_and_the_next_one_does_not():
    """A child that does not end: the parent gives it more than Python's quarter of a second, and the person decides."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout.readline() == "ready\n"
            parent.send_signal(signal.SIGINT)
            time.sleep(1)
            assert parent.poll() is None
            parent.send_signal(signal.SIGINT)
            assert parent.stdout.readline() == "interrupted\n"
            assert parent.wait(10) == 0
        finally:
            parent.kill()


def test_control_c_is_python_s_where_no_child_runs():
    """Nothing to wait for."""
    script = PARENT.replace('subprocess.run([sys.executable, "-c", child])', "print('ready', flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout.readline() == "ready\n"
            parent.send_signal(signal.SIGINT)
            assert parent.wait(10) == 0
            assert parent.stdout.read() == "interrupted\n"
        finally:
            parent.kill()
