"""SQL text that means harm: it is understood in time linear in its length, without an exception and without showing a value."""

from __future__ import annotations

import random
import time

import pytest

from otel_graphql_auto.database import statements
from otel_graphql_auto.database.statements import understand

pytestmark = pytest.mark.long

SYSTEMS = ("sqlite", "postgresql", "mysql", "oracle.db", "other_sql")

REPEATED = [
    ("sqlite", "", "'"),
    ("sqlite", "", '"'),
    ("sqlite", "", "`"),
    ("sqlite", "", "["),
    ("sqlite", "", "("),
    ("sqlite", "SELECT * FROM ", "("),
    ("sqlite", "", ")"),
    ("sqlite", "", ","),
    ("sqlite", "", ";"),
    ("sqlite", "", "."),
    ("sqlite", "", "a."),
    ("sqlite", "", " "),
    ("sqlite", "", " \x01"),
    ("sqlite", "", "- "),
    ("sqlite", "", "_"),
    ("sqlite", "", "1e+"),
    ("sqlite", "", "%("),
    ("sqlite", "", "\ud800"),
    ("sqlite", "", 'a"b""c" '),
    ("sqlite", "SELECT a WHERE b ", '= "a" '),
    ("sqlite", "SELECT a WHERE b IN (", "1, "),
    ("sqlite", "SELECT a WHERE b IN (", "%s, "),
    ("sqlite", "SELECT a WHERE b IN (", "(1, 2), "),
    ("sqlite", "SELECT a WHERE b ", "IN (1, "),
    ("sqlite", "INSERT INTO t VALUES ", "(1, NULL), "),
    ("sqlite", "", "VALUES ("),
    ("sqlite", "SELECT ", "CASE WHEN "),
    ("sqlite", "SELECT ", "CASE WHEN 1 THEN 2 END "),
    ("sqlite", "SELECT CASE ", "WHEN a THEN 1 WHEN b THEN 2 "),
    ("sqlite", "", "SELECT * FROM ("),
    ("sqlite", "", "SELECT 1;"),
    ("sqlite", "SELECT 1 FROM ", "a, "),
    ("sqlite", "", "WITH a AS ("),
    ("sqlite", "WITH ", "a AS (SELECT 1), "),
    ("sqlite", "", "/**/"),
    ("sqlite", "", "--"),
    ("postgresql", "", "/*"),
    ("postgresql", "", "/*/"),
    ("postgresql", "", "$a$ $b$ "),
    ("postgresql", "", "$"),
    ("postgresql", "", "$a"),
    ("postgresql", "", "E'\\'' "),
    ("postgresql", "SELECT ARRAY", "["),
    ("mysql", "", '"'),
    ("mysql", "", "\\"),
    ("mysql", "'", "\\'"),
    ("mysql", "", "_a'"),
    ("mysql", "", "#\n"),
    ("oracle.db", "", "q'["),
]


def _seconds(system, sql):
    best = float("inf")
    for _ in range(3):
        before = time.process_time()
        statements._read(sql, system)
        best = min(best, time.process_time() - before)
    return best


@pytest.mark.parametrize(("system", "start", "repeated"), REPEATED)
def test_eight_times_the_text_takes_about_eight_times_as_long(system, start, repeated):
    """Quadratic would be 64 times; what takes less than 20 milliseconds is not judged."""
    short, long = (_seconds(system, start + repeated * (length // len(repeated))) for length in (8_000, 64_000))
    assert long < max(28 * short, 0.02)


@pytest.mark.parametrize(
    ("system", "sql", "text"),
    [
        ("sqlite", "SELECT a FROM t WHERE b = " + "'" * 1_000_001, "SELECT a FROM t WHERE b = ?"),
        ("sqlite", "SELECT a FROM t WHERE b = '" + "hunter2 " * 125_000, "SELECT a FROM t WHERE b = ?"),
        ("mysql", "SELECT a FROM t WHERE b = '" + "\\'" * 500_000, "SELECT a FROM t WHERE b = ?"),
        ("postgresql", "SELECT a FROM t " + "/*" * 500_000, "SELECT a FROM t"),
        ("postgresql", "SELECT a FROM t WHERE b = $a$" + "$b$ " * 250_000, "SELECT a FROM t WHERE b = ?"),
        ("sqlite", f"SELECT a FROM t WHERE b IN ({'%s, ' * 300_000}%s)", "SELECT a FROM t WHERE b IN (?)"),
        ("sqlite", f"SELECT a FROM t WHERE b IN ({', '.join(map(str, range(100_000)))})", "SELECT a FROM t WHERE b IN (?)"),
        ("sqlite", f"INSERT INTO t VALUES {'(%s, %s, %s), ' * 50_000}(%s, %s, %s)", "INSERT INTO t VALUES (?)"),
        ("sqlite", f"SELECT a FROM t WHERE {'(' * 3_000}b{')' * 3_000} = 'hunter2'", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_megabyte_is_read_to_its_end(system, sql, text):
    """Values, lists and comments of any length."""
    statement = understand(sql, system)
    assert text is None or statement.text == text
    assert "hunter2" not in statement.text
    assert (statement.operation, statement.collection) == (("INSERT" if "INSERT" in sql[:6] else "SELECT"), "t")


def test_deep_parentheses_do_not_hide_what_is_written():
    """They are only counted from some depth on, and closed as they were opened."""
    sql = f"WITH c AS (SELECT {'(' * 5_000}1{')' * 5_000}) DELETE FROM t WHERE a IN (1, 2)"
    statement = understand(sql, "postgresql")
    assert statement.tables_written == {"t"}
    assert statement.operation == "DELETE"


def test_no_text_raises():
    """Pieces of SQL in any order; whatever comes out can be encoded, and is short."""
    choose = random.Random(9)
    pieces = [*"'\"`()[],.;$%?:@#-/*\\ \n\x00aEqN_1ß\ud800", "SELECT ", "FROM ", "IN ", "VALUES ", "CASE ", "WHEN ", "END ", "WITH ", "AS "]
    pieces += [
        "INSERT ",
        "INTO ",
        "DELETE ",
        "UPDATE ",
        "SET ",
        "COPY ",
        "USING ",
        "TABLE ",
        "EXPLAIN ",
        "SAVEPOINT ",
        "$a$",
        "/*",
        "*/",
        "--",
    ]
    pieces += ["%s", "%s, %s", "BETWEEN ", "AND ", "RECURSIVE ", "TRUNCATE ", "JOIN ", "DISTINCT ", "q'["]
    operations = set()
    for _ in range(4_000):
        sql = "".join(choose.choices(pieces, k=choose.randrange(1, 40)))
        for system in SYSTEMS:
            statement = understand(sql, system)
            assert len((statement.text + statement.summary).encode()) < 1_000
            assert len(statement.fingerprint) == 16
            operations.add(statement.operation)
    assert {"SELECT", "INSERT", "DELETE", "UPDATE", "_OTHER"} <= operations


def test_what_is_remembered_is_bounded():
    """Short texts by the thousand, long ones by the dozen, longer ones not at all."""
    short, long = statements._remembered, statements._remembered_long
    for number in range(3_000):
        understand(f"SELECT {number}", "sqlite")
    for length in (5_000, 200_000, 300_000):
        understand("SELECT '" + "x" * length + "'", "sqlite")
    assert short.cache_info().currsize == 2_048
    assert 2 <= long.cache_info().currsize <= 32
    hits = short.cache_info().hits
    assert understand("SELECT 2999", "sqlite") is understand("SELECT 2999", "sqlite")
    assert short.cache_info().hits == hits + 2
