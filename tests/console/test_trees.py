"""Requests are printed as one line or as a tree, whatever order their spans come in."""

import pytest
from opentelemetry import trace
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE
from opentelemetry.trace import SpanKind

from otel_graphql_auto import semconv
from otel_graphql_auto.console.drawing import TREE_LINES
from otel_graphql_auto.console.exporter import TREES
from tests.console.terminal import Terminal, wait_for, words


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
