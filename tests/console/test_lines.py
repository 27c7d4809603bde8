"""A fast request is one line, what failed in it is red, and only what was slow is drawn as a tree."""

import pytest
from opentelemetry import trace
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE
from opentelemetry.trace import SpanKind

from otel_graphql_auto import semconv
from otel_graphql_auto.console.exporter import TREE_MS
from tests.console.terminal import Terminal, words


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


def test_a_request_without_a_route_is_called_by_its_path(terminal):
    """Upstream has no name for it but the method."""
    with terminal.span("GET", kind=SpanKind.SERVER, **{HTTP_RESPONSE_STATUS_CODE: 404, "url.path": "/favicon.ico"}):
        pass
    (line,) = terminal.export()
    assert words(line) == ["GET", "/favicon.ico", "10.0", "ms", "404"]


def test_an_operation_without_http_is_its_own_root(terminal):
    with terminal.operation("Import", end=0.25):
        pass
    (line,) = terminal.export()
    assert words(line) == ["query", "Import", "0.25", "ms"]


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


def test_phases_and_fields_of_a_fast_request_are_not_shown(terminal):
    """However many phases took more than a millisecond; spans of other libraries are counted."""
    with terminal.request(end=80), terminal.operation(end=79):
        for phase in ("parse", "validate", "execute"):
            with terminal.phase(phase, end=20):
                pass
        with terminal.phase("execute"), terminal.span("Query.posts"):
            for table in ("blog_post", "blog_user"):
                with terminal.span(f"SELECT {table}", tracer=terminal.others):
                    pass
    (line,) = terminal.export()
    assert words(line) == ["POST", "graphql/", ">", "query", "Hello", "80.0", "ms", "200", "+2", "spans"]


@pytest.mark.parametrize(
    ("milliseconds", "attributes", "lines"),
    [(99, {}, 1), (100, {}, 3), (5, {semconv.SLOW: True}, 3)],
)
def test_a_slow_request_is_a_tree(terminal, milliseconds, attributes, lines):
    """One that took 100 ms, or whose operation is over its threshold, whatever that is."""
    with terminal.request(end=milliseconds), terminal.operation(attributes=attributes), terminal.phase("execute"):
        pass
    assert len(terminal.export()) == lines


@pytest.mark.parametrize(("given", "lines"), [("", 1), ("0", 3), ("20", 3), ("20.5", 1), ("1000", 1), ("soon", 1), ("-3", 3)])
def test_the_environment_says_what_is_worth_a_tree(monkeypatch, caplog, given, lines):
    monkeypatch.setenv(TREE_MS, given)
    terminal = Terminal(tree_seconds=None)
    with terminal.request(end=20), terminal.operation(), terminal.phase("execute"):
        pass
    assert len(terminal.export()) == lines
    assert [record.levelname for record in caplog.records] == (["WARNING"] if given == "soon" else [])
    terminal.exporter.shutdown()


def test_a_fast_request_that_failed_is_a_line_and_a_line_for_each_error(terminal):
    event = {semconv.GRAPHQL_ERROR_MESSAGE: "No such post.", semconv.FIELD_PATH: "post"}
    attributes = {semconv.FAULT: "client"}
    with terminal.request(), terminal.operation(error="NOT_FOUND", events=[event], attributes=attributes), terminal.phase("execute"):
        pass
    first, second = terminal.export()
    assert words(first)[:9] == ["POST", "graphql/", ">", "query", "Hello", "10.0", "ms", "200", "trace"]
    assert words(first)[10:] == ["NOT_FOUND", "client's", "fault"]
    assert second == "   x No such post.  at post"


def test_what_failed_is_red():
    """The line, the kind of error and the message; in a tree also the bar. What went well has no red."""
    terminal = Terminal(force_terminal=True, color_system="standard")
    event = {semconv.GRAPHQL_ERROR_MESSAGE: "No such post."}
    red = "\x1b[31m"
    with terminal.request(), terminal.operation("Fine"):
        pass
    assert red not in "".join(terminal.export())
    with terminal.request(), terminal.operation("Failed", error="NOT_FOUND", events=[event]):
        pass
    first, second = terminal.export()
    assert first.startswith(f"{red}POST graphql/ > query Failed")
    assert "\x1b[1;31mNOT_FOUND" in first
    assert f"{red}x No such post." in second or second.startswith(f"{red}   x No such post.")
    with terminal.request(end=500), terminal.operation("Failed", error="NOT_FOUND", events=[event], end=500):
        pass
    _, operation, message = terminal.export()
    assert f"{red}query Failed" in operation
    assert f"{red}━━━━━━━━━━━━━━━━" in operation
    assert f"{red}x No such post." in message
    terminal.exporter.shutdown()


def test_a_fast_batch_is_a_line_for_each_operation(terminal):
    """Each with its own error, and without its phases."""
    with terminal.request(end=30):
        for name in "AB":
            error = {"error": "Boom", "events": [{semconv.GRAPHQL_ERROR_MESSAGE: "Broken."}]} if name == "B" else {}
            with terminal.operation(name, **error), terminal.phase("execute"):
                pass
    assert [line[:40].strip() for line in terminal.export()] == ["POST graphql/", "├─ query A", "└─ query B", "x Broken."]


def test_an_operation_inside_another_hangs_on_that_one(terminal):
    with (
        terminal.request(),
        terminal.operation("Outer"),
        terminal.phase("execute"),
        terminal.span("Query.inner"),
        terminal.operation("Inner"),
    ):
        pass
    lines = terminal.export()
    assert [line[:40].strip() for line in lines] == ["POST graphql/", "└─ query Outer", "└─ query Inner"]


def test_a_failure_that_no_operation_tells_of_is_drawn_where_it_happened(terminal):
    """A statement that fails and is caught by the application."""
    with terminal.request(), terminal.operation(), terminal.span("INSERT blog_post", error="IntegrityError"):
        pass
    lines = terminal.export()
    assert [line[:40].strip() for line in lines] == ["POST graphql/", "└─ query Hello", "└─ INSERT blog_post"]
    assert "IntegrityError" in lines[2]


def test_what_the_query_string_was_and_who_asked_are_shown(terminal):
    attributes = {semconv.CLIENT_NAME: "blog-web", semconv.CLIENT_VERSION: "1.4.0"}
    with terminal.request(**{semconv.URL_QUERY: "query=[redacted]"}), terminal.operation(attributes=attributes):
        pass
    (line,) = terminal.export()
    assert words(line)[7:] == ["200", "?query=[redacted]", "from", "blog-web", "1.4.0"]
