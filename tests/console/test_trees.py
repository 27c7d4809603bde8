"""Slow requests are drawn as a tree, whatever order their spans come in."""

import pytest

from otel_graphql_auto import semconv
from otel_graphql_auto.console.drawing import TREE_LINES
from otel_graphql_auto.console.exporter import TREES
from tests.console.terminal import Terminal, wait_for, words


def test_a_tree_has_a_line_for_each_span_in_the_order_of_time(trees):
    with trees.request(end=100), trees.operation("Feed", begin=10, end=90):
        with trees.phase("execute", begin=30, end=90), trees.span("Post.author", begin=40, end=60):
            pass
        # Ended after the execution, although it came before.
        with trees.phase("parse", begin=10, end=20):
            pass
    lines = trees.export()
    assert [line[:40].rstrip() for line in lines] == [
        "POST graphql/",
        "└─ query Feed",
        "   ├─ parse",
        "   └─ execute",
        "      └─ Post.author",
    ]
    assert [line[40:48].strip() for line in lines] == ["100 ms", "80.0 ms", "10.0 ms", "60.0 ms", "20.0 ms"]
    bars = [line[50:66] for line in lines]
    assert bars[0] == "━" * 16
    assert bars[2].strip() == "━━"
    assert bars[4].index("━") == 6
    assert "trace " in lines[0]


def test_a_batch_shows_each_operation(trees):
    with trees.request(end=30):
        for number, name in enumerate("ABC"):
            with trees.operation(name, begin=number * 10, end=number * 10 + 9):
                pass
    lines = trees.export()
    assert [words(line[:40])[-1] for line in lines] == ["graphql/", "A", "B", "C"]


def test_children_may_come_in_earlier_batches(trees):
    with trees.request(), trees.operation(), trees.phase("execute"):
        pass
    execute, operation, request = trees.ended
    assert trees.export([execute]) == []
    assert trees.export([operation]) == []
    assert [words(line[:40])[-1] for line in trees.export([request])] == ["graphql/", "Hello", "execute"]


def test_late_children_are_printed_when_they_come_as_one_tree(trees):
    """A streamed subscription ends after the request that began it."""
    with trees.request() as request:
        pass
    assert len(trees.export()) == 1
    with trees.operation("Countdown", type_="subscription", parent=request, end=900):
        for number in range(3):
            name = {semconv.OPERATION_NAME: "Countdown"}
            with trees.span(semconv.SPAN_SUBSCRIPTION_EVENT, begin=number * 300, end=number * 300 + 1, **name):
                pass
    *events, operation = trees.ended
    assert trees.export(events) == []
    lines = trees.export([operation])
    assert lines[0].startswith("subscription Countdown")
    assert lines[0].endswith("(ended after its parent)")
    assert [line[3:].split("  ")[0] for line in lines[1:]] == ["event of Countdown"] * 3


def test_spans_whose_parent_does_not_come_are_printed_after_a_while():
    terminal = Terminal(hold_seconds=0.1, tree_seconds=0)
    with terminal.span("lost"), terminal.span("orphan"), terminal.span("child of orphan"):
        pass
    child, orphan, _ = terminal.ended
    assert terminal.export([child, orphan]) == []
    wait_for(terminal.output.getvalue)
    lines = terminal.lines()
    assert [line[:40].strip() for line in lines] == ["orphan", "└─ child of orphan"]
    assert lines[0].endswith("(parent not seen)")
    terminal.exporter.shutdown()


def test_spans_that_wait_are_printed_at_shutdown(trees):
    with trees.span("lost"), trees.span("orphan"):
        pass
    assert trees.export(trees.ended[:1]) == []
    trees.exporter.shutdown()
    assert words(trees.lines()[0])[0] == "orphan"


def test_errors_are_shown_with_their_message_place_and_fault(trees):
    events = [
        {semconv.GRAPHQL_ERROR_MESSAGE: f"number {number} broke", semconv.FIELD_PATH: f"posts[{number}].author"} for number in range(4)
    ]
    attributes = {semconv.FAULT: "server", semconv.GRAPHQL_ERROR_COUNT: 12}
    with trees.request(), trees.operation("Broken", error="ConnectionError", events=events, attributes=attributes):
        pass
    lines = trees.export()
    assert words(lines[1])[-3:] == ["ConnectionError", "server's", "fault"]
    assert [line.strip() for line in lines[2:]] == [
        "x number 0 broke  at posts[0].author",
        "x number 1 broke  at posts[1].author",
        "x number 2 broke  at posts[2].author",
        "x 9 more",
    ]


def test_an_operation_that_was_not_understood_is_shown_as_such(trees):
    error = {semconv.GRAPHQL_ERROR_MESSAGE: "Syntax Error"}
    with trees.request(400), trees.operation(None, type_=None, error=semconv.PARSE_FAILED, events=[error]):
        pass
    lines = trees.export()
    assert words(lines[1])[1:4] == ["operation", "not", "known"]
    assert semconv.PARSE_FAILED in lines[1]
    assert lines[2].strip() == "x Syntax Error"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({semconv.SLOW: True}, "slow"),
        ({semconv.SLOW: True, semconv.DB_QUERY_COUNT: 51, semconv.DB_DURATION: 0.0073}, "51 SQL 7.3 ms slow"),
        ({semconv.SLOW: True, semconv.DB_QUERY_COUNT: 0}, "slow"),
    ],
)
def test_a_slow_operation_is_marked(trees, attributes, expected):
    with trees.request(), trees.operation(attributes=attributes):
        pass
    assert trees.export()[1].endswith(f"  {expected}")


def test_many_children_of_one_name_are_summed_up(trees):
    with trees.request(end=100), trees.operation(end=100):
        for number in range(50):
            with trees.span("Post.author", begin=number, end=number + 1):
                pass
        with trees.span("Query.posts", begin=60, end=70):
            pass
    lines = trees.export()
    assert [line[:48].split("   1.0 ms")[0].split("   10.0 ms")[0].strip() for line in lines[2:]] == [
        *["├─ Post.author"] * 4,
        "├─ ... 46 more Post.author, 46.0 ms together",
        "└─ Query.posts",
    ]


def test_a_tree_of_a_thousand_names_is_cut(trees):
    with trees.request(), trees.operation():
        for number in range(1000):
            with trees.span(f"field {number}"):
                pass
    lines = trees.export()
    assert len(lines) == TREE_LINES + 1
    assert lines[-1] == f"... {1002 - TREE_LINES} more lines"


def test_a_thousand_orphans_are_cut(trees):
    with trees.span("lost"):
        for number in range(1000):
            with trees.span(f"orphan {number}"):
                pass
    assert trees.export(trees.ended[:-1]) == []
    trees.exporter.shutdown()
    lines = trees.lines()
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
def test_names_are_shown_and_never_obeyed(trees, name, shown):
    with (
        trees.request(),
        trees.operation(name),
        trees.span(f"field {name}", error=name, events=[{semconv.GRAPHQL_ERROR_MESSAGE: name}]),
    ):
        pass
    lines = trees.export()
    assert len(lines) == 4
    assert all(shown in line for line in lines[1:])
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 600
    assert any(f"query {shown}" in line for line in trees.table())
