"""The text and the fingerprint that statements of one shape have in common."""

from __future__ import annotations

import pytest

from otel_graphql_auto.database.statements import MAX_STATEMENT_TEXT, understand

SQLITE, POSTGRESQL, MYSQL, MARIADB, ORACLE, OTHER = "sqlite", "postgresql", "mysql", "mariadb", "oracle.db", "other_sql"
EVERYWHERE = (SQLITE, POSTGRESQL, MYSQL, MARIADB, ORACLE, OTHER)


TEXTS = [
    (POSTGRESQL, "SELECT  a\n\tFROM t ;", "SELECT a FROM t"),
    (POSTGRESQL, 'SELECT "a"."b", COUNT(*) FROM "public"."t"', "SELECT a.b, COUNT(*) FROM public.t"),
    (MYSQL, "SELECT `a`.`b` FROM `t`", "SELECT a.b FROM t"),
    (SQLITE, 'SELECT [a].[b c], `d`, "e" FROM [t]', "SELECT a.b c, d, e FROM t"),
    (POSTGRESQL, 'SELECT "a" . "b", "t".* FROM t', "SELECT a.b, t.* FROM t"),
    (POSTGRESQL, 'SELECT "a""b" FROM "c""d"', "SELECT ab FROM cd"),
    (
        EVERYWHERE,
        "SELECT a FROM t WHERE b IS NULL AND c = TRUE AND d = FALSE",
        "SELECT a FROM t WHERE b IS NULL AND c = TRUE AND d = FALSE",
    ),
    (EVERYWHERE, "SELECT a FROM t WHERE b = a - 5 AND c = d -5", "SELECT a FROM t WHERE b = a - ? AND c = d - ?"),
    (EVERYWHERE, "SELECT lower('A'), coalesce(a, 1, 2) FROM t", "SELECT lower(?), coalesce(a, ?, ?) FROM t"),
    (EVERYWHERE, "SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN (?)"),
    (EVERYWHERE, "SELECT a FROM t WHERE b NOT IN (%s, %s, %s, %s)", "SELECT a FROM t WHERE b NOT IN (?)"),
    (EVERYWHERE, "SELECT a FROM t WHERE (b, c) IN ((1, 2), (3, 4))", "SELECT a FROM t WHERE (b, c) IN (?)"),
    (EVERYWHERE, "SELECT a FROM t WHERE b IN (1, c, 2)", "SELECT a FROM t WHERE b IN (?, c, ?)"),
    (EVERYWHERE, "SELECT a FROM t WHERE b IN (SELECT c FROM d)", "SELECT a FROM t WHERE b IN (SELECT c FROM d)"),
    (EVERYWHERE, "INSERT INTO t (a, b) VALUES (%s, %s), (%s, %s), (%s, %s)", "INSERT INTO t(a, b) VALUES (?)"),
    (EVERYWHERE, "INSERT INTO t (a, b) VALUES (1, NULL), (2, NULL)", "INSERT INTO t(a, b) VALUES (?, NULL)"),
    (EVERYWHERE, "INSERT INTO t (a) VALUES (lower('a')), (lower('b'))", "INSERT INTO t(a) VALUES (lower(?))"),
    (POSTGRESQL, "SELECT a::int FROM t WHERE b = ANY(ARRAY[1, 2]::int[])", "SELECT a::int FROM t WHERE b = ANY(ARRAY[?]::int[])"),
    (POSTGRESQL, "SELECT a[1], ARRAY[[1, 2], [3, 4]] FROM t", "SELECT a[?], ARRAY[?] FROM t"),
    (POSTGRESQL, "SELECT a FROM t WHERE b ? 'k' AND c ?| d AND e @> f", "SELECT a FROM t WHERE b ? ? AND c ?| d AND e @> f"),
    (POSTGRESQL, "SELECT a # b FROM t", "SELECT a # b FROM t"),
    (POSTGRESQL, "SELECT a /* x /* y */ z */ FROM t -- c", "SELECT a FROM t"),
    (SQLITE, "SELECT a /* x /* y */ FROM t -- c", "SELECT a FROM t"),
    (MYSQL, "SELECT a # c\nFROM t -- c\nWHERE b = 5--3", "SELECT a FROM t WHERE b = ? - ?"),
    (MARIADB, "SELECT /*! STRAIGHT_JOIN */ a /*M!100 b */ FROM t", "SELECT a FROM t"),
    (MYSQL, "SELECT @a, @@b FROM t", "SELECT @a, @@b FROM t"),
    (SQLITE, 'SELECT "a" FROM t WHERE "b" = "c"."d"', "SELECT a FROM t WHERE b = c.d"),
    (SQLITE, 'SELECT a FROM t WHERE b BETWEEN "x" AND "y" AND "c"', "SELECT a FROM t WHERE b BETWEEN ? AND ? AND c"),
    (SQLITE, 'INSERT INTO t ("a", "b") VALUES ("x", "y")', "INSERT INTO t(a, b) VALUES (?)"),
    (SQLITE, "SELECT a FROM t WHERE b = [c] AND d = `e`", "SELECT a FROM t WHERE b = c AND d = e"),
    (SQLITE, "SELECT a FROM t WHERE b LIKE ?||'%'", "SELECT a FROM t WHERE b LIKE ? || ?"),
    (POSTGRESQL, "SELECT a FROM t WHERE b LIKE %s ESCAPE '\\' AND c = 'x'", "SELECT a FROM t WHERE b LIKE ? ESCAPE ? AND c = ?"),
    (EVERYWHERE, "SELECT 1; SELECT 2;;", "SELECT ?; SELECT ?"),
    (EVERYWHERE, "SAVEPOINT s140_x1", "SAVEPOINT ?"),
    (POSTGRESQL, 'RELEASE SAVEPOINT "s140_x1"', "RELEASE SAVEPOINT ?"),
    (POSTGRESQL, 'ROLLBACK TO SAVEPOINT "s140_x1"', "ROLLBACK TO SAVEPOINT ?"),
    (EVERYWHERE, "ROLLBACK", "ROLLBACK"),
    (
        EVERYWHERE,
        "UPDATE t SET a = CASE WHEN (t.id = 1) THEN 'a' WHEN (t.id = 2) THEN 'b' ELSE NULL END WHERE id IN (1, 2)",
        "UPDATE t SET a = CASE WHEN (t.id = ?) THEN ? ELSE NULL END WHERE id IN (?)",
    ),
    (EVERYWHERE, "", ""),
    (EVERYWHERE, " \n", ""),
    (EVERYWHERE, "/* nothing */", ""),
]


@pytest.mark.parametrize(("systems", "sql", "text"), TEXTS)
def test_the_text_is_one_line_without_values_quotes_and_comments(systems, sql, text):
    """As each database would read it."""
    for system in (systems,) if isinstance(systems, str) else systems:
        assert understand(sql, system).text == text, system


SAME = [
    (
        EVERYWHERE,
        "SELECT a FROM t WHERE b IN (1)",
        "SELECT a FROM t WHERE b IN (%s, %s, %s)",
        f"SELECT a FROM t WHERE b IN ({', '.join(['%s'] * 2500)})",
    ),
    (
        EVERYWHERE,
        "INSERT INTO t (a, b) VALUES (1, 'x')",
        "INSERT INTO t(a,b) VALUES (%s, %s), (%s, %s)",
        "insert into T (a, b)\nvalues (2,'y'),(3,''),(4,'z')",
    ),
    (EVERYWHERE, "SELECT a FROM t WHERE b = 1", "select  A from\tT where b=-22.5 -- no\n", "SELECT/* x */a FROM t WHERE b = 'it''s'"),
    ((POSTGRESQL, SQLITE), 'SELECT "t"."a" FROM "t"', "SELECT t.a FROM t", "SELECT T.A FROM T;"),
    ((SQLITE,), 'SELECT "t"."a" FROM "t"', "SELECT [t].[a] FROM [t]", "SELECT `t`.a FROM `t`"),
    ((MYSQL, MARIADB), "SELECT `t`.`a` FROM `t`", "SELECT t.a FROM t # x"),
    (EVERYWHERE, "SELECT a FROM t WHERE (b, c) IN ((1, 2))", "SELECT a FROM t WHERE (b, c) IN ((1, 2), (3, 4), (5, 6))"),
    (EVERYWHERE, "SAVEPOINT s1_x1", "SAVEPOINT s2_x77"),
    (EVERYWHERE, "SELECT a FROM t LIMIT 5 OFFSET 10", "SELECT a FROM t LIMIT 500 OFFSET 0"),
    (
        EVERYWHERE,
        "UPDATE t SET a = CASE WHEN (id = 1) THEN 2 ELSE NULL END WHERE id IN (1)",
        "UPDATE t SET a = CASE WHEN (id = %s) THEN %s WHEN (id = %s) THEN %s WHEN (id = %s) THEN %s ELSE NULL END WHERE id IN (%s, %s, %s)",
    ),
    ((POSTGRESQL,), "SELECT a FROM t WHERE b = ANY(ARRAY[1])", "SELECT a FROM t WHERE b = ANY(ARRAY[1, 2, 3])"),
]


@pytest.mark.parametrize("row", SAME, ids=lambda row: row[1][:60])
def test_one_shape_has_one_fingerprint(row):
    """However its values, lists, quotes, comments, spaces and letters are written."""
    systems, *texts = row
    for system in systems:
        assert len({understand(sql, system).fingerprint for sql in texts}) == 1, system


def test_different_shapes_have_different_fingerprints():
    """Of 16 hexadecimal digits each."""
    texts = [
        "SELECT a FROM t",
        "SELECT b FROM t",
        "SELECT a FROM u",
        "SELECT a FROM t u",
        "SELECT a FROM t LIMIT 1",
        "SELECT a FROM t ORDER BY a",
        "SELECT a FROM t ORDER BY a DESC",
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b > 1",
        "SELECT a FROM t WHERE b = NULL",
        "SELECT a FROM t WHERE b = 1 OR b = 2",
        "SELECT a FROM t WHERE b = 1 OR b = 2 OR b = 3",
        "SELECT a FROM t WHERE b IN (1)",
        "SELECT a FROM t WHERE b NOT IN (1)",
        "SELECT a FROM t WHERE b IN (c, 1)",
        "SELECT a FROM t WHERE b = f(1)",
        "SELECT a FROM t WHERE b = f(1, 2)",
        "SELECT a FROM t WHERE b = f(%s, %s, %s)",
        "SELECT CASE WHEN a = 1 THEN 1 WHEN b = 1 THEN 1 END FROM t",
        "SELECT CASE WHEN a = 1 THEN 1 END FROM t",
        "SELECT 1, 2",
        "SELECT 1, 2, 3",
        "SELECT 1; SELECT 1",
        "INSERT INTO t (a) VALUES (1)",
        "INSERT INTO t (a) VALUES (DEFAULT)",
        "INSERT INTO t (a) VALUES (NULL)",
    ]
    for system in EVERYWHERE:
        fingerprints = {understand(sql, system).fingerprint for sql in texts}
        assert len(fingerprints) == len(texts)
        assert all(len(fingerprint) == 16 and int(fingerprint, 16) >= 0 for fingerprint in fingerprints)


def test_long_texts_are_cut_and_their_fingerprints_are_not():
    """Two statements that differ beyond what is shown are two shapes; a summary is cut between words."""
    columns = ", ".join(f"column_{number}" for number in range(1000))
    first, second = (understand(f"SELECT {columns} FROM t{last}", POSTGRESQL) for last in "12")
    assert len(first.text) == MAX_STATEMENT_TEXT
    assert first.text == second.text
    assert first.fingerprint != second.fingerprint
    joined = understand("SELECT 1 FROM " + ", ".join(f"table_number_{number}" for number in range(100)), POSTGRESQL)
    assert 240 < len(joined.summary) <= 255
    assert all(word == "SELECT" or word.startswith("table_number_") for word in joined.summary.split())
    assert joined.summary.split()[-1] == f"table_number_{len(joined.summary.split()) - 2}"


def test_what_is_no_unicode_can_still_be_exported():
    """A lone surrogate, a NUL."""
    statement = understand('SELECT "\ud800" FROM "t\udfff" WHERE \x00 a = 1', SQLITE)
    for text in (statement.text, statement.summary, statement.collection):
        assert text.encode()
