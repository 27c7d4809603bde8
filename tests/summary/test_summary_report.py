"""How numbers and tables of a summary look: in units that a person would use, in columns, and within the width of the terminal."""

from __future__ import annotations

import json

import pytest

from otel_graphql_auto.summary import report
from otel_graphql_auto.summary.figures import OF_OPERATIONS, OF_SERVICES, OPERATION, OPERATION_TYPE, Row, Summary

SERVICE = "service_name"


def operation(name, type_="query", service="blog", **numbers):
    return Row({SERVICE: service, OPERATION_TYPE: type_, OPERATION: name}, dict.fromkeys(OF_OPERATIONS) | numbers)


def service(name, **numbers):
    return Row({SERVICE: name}, dict.fromkeys(OF_SERVICES) | numbers)


FEED = operation(
    "Feed",
    operations=1204.4,
    seconds=58.2,
    server_error_ratio=0.0083,
    slow=3.0,
    average_seconds=0.0481,
    median_seconds=0.0213,
    p95_seconds=0.18,
    p99_seconds=10.0,
    sql_average=12.1,
    sql_total=14568.3,
    database_average_seconds=0.00021,
    database_total_seconds=0.25,
)
BLOG = service("blog", operations=1230.0, operations_per_second=0.342, server_error_ratio=0.0, slow=0.0, average_seconds=1.0)


TABLES = """\
GraphQL operations of the last 1h, from http://p:9090

                                    duration ---------------  SQL ------  database -
service  runs  per s  errors  slow     avg  median  p95  p99  avg  total  avg  total
blog     1230   0.34     0 %     0  1.00 s       -    -    -    -      -    -      -

                                             duration ----------------------  SQL -------  database ------
operation        runs    time  errors  slow      avg   median     p95    p99   avg  total      avg   total
query Feed       1204  58.2 s   0.8 %     3  48.1 ms  21.3 ms  180 ms  >10 s  12.1  14568  0.21 ms  250 ms
query (no name)     2       -       -     -        -        -       -      -     -      -        -       -
"""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.000001, "<0.01 ms"),
        (0.00024, "0.24 ms"),
        (0.0009999, "1.0 ms"),
        (0.0381, "38.1 ms"),
        (0.09996, "100 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (9.996, "10.0 s"),
        (119.9, "119.9 s"),
        (150, "2.5 min"),
        (7200, "2.0 h"),
        (200_000, "2.3 d"),
    ],
)
def test_a_time_is_in_the_unit_that_fits(seconds, words):
    assert report.as_time(seconds) == words


@pytest.mark.parametrize(
    ("shown", "value", "words"),
    [
        (report.as_count, 5.6, "6"),
        (report.as_count, 99_999, "99999"),
        (report.as_count, 123_456, "123k"),
        (report.as_count, 1_234_567, "1.2M"),
        (report.as_count, 2.5e9, "2.5G"),
        (report.as_count, 1e300, "1e+300"),
        (report.as_time, 1e300, "1e+300 s"),
        (report.as_mean, 0, "0"),
        (report.as_mean, 0.001, "<0.01"),
        (report.as_mean, 1.906, "1.91"),
        (report.as_mean, 12.34, "12.3"),
        (report.as_mean, 201.4, "201"),
        (report.as_share, 0, "0 %"),
        (report.as_share, 0.0004, "<0.1 %"),
        (report.as_share, 0.0083, "0.8 %"),
        (report.as_share, 1, "100 %"),
        (report.as_percentile, 10.0, ">10 s"),
        (report.as_percentile, 0.25, "250 ms"),
    ],
)
def test_other_numbers_have_the_digits_that_matter(shown, value, words):
    assert shown(value) == words


def test_the_tables():
    """Aligned; what is not known is a dash."""
    text = report.as_text(Summary("http://p:9090", "1h", [BLOG], [FEED, operation("", operations=2.0)]), limit=20, width=120)
    assert text == TABLES


def test_the_service_of_an_operation_is_told_where_there_are_several():
    rows = [operation("Feed", operations=2.0), operation("Feed", service="", operations=1.0)]
    lines = report.as_text(Summary("http://p", "1h", [BLOG, service("")], rows), limit=20, width=120).splitlines()
    assert [line.split()[:3] for line in lines[-2:]] == [["query", "Feed", "blog"], ["query", "Feed", "(no"]]
    assert lines[5].startswith("(no name)")


def test_names_give_way_where_the_terminal_is_narrow():
    """And no further than that they can still be read."""
    rows = [operation("AnOperationWithANameThatIsLongerThanAnyTerminalWouldLike" * 2, operations=2.0)]
    summary = Summary("http://p", "1h", [BLOG], rows)
    longest = {width: max(map(len, report.as_text(summary, limit=20, width=width).splitlines())) for width in (300, 120, 100, 20)}
    assert longest[120] == 120
    assert longest[100] == 100
    assert longest[20] < longest[100] < longest[120] < longest[300]
    assert "query AnOperation..." in report.as_text(summary, limit=20, width=20)


def test_of_many_operations_those_left_out_are_counted():
    summary = Summary("http://p", "1h", [BLOG], [operation(f"Operation{number}", operations=1.0) for number in range(30)])
    text = report.as_text(summary, limit=25, width=120)
    assert "Operation24" in text
    assert "Operation25" not in text
    assert text.endswith("\n... 5 more that took less time (--limit)\n")
    told = json.loads(report.as_json(summary, limit=25))
    assert (len(told["operations"]), told["left_out"]) == (25, 5)


def test_where_nothing_ran_it_says_so():
    assert report.as_text(Summary("http://p", "1h", [BLOG], []), limit=20, width=120).endswith("\nNo operation ran.\n")


def test_a_document_that_was_not_understood_has_neither_type_nor_name():
    summary = Summary("http://p", "1h", [BLOG], [operation("", "", operations=1.0)])
    assert "\noperation not known" in report.as_text(summary, limit=20, width=120)
    assert json.loads(report.as_json(summary, limit=20))["operations"][0]["name"] is None


def test_names_cannot_drive_the_terminal():
    """Control characters, changes of direction and line ends are written as what they are."""
    rows = [operation("Feed\x1b[2J\r\n\u202e\ud800", operations=1.0)]
    text = report.as_text(Summary("http://p", "1h", [service("blog\x07\n\tshop")], rows), limit=20, width=200)
    assert all(line.isprintable() for line in text.splitlines())
    assert "\nblog\\x07 shop " in text
    assert r"query Feed\x1b[2J\r \u202e\ud800" in text
