"""No value of a statement is shown, wherever and however it is written."""

from __future__ import annotations

import random

import pytest

from otel_graphql_auto.database.statements import understand

SQLITE, POSTGRESQL, MYSQL, MARIADB, ORACLE, OTHER = "sqlite", "postgresql", "mysql", "mariadb", "oracle.db", "other_sql"
EVERYWHERE = (SQLITE, POSTGRESQL, MYSQL, MARIADB, ORACLE, OTHER)

VALUES = [
    (EVERYWHERE, "'x'"),
    (EVERYWHERE, "'it''s'"),
    (EVERYWHERE, "''"),
    (EVERYWHERE, "'-- x'"),
    (EVERYWHERE, "'/* x'"),
    (EVERYWHERE, "'a' 'b'"),
    (EVERYWHERE, "N'x'"),
    (EVERYWHERE, "B'101'"),
    (EVERYWHERE, "X'1F'"),
    (EVERYWHERE, "1"),
    (EVERYWHERE, "1.5e-3"),
    (EVERYWHERE, "1E+3"),
    (EVERYWHERE, ".5"),
    (EVERYWHERE, "0x1F"),
    (EVERYWHERE, "-5"),
    (EVERYWHERE, "- 5"),
    (EVERYWHERE, "+1.5"),
    (EVERYWHERE, "%s"),
    (EVERYWHERE, "%(name)s"),
    (EVERYWHERE, "?"),
    (EVERYWHERE, ":name"),
    (EVERYWHERE, "$1"),
    ((SQLITE,), "?1"),
    ((SQLITE,), "@name"),
    ((SQLITE,), '"a string"'),
    ((SQLITE, POSTGRESQL, ORACLE, OTHER), "'a\\'"),
    ((MYSQL, MARIADB), "'it\\'s'"),
    ((MYSQL, MARIADB), '"it\'s"'),
    ((MYSQL, MARIADB), '"a ""b"" \\" c"'),
    ((MYSQL, MARIADB), "_utf8'x'"),
    ((MYSQL, MARIADB), '_utf8mb4"x"'),
    ((POSTGRESQL,), "E'it\\'s'"),
    ((POSTGRESQL,), "E'\\\\'"),
    ((POSTGRESQL,), "U&'x'"),
    ((POSTGRESQL,), "$$it's$$"),
    ((POSTGRESQL,), "$tag$a $$ b $other$ c$tag$"),
    ((ORACLE,), "q'[it's]'"),
    ((ORACLE,), "Nq'!it's!'"),
]


@pytest.mark.parametrize(("systems", "value"), VALUES)
def test_every_way_to_write_a_value_is_a_question_mark(systems, value):
    """Before and after something that is to stay, so that a value that ends too early or too late is seen."""
    for system in systems:
        statement = understand(f"SELECT a FROM t WHERE b = {value} AND c IN ({value}, {value}) LIMIT 5", system)
        assert statement.text == "SELECT a FROM t WHERE b = ? AND c IN (?) LIMIT ?", system
        assert statement.summary == "SELECT t"


UNTERMINATED = [
    (EVERYWHERE, "'hunter2, x"),
    (EVERYWHERE, "'hunter2''"),
    (EVERYWHERE, "/* hunter2"),
    ((SQLITE, POSTGRESQL, OTHER), '"hunter2'),
    ((SQLITE, POSTGRESQL, OTHER), '"hunter2""'),
    ((MYSQL, MARIADB), '"hunter2\\"'),
    ((MYSQL, MARIADB), "`hunter2"),
    ((MYSQL, MARIADB), "'hunter2\\'"),
    ((SQLITE,), "[hunter2"),
    ((POSTGRESQL,), "$a$ hunter2 $b$"),
    ((POSTGRESQL,), "/* /* hunter2 */"),
    ((POSTGRESQL,), "E'hunter2\\'"),
    ((ORACLE,), "q'[hunter2]"),
]


@pytest.mark.parametrize(("systems", "end"), UNTERMINATED)
def test_nothing_is_shown_of_what_does_not_end(systems, end):
    """It may be a value, or half of one."""
    for system in systems:
        statement = understand(f"SELECT a FROM t WHERE b = {end}", system)
        assert statement.text in ("SELECT a FROM t WHERE b = ?", "SELECT a FROM t WHERE b ="), system
        assert statement.collection == "t"


MARKER = "hunter2"
POSITIONS = [
    "SELECT a FROM t WHERE b = {}",
    "SELECT a FROM t WHERE b LIKE {} AND c = {}",
    "SELECT a FROM t WHERE b IN ({}, {}, {})",
    "SELECT a FROM t WHERE (b, c) IN (({}, {}), ({}, {}))",
    "SELECT a FROM t WHERE b BETWEEN {} AND {}",
    "SELECT {} AS a, lower({}) FROM t",
    "SELECT a FROM t WHERE f({}, {}) IS NOT NULL OR NOT b <> {}",
    "INSERT INTO t (a, b) VALUES ({}, {}), ({}, NULL)",
    "UPDATE t SET a = {}, b = CASE WHEN c = {} THEN {} ELSE {} END WHERE d >= {}",
    "DELETE FROM t WHERE a = {} OR a={}",
    "SELECT a FROM t ORDER BY {} LIMIT {}",
    "WITH c AS (SELECT {} FROM t) SELECT a FROM t JOIN u ON t.a = {} WHERE b||{}||c = {}",
    "SET a = {}",
    "CALL f({})",
    "CREATE USER u IDENTIFIED BY {}",
    "{}",
    "SELECT a FROM t; SELECT {}; {}",
    "SELECT a -- {}\nFROM t /* {} */ WHERE b = {}",
]
QUOTED = {
    SQLITE: ["'{}'", "'x''{}'", "'\\{}\\'", "x'{}'", "'-- {}'", "'\"{}'", "'`{}'"],
    POSTGRESQL: ["'{}'", "'x''{}'", "E'\\'{}'", "e'{}\\\\'", "$${}$$", "$x$'{}$y$\"$x$", "U&'{}'", "B'{}'", "'\\{}\\'", "'$$ {}'"],
    MYSQL: ["'{}'", "'\\'{}'", "'\"{}'", '"{}"', '"\\"{}"', '"\'{}"', '"x""{}"', "_utf8'{}'", "N'{}'", "x'{}'", "'`{}'", "'# {}'"],
    ORACLE: ["'{}'", "'x''{}'", "q'['{}]'", "nq'!{}'!'", "q'<{}>'", "N'{}'"],
    OTHER: ["'{}'", "'x''{}'", "N'{}'", "'/* {}'"],
}
QUOTED[MARIADB] = QUOTED[MYSQL]
IN_COMPARISONS = ["SELECT a FROM t WHERE b = {} AND c LIKE {}", "SELECT a FROM t WHERE b IN ({}, {})", "INSERT INTO t VALUES ({}, {})"]


def test_no_value_is_ever_shown():
    """A marker as a value in every position, in every quoting of every database, next to other values at random, whole and cut off."""
    choose = random.Random(20)
    seen = 0
    for system, quotings in QUOTED.items():
        for sql in POSITIONS + (IN_COMPARISONS if system == SQLITE else []):
            for quoting in quotings + (['"{}"'] if system == SQLITE and sql in IN_COMPARISONS else []):
                for _ in range(3):
                    others = [choose.choice(quotings) for _ in range(sql.count("{}"))]
                    others[choose.randrange(len(others))] = quoting
                    text = sql.format(*(other.format(choose.choice(["", "a ", "%s; ", "(", "-- "]) + MARKER) for other in others))
                    statement = understand(text, system)
                    shown = f"{statement.text} {statement.summary} {statement.collection} {statement.operation} {statement.tables_written}"
                    assert MARKER not in shown, (system, text)
                    cut = understand(text[: text.rindex(MARKER) + len(MARKER)], system)
                    assert MARKER not in f"{cut.text} {cut.summary}", (system, text)
                    seen += 1
    assert seen > 1500
