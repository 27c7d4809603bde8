"""What is kept is bounded, and whatever happens to the output costs output only."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_graphql_auto import semconv
from otel_graphql_auto.console import GraphQLConsoleExporter
from otel_graphql_auto.console.exporter import INSTALL_RICH
from otel_graphql_auto.console.table import OPERATIONS
from otel_graphql_auto.console.traces import HELD_SPANS, SHOWN_SPANS, TRACES
from tests.console.terminal import Terminal


def test_what_is_kept_is_bounded(terminal):
    """A flood of names, of traces and of orphans leaves the exporter no larger than its limits."""
    for number in range(1500):
        with terminal.span("lost"), terminal.operation(f"Name{number}"), terminal.span("inner"):
            pass
        # The roots never come.
        terminal.export([span for span in terminal.ended if span.name != "lost"])
    exporter = terminal.exporter
    assert len(exporter._traces.traces) == TRACES
    for _ in range(3):
        with terminal.request():
            for _ in range(2000):
                with terminal.span("child"):
                    pass
        request = terminal.ended[-1]
        terminal.export(terminal.ended[:-1])
        assert 2000 <= sum(len(each.held) for each in exporter._traces.traces.values()) <= HELD_SPANS
        terminal.export([request])
        assert max(len(each.shown) for each in exporter._traces.traces.values()) == SHOWN_SPANS
    with terminal.span("lost"):
        for _ in range(6000):
            with terminal.span("orphan"):
                pass
    terminal.export(terminal.ended[:-1])
    assert sum(len(each.held) for each in exporter._traces.traces.values()) <= HELD_SPANS
    rows = exporter._table.rows
    assert len(rows) == OPERATIONS + 1
    assert sum(row.count for row in rows.values()) == 1500
    assert rows[semconv.OTHER].count == 1500 - OPERATIONS


def test_an_id_used_twice_makes_no_circle(trees):
    with trees.request(), trees.operation(), trees.phase("execute"):
        pass
    spans = list(trees.ended)
    assert len(trees.export(spans)) == 3
    assert trees.export(spans)
    assert trees.export(spans * 2)
    assert all(not each.held for each in trees.exporter._traces.traces.values())


class Closed(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def test_a_closed_terminal_costs_output_only(caplog):
    exporter = GraphQLConsoleExporter(file=Closed(), settle_seconds=60)
    source = Terminal()
    for _ in range(3):
        with source.request(), source.operation():
            pass
    assert [exporter.export(source.ended[position : position + 2]) for position in (0, 2, 4)] == [SpanExportResult.FAILURE] * 3
    exporter.shutdown()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_after_shutdown_nothing_is_printed(terminal):
    terminal.exporter.shutdown()
    with terminal.request():
        pass
    assert terminal.exporter.export(terminal.ended) is SpanExportResult.FAILURE
    assert terminal.lines() == []


def test_colours_are_for_terminals():
    plain, coloured = Terminal(), Terminal(force_terminal=True)
    for terminal in (plain, coloured):
        with terminal.request(), terminal.operation(error="Boom"):
            pass
        terminal.exporter.export(terminal.ended)
    assert "Boom" in plain.output.getvalue()
    assert "\x1b[" not in plain.output.getvalue()
    assert "\x1b[1;31mBoom" in coloured.output.getvalue()


def test_a_narrow_terminal_keeps_the_shape_of_the_tree():
    terminal = Terminal(force_terminal=True, no_color=True, width=60, tree_seconds=0)
    with terminal.request(), terminal.operation("N" * 150), terminal.phase("execute"):
        pass
    assert len(terminal.export()) == 3
    terminal.exporter.shutdown()


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}, check=False
    )


ONE_REQUEST = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from otel_graphql_auto.console import GraphQLConsoleExporter
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(GraphQLConsoleExporter(tree_seconds=0)))
with provider.get_tracer("t").start_as_current_span("Grün"), provider.get_tracer("t").start_as_current_span("child"):
    pass
with provider.get_tracer("t").start_as_current_span("again"):
    pass
provider.shutdown()
print("the application goes on")
"""


def test_without_rich_one_line_says_what_to_install():
    result = run_python("import sys; sys.modules['rich'] = None\n" + ONE_REQUEST)
    assert result.stdout == "the application goes on\n"
    assert result.stderr == INSTALL_RICH + "\n"
    assert 'pip install "otel-graphql-auto[console]"' in result.stderr
    assert result.returncode == 0


@pytest.mark.parametrize(("encoding", "name", "guide"), [("utf-8", "Grün", "└─ child"), ("ascii", "Gr\\xfcn", "`- child")])
def test_standard_output_gets_what_its_encoding_can_say(encoding, name, guide):
    result = run_python(ONE_REQUEST, PYTHONIOENCODING=encoding)
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith(name)
    assert lines[1].startswith(guide)
    assert lines[-1] == "the application goes on"


LONG_LINE = ONE_REQUEST.replace("Grün", "G" * 90)


def run_in_a_terminal(code, columns, **environment):
    """What a program writes that has a terminal of so many columns for its output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = {**{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}, "TERM": "xterm-256color"}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, env={**variables, **environment})
    os.close(theirs)
    output = b""
    # Linux says EIO where the last program has closed its end.
    with suppress(OSError), open(ours, "rb", buffering=0) as terminal:
        while part := terminal.read(65536):
            output += part
    assert process.wait(60) == 0
    return output.decode()


def test_a_terminal_gets_colours_and_no_line_that_is_too_wide():
    lines = run_in_a_terminal(LONG_LINE, 60).splitlines()
    assert "\x1b[1mGGGG" in lines[0]
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines) == 60


def test_no_color_is_obeyed_in_a_terminal():
    output = run_in_a_terminal(ONE_REQUEST, 100, NO_COLOR="1")
    assert "Grün" in output
    assert not re.search(r"\x1b\[[\d;]*3\dm", output)


def test_force_color_is_obeyed_in_a_pipe_and_nothing_is_cut():
    """At its other end may be a terminal whose width nobody knows here."""
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    result = subprocess.run(
        [sys.executable, "-c", LONG_LINE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment, "FORCE_COLOR": "1"},
        check=True,
    )
    first = result.stdout.splitlines()[0]
    assert "\x1b[1mG" in first
    assert re.search(r"trace [0-9a-f]{8}", first)


FORKED = """
import os, sys, time
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from otel_graphql_auto import semconv
from otel_graphql_auto.console import GraphQLConsoleExporter
exporter = GraphQLConsoleExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
attributes = {semconv.PROCESSING_TYPE: "request", semconv.OPERATION_TYPE: "query"}
def operation(name):
    with provider.get_tracer("t").start_as_current_span("query", attributes={**attributes, semconv.OPERATION_NAME: name}):
        pass
operation("Parent")
sys.stdout.flush()
with exporter._lock:
    child = os.fork()
if child == 0:
    operation("Child")
    exporter.shutdown()
    sys.stdout.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_worker_prints_its_own_operations_only():
    result = run_python(FORKED)
    assert result.returncode == 0, result.stderr
    before, after = result.stdout.split("Operations so far", 1)
    assert "query Parent" in before
    assert "query Child" in before
    assert "query Child" in after.split("Operations so far")[0]
    assert "query Parent" not in after.split("Operations so far")[0]
