"""The table of operations: what is in it, when it is printed, and that it does not grow."""

import time

import pytest

from otel_graphql_auto import semconv
from otel_graphql_auto.console.table import ROWS, SAMPLES
from tests.console.terminal import Terminal, finding, wait_for, words


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


def test_statements_and_n_plus_one_have_columns_only_where_there_are_any(terminal):
    """Statements of one run on average, and in how many runs something was an N+1 query."""
    for number, count in enumerate((2, 3)):
        with terminal.operation("Feed", end=2, attributes={semconv.DB_QUERY_COUNT: count}, findings=[finding()] * number):
            pass
    for _ in range(2):
        with terminal.operation("Hello", end=1, attributes={semconv.DB_QUERY_COUNT: 0}):
            pass
    terminal.export()
    heading, _, *rows = terminal.table()
    assert words(heading)[-3:] == ["errors", "SQL", "N+1"]
    assert [words(row)[-2:] for row in rows] == [["2.5", "1"], ["-", "-"]]


def test_where_no_operation_has_a_statement_there_is_no_column(terminal):
    with terminal.operation(attributes={semconv.DB_QUERY_COUNT: 0}):
        pass
    terminal.export()
    assert words(terminal.table()[0])[-1] == "errors"


def test_in_a_narrow_terminal_the_names_give_way_and_the_numbers_do_not():
    """Every number of a wide table is in a table of 80 columns too, in one line for each operation."""
    terminal = Terminal(width=80)
    name = "ANameThatIsAsLongAsNamesAre" * 3
    with terminal.operation(name, end=12.5, attributes={semconv.DB_QUERY_COUNT: 81, semconv.SLOW: True}, findings=[finding()]):
        pass
    terminal.export()
    heading, _, row = terminal.table()
    assert words(heading) == ["operation", "count", "p50", "p95", "max", "slow", "errors", "SQL", "N+1"]
    assert words(row)[2:] == ["1", *["12.5", "ms"] * 3, "1", "-", "81", "1"]
    assert words(row)[1].endswith("…")
    assert max(len(heading), len(row)) <= 80


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


def test_a_few_operations_are_not_worth_a_table_before_the_end():
    """Who sends one now and then does not get a table after each."""
    terminal = Terminal(settle_seconds=0.05, table_after=3)
    for _ in range(2):
        with terminal.operation():
            pass
        terminal.export()
        time.sleep(0.15)
        assert "Operations so far" not in terminal.output.getvalue()
    with terminal.operation():
        pass
    terminal.export()
    wait_for(lambda: "Operations so far" in terminal.output.getvalue())
    terminal.lines()
    with terminal.operation():
        pass
    terminal.export()
    assert words(terminal.table()[-1])[:3] == ["query", "Hello", "4"]


def test_of_many_operations_the_slowest_are_shown(terminal):
    for number in range(ROWS + 15):
        with terminal.operation(f"Name{number}", end=1 + number):
            pass
    terminal.export()
    _, _, *rows = terminal.table()
    assert [words(row)[1] for row in rows[:-1]] == [f"Name{number}" for number in range(ROWS + 14, 14, -1)]
    assert rows[-1].strip() == "... 15 faster ones"


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
