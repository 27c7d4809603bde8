"""The console exporter prints what a person wants to know of each request, whatever order its spans come in."""

import io
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE
from opentelemetry.trace import SpanKind, Status, StatusCode

from otel_graphql_auto import semconv
from otel_graphql_auto.console import GraphQLConsoleExporter
from otel_graphql_auto.console.drawing import TREE_LINES
from otel_graphql_auto.console.exporter import INSTALL_RICH, TREES
from otel_graphql_auto.console.table import OPERATIONS, SAMPLES
from otel_graphql_auto.console.traces import HELD_SPANS, SHOWN_SPANS, TRACES

MILLISECOND = 1_000_000


class Terminal:
    """An exporter on a console of its own, and spans with times that the test chooses."""

    def __init__(self, *, settle_seconds=60.0, hold_seconds=60.0, **options):
        self.output = io.StringIO()
        self.exporter = GraphQLConsoleExporter(
            file=self.output,
            settle_seconds=settle_seconds,
            hold_seconds=hold_seconds,
            **{"width": 160, **options},
        )
        self.ended = []
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(Keeper(self.ended)))
        self.tracer = provider.get_tracer(semconv.SCOPE)

    @contextmanager
    def span(self, name, *, parent=None, begin=0, end=10, error=None, events=(), kind=SpanKind.INTERNAL, **attributes):
        """A span from `begin` to `end`, in milliseconds; with `parent` it hangs on that one instead of the current one."""
        context = trace.set_span_in_context(parent) if parent is not None else None
        span = self.tracer.start_span(name, context, kind, attributes, start_time=begin * MILLISECOND)
        for event in events:
            span.add_event(semconv.EVENT_ERROR, event)
        if error:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute(semconv.ERROR_TYPE, error)
        with trace.use_span(span, end_on_exit=False):
            yield span
        span.end(end_time=int(end * MILLISECOND))

    def operation(self, name="Hello", *, type_="query", attributes=None, **options):
        known = {semconv.PROCESSING_TYPE: "request", semconv.OPERATION_TYPE: type_, semconv.OPERATION_NAME: name}
        values = {key: value for key, value in {**known, **(attributes or {})}.items() if value is not None}
        return self.span(type_ or semconv.SPAN_OPERATION, **{**options, **values})

    def phase(self, phase, **options):
        return self.span(semconv.SPAN_BY_PHASE[phase], **{**options, semconv.PROCESSING_TYPE: phase})

    def request(self, status=200, **options):
        return self.span("POST graphql/", kind=SpanKind.SERVER, **{**options, HTTP_RESPONSE_STATUS_CODE: status})

    def export(self, spans=None):
        """Exports what has ended since the last time, or these spans."""
        batch = list(self.ended) if spans is None else list(spans)
        self.ended.clear()
        assert self.exporter.export(batch) is SpanExportResult.SUCCESS
        return self.lines()

    def lines(self):
        """What was printed since the last time."""
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        return [line.rstrip() for line in text.splitlines()]

    def table(self):
        self.exporter.shutdown()
        lines = self.lines()
        return lines[lines.index("Operations so far") + 1 :]


class Keeper(SpanExporter):
    def __init__(self, ended):
        self.ended = ended

    def export(self, spans):
        self.ended.extend(spans)
        return SpanExportResult.SUCCESS


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.exporter.shutdown()


def words(line):
    return line.split()


def test_a_fast_simple_request_is_one_line(terminal):
    with terminal.request(end=12.5), terminal.operation(begin=1, end=11):
        pass
    (line,) = terminal.export()
    assert words(line) == ["POST", "graphql/", ">", "query", "Hello", "12.5", "ms", "200"]


def test_a_request_without_an_operation_is_one_line(terminal):
    with terminal.span("GET static", kind=SpanKind.SERVER, end=1500, **{HTTP_RESPONSE_STATUS_CODE: 404}):
        pass
    (line,) = terminal.export()
    assert words(line) == ["GET", "static", "1.50", "s", "404"]


def test_an_operation_without_http_is_its_own_root(terminal):
    with terminal.operation("Import", end=0.25):
        pass
    (line,) = terminal.export()
    assert words(line) == ["query", "Import", "0.25", "ms"]


def test_a_tree_has_a_line_for_each_span_in_the_order_of_time(terminal):
    with terminal.request(end=100), terminal.operation("Feed", begin=10, end=90):
        with terminal.phase("execute", begin=30, end=90), terminal.span("Post.author", begin=40, end=60):
            pass
        # Ended after the execution, although it came before.
        with terminal.phase("parse", begin=10, end=20):
            pass
    lines = terminal.export()
    assert [line[:46].rstrip() for line in lines] == [
        "POST graphql/",
        "└─ query Feed",
        "   ├─ parse",
        "   └─ execute",
        "      └─ Post.author",
    ]
    assert [line[46:54].strip() for line in lines] == ["100 ms", "80.0 ms", "10.0 ms", "60.0 ms", "20.0 ms"]
    bars = [line[56:72] for line in lines]
    assert bars[0] == "━" * 16
    assert bars[2].strip() == "━━"
    assert bars[4].index("━") == 6
    assert "trace " in lines[0]


def test_a_batch_shows_each_operation(terminal):
    with terminal.request(end=30):
        for number, name in enumerate("ABC"):
            with terminal.operation(name, begin=number * 10, end=number * 10 + 9):
                pass
    lines = terminal.export()
    assert [words(line[:46])[-1] for line in lines] == ["graphql/", "A", "B", "C"]


def test_children_may_come_in_earlier_batches(terminal):
    with terminal.request(), terminal.operation(), terminal.phase("execute"):
        pass
    execute, operation, request = terminal.ended
    assert terminal.export([execute]) == []
    assert terminal.export([operation]) == []
    assert [words(line[:46])[-1] for line in terminal.export([request])] == ["graphql/", "Hello", "execute"]


def test_requests_of_one_batch_do_not_mix(terminal):
    for name in ("First", "Second"):
        with terminal.request(), terminal.operation(name):
            pass
    first, first_request, second, second_request = terminal.ended
    lines = terminal.export([second, first, second_request, first_request])
    assert sorted(words(line)[4] for line in lines) == ["First", "Second"]
    assert all(words(line)[:3] == ["POST", "graphql/", ">"] for line in lines)


def test_a_remote_parent_makes_a_local_root(terminal):
    far = trace.SpanContext(trace_id=1, span_id=2, is_remote=True, trace_flags=trace.TraceFlags(1))
    with terminal.request(parent=trace.NonRecordingSpan(far)), terminal.operation():
        pass
    (line,) = terminal.export()
    assert words(line)[:5] == ["POST", "graphql/", ">", "query", "Hello"]


def test_late_children_are_printed_when_they_come_as_one_tree(terminal):
    """A streamed subscription ends after the request that began it."""
    with terminal.request() as request:
        pass
    assert len(terminal.export()) == 1
    with terminal.operation("Countdown", type_="subscription", parent=request, end=900):
        for number in range(3):
            with terminal.span(semconv.SPAN_SUBSCRIPTION_EVENT, begin=number * 300, end=number * 300 + 1):
                pass
    *events, operation = terminal.ended
    assert terminal.export(events) == []
    lines = terminal.export([operation])
    assert lines[0].startswith("subscription Countdown")
    assert lines[0].endswith("(ended after its parent)")
    assert [line[3:].split("  ")[0] for line in lines[1:]] == [semconv.SPAN_SUBSCRIPTION_EVENT] * 3


def test_spans_whose_parent_does_not_come_are_printed_after_a_while():
    terminal = Terminal(hold_seconds=0.1)
    with terminal.span("lost"), terminal.span("orphan"), terminal.span("child of orphan"):
        pass
    child, orphan, _ = terminal.ended
    assert terminal.export([child, orphan]) == []
    wait_for(terminal.output.getvalue)
    lines = terminal.lines()
    assert [line[:46].strip() for line in lines] == ["orphan", "└─ child of orphan"]
    assert lines[0].endswith("(parent not seen)")
    terminal.exporter.shutdown()


def test_spans_that_wait_are_printed_at_shutdown(terminal):
    with terminal.span("lost"), terminal.span("orphan"):
        pass
    assert terminal.export(terminal.ended[:1]) == []
    terminal.exporter.shutdown()
    assert words(terminal.lines()[0])[0] == "orphan"


def test_errors_are_shown_with_their_message_place_and_fault(terminal):
    events = [
        {semconv.GRAPHQL_ERROR_MESSAGE: f"number {number} broke", semconv.FIELD_PATH: f"posts[{number}].author"} for number in range(4)
    ]
    attributes = {semconv.FAULT: "server", semconv.GRAPHQL_ERROR_COUNT: 12}
    with terminal.request(), terminal.operation("Broken", error="ConnectionError", events=events, attributes=attributes):
        pass
    lines = terminal.export()
    assert words(lines[1])[-3:] == ["ConnectionError", "server's", "fault"]
    assert [line.strip() for line in lines[2:]] == [
        "x number 0 broke  at posts[0].author",
        "x number 1 broke  at posts[1].author",
        "x number 2 broke  at posts[2].author",
        "x 9 more",
    ]


def test_an_operation_that_was_not_understood_is_shown_as_such(terminal):
    error = {semconv.GRAPHQL_ERROR_MESSAGE: "Syntax Error"}
    with terminal.request(400), terminal.operation(None, type_=None, error=semconv.PARSE_FAILED, events=[error]):
        pass
    lines = terminal.export()
    assert words(lines[1])[1:4] == ["operation", "not", "known"]
    assert semconv.PARSE_FAILED in lines[1]
    assert lines[2].strip() == "x Syntax Error"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({semconv.SLOW: True}, "slow"),
        ({semconv.SLOW: True, semconv.DB_QUERY_COUNT: 51}, "51 queries slow"),
        ({semconv.SLOW: True, semconv.DB_QUERY_COUNT: 1}, "1 query slow"),
        ({semconv.SLOW: True, semconv.DB_QUERY_COUNT: 0}, "0 queries slow"),
    ],
)
def test_a_slow_operation_is_marked(terminal, attributes, expected):
    with terminal.request(), terminal.operation(attributes=attributes):
        pass
    assert terminal.export()[1].endswith(f"  {expected}")


def test_many_children_of_one_name_are_summed_up(terminal):
    with terminal.request(end=100), terminal.operation(end=100):
        for number in range(50):
            with terminal.span("Post.author", begin=number, end=number + 1):
                pass
        with terminal.span("Query.posts", begin=60, end=70):
            pass
    lines = terminal.export()
    assert [line[:54].split("   1.0 ms")[0].split("   10.0 ms")[0].strip() for line in lines[2:]] == [
        *["├─ Post.author"] * 4,
        "├─ ... 46 more Post.author, 46.0 ms together",
        "└─ Query.posts",
    ]


def test_a_tree_of_a_thousand_names_is_cut(terminal):
    with terminal.request(), terminal.operation():
        for number in range(1000):
            with terminal.span(f"field {number}"):
                pass
    lines = terminal.export()
    assert len(lines) == TREE_LINES + 1
    assert lines[-1] == f"... {1002 - TREE_LINES} more lines"


def test_a_thousand_orphans_are_cut(terminal):
    with terminal.span("lost"):
        for number in range(1000):
            with terminal.span(f"orphan {number}"):
                pass
    assert terminal.export(terminal.ended[:-1]) == []
    terminal.exporter.shutdown()
    lines = terminal.lines()
    assert len(lines) == TREES + 1
    assert lines[-1].startswith(f"... {1000 - TREES} more")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("[bold red]Evil[/bold red]", "[bold red]Evil[/bold red]"),
        ("[/]", "[/]"),
        ("\x1b[31mRed", "\\x1b[31mRed"),
        ("two\nlines", "two\\nlines"),
        ("\ud800", "\\ud800"),
        (":smiley:", ":smiley:"),
        ("N" * 1000, "N" * 100),
    ],
)
def test_names_are_shown_and_never_obeyed(terminal, name, shown):
    with (
        terminal.request(),
        terminal.operation(name),
        terminal.span(f"field {name}", error=name, events=[{semconv.GRAPHQL_ERROR_MESSAGE: name}]),
    ):
        pass
    lines = terminal.export()
    assert len(lines) == 4
    assert all(shown in line for line in lines[1:])
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 600
    assert any(f"query {shown}" in line for line in terminal.table())


def test_the_table_has_a_row_for_each_operation_slowest_first(terminal):
    for number in range(1, 101):
        with terminal.operation("Feed", end=number, error="Boom" if number > 97 else None):
            pass
    with terminal.operation("Slow", type_="mutation", end=2500, attributes={semconv.SLOW: True}):
        pass
    terminal.export()
    heading, _, *rows = terminal.table()
    assert words(heading) == ["operation", "count", "p50", "p95", "max", "slow", "errors"]
    assert [words(row) for row in rows] == [
        ["mutation", "Slow", "1", "2.50", "s", "2.50", "s", "2.50", "s", "1", "-"],
        ["query", "Feed", "100", "50.0", "ms", "95.0", "ms", "100", "ms", "-", "3"],
    ]


def test_queries_have_a_column_only_where_they_are_known(terminal):
    for count in (2, 3):
        with terminal.operation("Feed", end=2, attributes={semconv.DB_QUERY_COUNT: count}):
            pass
    with terminal.operation("Hello", end=1):
        pass
    terminal.export()
    heading, _, *rows = terminal.table()
    assert words(heading)[-2:] == ["queries", "(mean)"]
    assert [words(row)[-1] for row in rows] == ["2.5", "-"]


def test_the_table_waits_until_it_is_quiet_and_is_printed_once():
    terminal = Terminal(settle_seconds=0.2)
    for _ in range(3):
        with terminal.operation():
            pass
        assert len(terminal.export()) == 1
        time.sleep(0.05)
    wait_for(lambda: "Operations so far" in terminal.output.getvalue())
    lines = terminal.lines()
    assert words(lines[-1])[:3] == ["query", "Hello", "3"]
    time.sleep(0.3)
    assert terminal.lines() == []
    terminal.exporter.shutdown()
    assert terminal.lines() == []


def test_the_table_at_shutdown_is_printed_when_something_came_since():
    terminal = Terminal(settle_seconds=0.05)
    with terminal.operation():
        pass
    terminal.export()
    wait_for(lambda: "Operations so far" in terminal.output.getvalue())
    with terminal.operation():
        pass
    terminal.ended, spans = [], list(terminal.ended)
    terminal.exporter.export(spans)
    terminal.exporter.shutdown()
    assert terminal.output.getvalue().count("Operations so far") == 2


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


def test_durations_are_sampled_evenly(terminal):
    """Ten thousand durations are kept as a sample of bounded size whose percentiles are still right."""
    for number in range(10_000):
        with terminal.operation("Feed", end=1 + number % 1000):
            pass
    terminal.export()
    row = terminal.exporter._table.rows["query Feed"]
    assert row.count == 10_000
    assert len(row.sample) == SAMPLES
    assert row.percentile(0.5) == pytest.approx(0.5, abs=0.08)
    assert row.percentile(0.95) == pytest.approx(0.95, abs=0.04)
    assert row.longest == 1.0


def test_an_id_used_twice_makes_no_circle(terminal):
    with terminal.request(), terminal.operation(), terminal.phase("execute"):
        pass
    spans = list(terminal.ended)
    assert len(terminal.export(spans)) == 3
    assert terminal.export(spans)
    assert terminal.export(spans * 2)
    assert all(not each.held for each in terminal.exporter._traces.traces.values())


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
    terminal = Terminal(force_terminal=True, no_color=True, width=60)
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
provider.add_span_processor(SimpleSpanProcessor(GraphQLConsoleExporter()))
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
