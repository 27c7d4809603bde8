"""The three monitoring queries name what they are for, on the newest PostgreSQL and on Debian's older one."""

from __future__ import annotations

import pytest

from tests.collector.postgres_as_mounted import SHIPPED, connect, mounted
from tests.services.postgres import debian_postgres, wheel

PLANTED = "hunter2"


@pytest.fixture(scope="module", params=[(wheel, 18), (debian_postgres, 15)], ids=["18", "15"])
def ask(request):
    """Run a file of the monitoring folder after some traffic; gives the rows as dictionaries."""
    find, release = request.param
    with mounted(find()) as server, connect(server) as connection:
        assert connection.info.server_version // 10_000 == release
        _make_traffic(connection)

        def ask(name):
            cursor = connection.execute((SHIPPED / "monitoring" / f"{name}.sql").read_text())
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        yield ask


def _make_traffic(connection):
    connection.execute("CREATE EXTENSION pg_stat_statements")
    # 45 MB, of which a bulk write leaves 16 MB in the buffers: the rest has to be read.
    connection.execute(
        "CREATE TABLE posts AS SELECT n AS id, 'title ' || n AS title, repeat('x', 1000) AS body FROM generate_series(1, 40000) AS n"
    )
    connection.execute(f"SELECT count(*) FROM posts WHERE body = '{PLANTED}'")
    connection.execute("ALTER TABLE posts ADD PRIMARY KEY (id), ADD EXCLUDE USING btree (id WITH =)")
    connection.execute("CREATE INDEX posts_used ON posts (title)")
    connection.execute("CREATE INDEX posts_unused ON posts (lower(title))")
    connection.execute("CREATE INDEX posts_unused_small ON posts (id) WHERE id < 10")
    connection.execute("CREATE UNIQUE INDEX posts_unused_unique ON posts (upper(title))")
    connection.execute("ANALYZE posts")
    for number in range(20):
        connection.execute(f"SELECT id, body FROM posts WHERE title = 'title {number}'")
    for _ in range(5):
        connection.execute(f"SELECT pg_sleep(0.06), '{PLANTED}' /*traceparent='00-1-2-01'*/")
    connection.execute("SELECT pg_sleep(0.5), 1, 2")
    # Statistics of tables are handed over once a second, or when somebody asks for it.
    connection.execute("SELECT pg_stat_force_next_flush()")


def test_slow_statements_are_ordered_by_what_they_cost(ask):
    """The one that took most in all, without its values; what ran once is not there however long it took."""
    rows = ask("slow_statements")
    assert 2 <= len(rows) <= 10
    first = rows[0]
    assert first["query"].strip() == "SELECT pg_sleep($1), $2"
    assert first["calls"] == 5
    assert float(first["total_seconds"]) >= 0.3
    assert 60 <= float(first["mean_milliseconds"]) <= float(first["max_milliseconds"])
    assert first["rows"] == 5
    assert first["database"] == "blog"
    assert float(first["percent_of_time"]) > 50
    assert any(row["query"] == "SELECT id, body FROM posts WHERE title = $1" and row["calls"] == 20 for row in rows)
    assert all(row["calls"] >= 5 for row in rows)
    assert [row["total_seconds"] for row in rows] == sorted((row["total_seconds"] for row in rows), reverse=True)
    assert PLANTED not in str(rows)


def test_high_io_names_who_read_from_outside(ask):
    """With the share that was in the buffers."""
    rows = ask("high_io")
    found = {row["query"]: row for row in rows}
    row = found["SELECT count(*) FROM posts WHERE body = $1"]
    assert row["blocks_read"] > 1000
    assert row["blocks_read_per_call"] == row["blocks_read"]
    assert 0 < float(row["hit_percent"]) < 100
    assert float(row["read_milliseconds"]) > 0
    assert PLANTED not in str(rows)


def test_unused_indexes_are_named_with_their_size(ask):
    """The largest first; neither those that are used nor those that keep a promise."""
    rows = ask("unused_indexes")
    assert [row["index"] for row in rows] == ["posts_unused", "posts_unused_small"]
    assert rows[0]["table"] == "posts"
    assert rows[0]["size"].endswith("kB")
    assert rows[0]["rows_written"] == 40_000
    assert "statistics_since" in rows[0]
