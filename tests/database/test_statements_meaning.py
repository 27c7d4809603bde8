"""What a statement does, and to which tables."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from otel_graphql_auto import semconv
from otel_graphql_auto.database.statements import understand

SQLITE, POSTGRESQL, MYSQL, MARIADB, ORACLE, OTHER = "sqlite", "postgresql", "mysql", "mariadb", "oracle.db", "other_sql"

NOTHING = frozenset()
MEANINGS = [
    # sql, operation, collection, summary, tables written (None: cannot be told)
    ("SELECT a FROM public.users", "SELECT", "public.users", "SELECT public.users", NOTHING),
    ('SELECT a FROM "Public" . "Users"', "SELECT", "Public.Users", "SELECT Public.Users", NOTHING),
    ("select a from t", "SELECT", "t", "SELECT t", NOTHING),
    ("SELECT 1", "SELECT", None, "SELECT", NOTHING),
    ("SELECT a FROM b, c d, e AS f WHERE g = h", "SELECT", "b", "SELECT b c e", NOTHING),
    ("SELECT a FROM b x LEFT OUTER JOIN c y ON (x.i = y.i) CROSS JOIN d", "SELECT", "b", "SELECT b c d", NOTHING),
    ("SELECT a FROM b JOIN c USING (i, j), d", "SELECT", "b", "SELECT b c d", NOTHING),
    ("SELECT a FROM (b JOIN c ON b.i = c.i), d", "SELECT", "d", "SELECT b c d", NOTHING),
    ("SELECT a, b FROM c ORDER BY a, b", "SELECT", "c", "SELECT c", NOTHING),
    ("SELECT COUNT(*) FROM (SELECT a FROM b) s", "SELECT", "b", "SELECT SELECT b", NOTHING),
    ("SELECT (SELECT COUNT(*) FROM c) FROM a", "SELECT", "a", "SELECT SELECT c a", NOTHING),
    ("SELECT a FROM b WHERE EXISTS(SELECT 1 FROM c WHERE c.i = b.i)", "SELECT", "b", "SELECT b SELECT c", NOTHING),
    ("SELECT a FROM generate_series(1, 2)", "SELECT", None, "SELECT", NOTHING),
    ("SELECT a FROM b JOIN LATERAL f(b.x) ON true", "SELECT", "b", "SELECT b", NOTHING),
    ("SELECT a FROM b, LATERAL (SELECT c FROM d) s", "SELECT", "b", "SELECT b SELECT d", NOTHING),
    ("SELECT a FROM ONLY b", "SELECT", "b", "SELECT b", NOTHING),
    ("SELECT a FROM (VALUES (1), (2)) AS v (a)", "SELECT", None, "SELECT", NOTHING),
    ("SELECT EXTRACT(year FROM x), a FROM b", "SELECT", "b", "SELECT b", NOTHING),
    ("SELECT EXTRACT(year FROM x)", "SELECT", None, "SELECT", NOTHING),
    ("SELECT SUBSTRING(x FROM 1), TRIM(BOTH FROM y) FROM b", "SELECT", "b", "SELECT b", NOTHING),
    ("SELECT a IS DISTINCT FROM b, c IS NOT DISTINCT FROM d FROM e", "SELECT", "e", "SELECT e", NOTHING),
    ("SELECT a FROM b FOR UPDATE OF b", "SELECT", "b", "SELECT b", NOTHING),
    ("SELECT a FROM b UNION ALL SELECT c FROM d", "SELECT", "b", "SELECT b SELECT d", NOTHING),
    ("(SELECT a FROM b LIMIT 1) UNION (SELECT c FROM d)", "SELECT", "b", "SELECT b SELECT d", NOTHING),
    ("((SELECT a FROM b) EXCEPT SELECT c FROM d)", "SELECT", "b", "SELECT b SELECT d", NOTHING),
    ('SELECT a FROM "order", "group by"', "SELECT", "order", 'SELECT order "group by"', NOTHING),
    ("SELECT replace(a, 'b', 'c') FROM temp", "SELECT", "temp", "SELECT temp", NOTHING),
    ("WITH c AS (SELECT a FROM b) SELECT a FROM c, d", "SELECT", "d", "SELECT b SELECT d", NOTHING),
    ("WITH b AS (SELECT a FROM b) SELECT a FROM b", "SELECT", "b", "SELECT b SELECT", NOTHING),
    ("WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i FROM c) SELECT i FROM C", "SELECT", None, "SELECT SELECT SELECT", NOTHING),
    ("WITH c AS MATERIALIZED (SELECT 1), d AS (SELECT a FROM c) SELECT a FROM d", "SELECT", None, "SELECT SELECT SELECT", NOTHING),
    ("WITH c AS (WITH d AS (SELECT 1) SELECT i FROM d) SELECT i FROM c", "SELECT", None, "SELECT SELECT SELECT", NOTHING),
    ("VALUES (1), (2)", "VALUES", None, "VALUES", NOTHING),
    ("TABLE b", "TABLE", "b", "TABLE b", NOTHING),
    ("INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET b = EXCLUDED.b RETURNING b", "INSERT", "a", "INSERT a", {"a"}),
    ("INSERT INTO a SELECT b FROM c JOIN d ON true", "INSERT", "a", "INSERT a SELECT c d", {"a"}),
    ("INSERT INTO a WITH x AS (SELECT 1) SELECT b FROM x", "INSERT", "a", "INSERT a SELECT SELECT", {"a"}),
    ("INSERT OR IGNORE INTO a VALUES (1)", "INSERT", "a", "INSERT a", {"a"}),
    ("REPLACE INTO a (b) VALUES (1)", "REPLACE", "a", "REPLACE a", {"a"}),
    ('UPDATE "A" SET b = (SELECT c FROM d) WHERE e', "UPDATE", "A", "UPDATE A SELECT d", {"A"}),
    ("UPDATE a SET b = c.b FROM c, d WHERE c.i = a.i", "UPDATE", "a", "UPDATE a c d", {"a"}),
    ("UPDATE OR ROLLBACK a SET b = 1", "UPDATE", "a", "UPDATE a", {"a"}),
    ("WITH x AS (SELECT 1) UPDATE a SET b = 1 FROM x", "UPDATE", "a", "SELECT UPDATE a", {"a"}),
    ("DELETE FROM a WHERE b IN (SELECT c FROM d)", "DELETE", "a", "DELETE a SELECT d", {"a"}),
    ("DELETE FROM a USING b JOIN c USING (i) WHERE a.i = b.i", "DELETE", "a", "DELETE a b c", {"a"}),
    ("DELETE FROM temp", "DELETE", "temp", "DELETE temp", {"temp"}),
    (
        "MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN UPDATE SET c = 1 WHEN NOT MATCHED THEN INSERT (i) VALUES (1)",
        "MERGE",
        "a",
        "MERGE a b",
        {"a"},
    ),
    ("WITH d AS (DELETE FROM a RETURNING i) INSERT INTO b SELECT i FROM d", "INSERT", "b", "DELETE a INSERT b SELECT", {"a", "b"}),
    ("WITH d AS (UPDATE a SET b = 1 RETURNING i) SELECT i FROM d", "SELECT", "a", "UPDATE a SELECT", {"a"}),
    ("TRUNCATE a, b CASCADE", "TRUNCATE", "a", "TRUNCATE a b", {"a", "b"}),
    ("TRUNCATE TABLE ONLY a", "TRUNCATE", "a", "TRUNCATE a", {"a"}),
    ("COPY a (b) FROM STDIN", "COPY", "a", "COPY a", {"a"}),
    ("COPY a TO STDOUT", "COPY", "a", "COPY a", NOTHING),
    ("COPY (SELECT a FROM b) TO STDOUT", "COPY", "b", "COPY SELECT b", NOTHING),
    ("SELECT a INTO TEMP b FROM c", "SELECT", "b", "SELECT b c", {"b"}),
    ("CREATE TABLE IF NOT EXISTS a (b int)", "CREATE", "a", "CREATE a", None),
    ("CREATE TABLE a AS SELECT b FROM c", "CREATE", "a", "CREATE a SELECT c", None),
    ("CREATE UNIQUE INDEX i ON a (b)", "CREATE", None, "CREATE", None),
    ("ALTER TABLE a ADD COLUMN b int, ADD COLUMN c int", "ALTER", "a", "ALTER a", None),
    ("DROP TABLE IF EXISTS a, b", "DROP", "a", "DROP a b", None),
    ("CALL f(1)", "CALL", None, "CALL", None),
    ("DO $$ BEGIN DELETE FROM a; END $$", "DO", None, "DO", None),
    ("EXECUTE p (1)", "EXECUTE", None, "EXECUTE", None),
    ("FROBNICATE a", semconv.OTHER, None, semconv.OTHER, None),
    ("'SELECT'", semconv.OTHER, None, semconv.OTHER, None),
    ("", semconv.OTHER, None, semconv.OTHER, NOTHING),
    ("BEGIN", "BEGIN", None, "BEGIN", NOTHING),
    ("COMMIT", "COMMIT", None, "COMMIT", NOTHING),
    ("SAVEPOINT a", "SAVEPOINT", None, "SAVEPOINT", NOTHING),
    ("RELEASE SAVEPOINT a", "RELEASE", None, "RELEASE", NOTHING),
    ("SET a = 1", "SET", None, "SET", NOTHING),
    ("SHOW TABLES FROM a", "SHOW", None, "SHOW", NOTHING),
    ("DECLARE c CURSOR FOR SELECT a FROM b", "DECLARE", "b", "DECLARE SELECT b", NOTHING),
    ("EXPLAIN SELECT a FROM b", "EXPLAIN", "b", "EXPLAIN SELECT b", NOTHING),
    ("EXPLAIN DELETE FROM a", "EXPLAIN", "a", "EXPLAIN DELETE a", NOTHING),
    ("EXPLAIN (ANALYZE, BUFFERS) DELETE FROM a", "EXPLAIN", "a", "EXPLAIN DELETE a", {"a"}),
    ("SELECT a FROM b; DELETE FROM c; UPDATE d SET e = 1", "SELECT", "b", "SELECT b DELETE c UPDATE d", {"c", "d"}),
    ("DELETE FROM c; DROP TABLE d", "DELETE", "c", "DELETE c DROP d", None),
    ("DELETE FROM 'a'", "DELETE", None, "DELETE", None),
    ("INSERT INTO %s VALUES (1)", "INSERT", None, "INSERT", None),
    ("DELETE", "DELETE", None, "DELETE", None),
]


@pytest.mark.parametrize(("sql", "operation", "collection", "summary", "written"), MEANINGS)
def test_operation_tables_and_summary_are_those_of_the_statement(sql, operation, collection, summary, written):
    """And in doubt about what is written, it says that it cannot be told."""
    statement = understand(sql, POSTGRESQL)
    assert statement.operation == operation
    assert statement.collection == collection
    assert statement.summary == summary
    assert statement.tables_written == written
    assert statement.is_read == (operation in ("SELECT", "VALUES", "TABLE") and written == NOTHING)


@pytest.mark.parametrize(
    ("sql", "system", "collection", "written"),
    [
        ("DELETE u FROM users u JOIN posts p ON p.i = u.i WHERE p.x = 1", MYSQL, "users", {"users", "posts"}),
        ("UPDATE a JOIN b ON a.i = b.i SET a.x = 1, b.x = 2", MYSQL, "a", {"a", "b"}),
        ("INSERT IGNORE a SET b = 1 ON DUPLICATE KEY UPDATE b = VALUES(b)", MARIADB, "a", {"a"}),
        ("INSERT LOW_PRIORITY INTO a VALUES (1)", MYSQL, "a", {"a"}),
        ("SELECT a FROM b INTO @c", MYSQL, "b", NOTHING),
        ("SELECT a INTO OUTFILE '/x' FROM b", MYSQL, "b", NOTHING),
        ("LOAD DATA INFILE 'x' INTO TABLE a", MYSQL, None, None),
        ('DELETE FROM "a"', MYSQL, None, None),
        ("ANALYZE UPDATE a SET b = 1", MARIADB, "a", {"a"}),
        ("ANALYZE TABLE a", MARIADB, "a", NOTHING),
        ("WITH c AS (SELECT 1 UNION SELECT i FROM c) SELECT i FROM c", SQLITE, None, NOTHING),
        ("BEGIN DELETE FROM a; END;", ORACLE, None, None),
        ("INSERT INTO a (b) VALUES (:b) RETURNING i INTO :i", ORACLE, "a", {"a"}),
        ("PRAGMA foreign_keys = ON", SQLITE, None, NOTHING),
    ],
)
def test_what_one_database_alone_says_is_understood_for_that_database(sql, system, collection, written):
    """Statements of several tables, variables, blocks."""
    statement = understand(sql, system)
    assert (statement.collection, statement.tables_written) == (collection, written)


def _written_by_sqlite(connection, sql):
    """The tables that SQLite itself says the statement would write."""
    written = set()

    def authorize(action, first, second, *_):
        if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and first != "sqlite_master":
            written.add(first)
        return sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
    connection.execute(f"EXPLAIN {sql}")
    connection.set_authorizer(None)
    return written


@pytest.fixture
def connection():
    """To SQLite itself."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def test_sqlite_says_the_same_about_what_is_written(connection):
    """Statements put together at random, asked of SQLite's own parser."""
    for table in "abcd":
        connection.execute(f"CREATE TABLE {table} (i INTEGER PRIMARY KEY, x TEXT, y TEXT)")
    choose = random.Random(5)
    tables = ["a", '"b"', "[c]", "`d`", "main.a", '"main"."b"']

    def query(depth=0):
        source = choose.choice(tables) if depth > 1 or choose.random() < 0.6 else f"({query(depth + 1)}) s"
        joined = choose.choice(["", f" JOIN {choose.choice(tables)} j ON 1", f", {choose.choice(tables)} k"])
        where = "" if depth > 1 else choose.choice(["", f" WHERE EXISTS({query(depth + 1)})", " WHERE 1 IN (1, 2)"])
        return f"SELECT 1 AS i, 'DELETE FROM d' AS x, replace('a', 'b', 'c') AS y FROM {source}{joined}{where}"

    shapes = [
        lambda: query(),
        lambda: f"{query()} UNION ALL {query()}",
        lambda: f"WITH q AS ({query()}) SELECT 1 FROM q, {choose.choice(tables)}",
        lambda: f"INSERT INTO {choose.choice(tables)} (i, x, y) {query()}",
        lambda: f"INSERT OR REPLACE INTO {choose.choice(tables)} (x) VALUES ('UPDATE c SET'), ('b') /* DELETE FROM a */",
        lambda: f"REPLACE INTO {choose.choice(tables)} (x) VALUES ('a')",
        lambda: f"INSERT INTO {choose.choice(tables)} (i) VALUES (1) ON CONFLICT (i) DO UPDATE SET x = excluded.x",
        lambda: f"UPDATE {choose.choice(tables)} SET x = (SELECT max(x) FROM {choose.choice(tables)})",
        lambda: f"UPDATE a SET x = s.x FROM ({query()}) AS s",
        lambda: f"WITH q AS ({query()}) UPDATE OR IGNORE {choose.choice(tables)} SET x = 1 WHERE i IN (SELECT i FROM q)",
        lambda: f"WITH q AS ({query()}) INSERT INTO {choose.choice(tables)} (i) SELECT i FROM q",
        lambda: f"DELETE FROM {choose.choice(tables)} WHERE i IN ({query()}) -- UPDATE c",
    ]
    kinds = set()
    for _ in range(400):
        sql = choose.choice(shapes)()
        if sql.startswith("DELETE") or " IN (SELECT 1 AS i" in sql:
            sql = sql.replace("i IN (SELECT 1 AS i, 'DELETE FROM d' AS x, replace('a', 'b', 'c') AS y", "i IN (SELECT 1")
        statement = understand(sql, SQLITE)
        written = {name.removeprefix("main.") for name in statement.tables_written}
        assert written == _written_by_sqlite(connection, sql), sql
        kinds.add(statement.operation)
    assert kinds == {"SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE"}
