"""The exporter gives every metric of the queries' file, bounded, true, and without a value of anybody's rows."""

from __future__ import annotations

import math
import re
import threading

import psycopg
import pytest
import yaml

from tests.collector.postgres_as_mounted import MONITORING, MONITORING_PASSWORD, SHIPPED, connect, initialize, mounted
from tests.services.postgres_exporter import postgres_exporter
from tests.services.processes import wait_until
from tests.services.prometheus import prometheus

QUERIES = SHIPPED / "queries.yaml"
PAGE = SHIPPED.parents[1] / "docs" / "postgresql.md"
LIMIT = 50
SECRETS = ("hunter2", "4929123456781234", MONITORING_PASSWORD)


def _metrics():
    """The file's metrics: their names, types and labels."""
    found = {}
    for key, query in yaml.safe_load(QUERIES.read_text()).items():
        columns = {name: each["usage"] for column in query["metrics"] for name, each in column.items()}
        labels = {name for name, usage in columns.items() if usage == "LABEL"}
        found |= {f"{key}_{name}": (usage.lower(), labels) for name, usage in columns.items() if usage != "LABEL"}
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """With a table, rows, and the monitoring role."""
    password = tmp_path_factory.mktemp("secrets") / "exporter_password"
    password.write_text(MONITORING_PASSWORD)
    with mounted() as server:
        done = initialize(server, password)
        assert done.returncode == 0, done.stderr
        with connect(server) as connection:
            connection.execute("CREATE TABLE posts (id integer PRIMARY KEY, title text)")
            connection.execute("CREATE INDEX posts_unused ON posts (lower(title))")
            connection.execute("INSERT INTO posts SELECT n, 'hunter2 ' || n FROM generate_series(1, 1000) AS n")
        yield server


@pytest.fixture(scope="module")
def exporter(server):
    with postgres_exporter(server, user=MONITORING, password=MONITORING_PASSWORD, database="blog", queries=QUERIES) as exporter:
        yield exporter


@pytest.fixture
def connection(server):
    with connect(server) as connection:
        yield connection


def value(exporter, name, **labels):
    """The sum of the series that have these labels."""
    found = [number for pairs, number in exporter.samples()[name].items() if set(labels.items()) <= pairs]
    assert found, (name, labels)
    return sum(found)


def handed_over(connection):
    """A backend's numbers are seen by others once a second, or now."""
    connection.execute("SELECT pg_stat_force_next_flush()")


def test_every_column_is_a_metric_and_nothing_else_is_there(exporter, connection):
    """With the type and the labels that the file promises."""
    connection.execute("SELECT count(*) FROM posts")
    text, samples = exporter.scrape(), exporter.samples()
    promised = _metrics()
    assert len(promised) > 30
    ours = {name: rows for name, rows in samples.items() if name.startswith("postgres_") and not name.startswith("postgres_exporter_")}
    assert set(ours) == set(promised)
    for name, (kind, labels) in promised.items():
        assert f"# TYPE {name} {kind}\n" in text
        assert {frozenset(label for label, _ in pairs) for pairs in ours[name]} == {frozenset(labels)}, name
        assert not any(map(math.isnan, ours[name].values())), f"{name} is not a number"
    assert samples["pg_up"] == {frozenset(): 1.0}
    assert samples["pg_exporter_last_scrape_error"] == {frozenset(): 0.0}
    assert {name for name in samples if name.startswith("pg_")} - {"pg_up"} == {
        "pg_exporter_last_scrape_duration_seconds",
        "pg_exporter_last_scrape_error",
        "pg_exporter_scrapes_total",
        "pg_exporter_user_queries_load_error",
    }


def test_counters_and_gauges_have_names_that_tell():
    """Prometheus knows a counter by _total; times are in seconds."""
    for name, (kind, _) in _metrics().items():
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|milliseconds|kb|mb|count|sum)(_|$)", name), name


def test_statements_are_counted_with_text_and_without_values(exporter, connection):
    """A panel joins the text by the labels."""
    for number in range(7):
        connection.execute(f"SELECT title FROM posts WHERE title = 'hunter2' AND id <> {number} /*traceparent='00-1-2-01'*/")
    samples = exporter.samples()
    texts = {dict(pairs)["query"]: pairs for pairs in samples["postgres_statement_text_info"]}
    pairs = texts["SELECT … FROM posts WHERE title = $1 AND id <> $2"]
    labels = frozenset(pair for pair in pairs if pair[0] != "query")
    assert dict(labels) | {"queryid": ""} == {"queryid": "", "database": "blog", "role": "blog"}
    assert samples["postgres_statement_calls_total"][labels] == 7
    assert samples["postgres_statement_seconds_total"][labels] > 0
    assert samples["postgres_statement_blocks_hit_total"][labels] > 0
    connection.execute("SELECT title FROM posts WHERE title = 'hunter2' AND id <> 8")
    assert exporter.samples()["postgres_statement_calls_total"][labels] == 8


def test_three_hundred_statements_make_fifty_series(exporter, connection):
    """Those that took the most time, and the same ones in the next scrape; the exporter's own are not among them."""
    connection.execute("SELECT pg_sleep(0.3)")
    for number in range(300):
        connection.execute(f"SELECT {', '.join(['1'] * (number + 2))}")
    (kept,) = connection.execute("SELECT count(*) FROM pg_stat_statements").fetchone()
    assert kept > 300
    samples = exporter.samples()
    for name in (name for name in _metrics() if name.startswith("postgres_statement_")):
        assert len(samples[name]) == LIMIT, name
    assert "SELECT pg_sleep($1)" in {dict(pairs)["query"] for pairs in samples["postgres_statement_text_info"]}
    assert {dict(pairs)["role"] for pairs in samples["postgres_statement_calls_total"]} <= {"blog", "postgres"}
    again = exporter.samples()
    assert set(again["postgres_statement_calls_total"]) == set(samples["postgres_statement_calls_total"])
    assert value(exporter, "postgres_statements_kept") >= kept


def test_no_value_is_in_a_scrape(exporter, connection):
    """Also of commands whose text has them."""
    connection.execute("SELECT pg_stat_statements_reset()")
    connection.execute("CREATE ROLE somebody PASSWORD 'hunter2'")
    connection.execute("DO $$ BEGIN PERFORM pg_sleep(0.01), 'hunter2'; END $$")
    connection.execute("COPY (SELECT 'hunter2', pg_sleep(0.01)) TO '/dev/null'")
    connection.execute("SELECT 'hunter2', pg_sleep(0.01), 4929123456781234")
    kept = [text for (text,) in connection.execute("SELECT query FROM pg_stat_statements").fetchall()]
    assert [text for text in kept if "hunter2" in text] == []
    text = exporter.scrape()
    assert 'query="SELECT $1, pg_sleep($2), $3"' in text
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("title <> 'hunter2'", "SELECT …"),
        ("title <> $tag$hunter2$tag$", "SELECT …"),
        ("id < 4929123456781234", "SELECT … FROM posts WHERE id > ? AND id < ?"),
        ("/* a */ id < 9999 /* b */", "SELECT … FROM posts WHERE id > ? AND id < ?"),
        ("id < 9999 -- hunter2", "SELECT … FROM posts WHERE id > ? AND id < ?"),
        ("id < 9999 /* /* */ hunter2 */", "SELECT …"),
    ],
)
def test_a_text_that_the_server_could_not_normalise_shows_no_value(exporter, connection, condition, shown):
    """A statement that was dropped while it ran is kept as it came."""
    statement = f"SELECT pg_stat_statements_reset() FROM posts WHERE id > 999 AND {condition}"
    connection.execute(statement)
    kept = [text for (text,) in connection.execute("SELECT query FROM pg_stat_statements").fetchall()]
    assert statement in kept
    text = exporter.scrape()
    assert f'query="{shown}"' in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_numbers_move_with_what_happens(exporter, connection):
    """Of the database, its tables and indexes."""
    before = exporter.samples()
    assert value(exporter, "postgres_index_unused") == 1
    assert value(exporter, "postgres_index_unused_bytes") > 0
    connection.execute("UPDATE posts SET title = title WHERE id <= 100")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("INSERT INTO posts VALUES (1, '')")
    with connection.transaction():
        # More than work_mem.
        connection.execute("SELECT count(*) FROM (SELECT n FROM generate_series(1, 300000) AS n ORDER BY n::text) AS sorted")
    connection.execute("CHECKPOINT")
    handed_over(connection)
    after = exporter.samples()
    blog = frozenset({("database", "blog")})
    moved = {name: after[name][blog] - before[name][blog] for name in after if name.startswith("postgres_database_")}
    assert moved["postgres_database_commits_total"] >= 3
    assert moved["postgres_database_rollbacks_total"] == 1
    assert moved["postgres_database_rows_written_total"] >= 100
    assert moved["postgres_database_blocks_hit_total"] > 0
    assert moved["postgres_database_temporary_bytes_total"] > 1_000_000
    assert after["postgres_database_size_bytes"][blog] > 1_000_000
    assert value(exporter, "postgres_table_dead_rows", table="posts") >= 100
    assert value(exporter, "postgres_table_live_rows", table="posts") == 1000
    assert value(exporter, "postgres_server_connections_maximum") == 97
    (server,) = after["postgres_server_wal_bytes_total"]
    assert after["postgres_server_wal_bytes_total"][server] > before["postgres_server_wal_bytes_total"][server]
    assert after["postgres_server_last_checkpoint_time_seconds"][server] >= after["postgres_server_start_time_seconds"][server]


def test_who_waits_for_a_lock_is_seen(server, exporter, connection):
    """As are the transaction that is in the way and the states of connections."""
    assert value(exporter, "postgres_activity_waiting_for_lock") == 0
    assert value(exporter, "postgres_client_connections", state="idle in transaction") == 0
    errors = []

    def wait():
        try:
            with connect(server) as waiting:
                waiting.execute("UPDATE posts SET title = '' WHERE id = 1")
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    with connection.transaction(force_rollback=True):
        connection.execute("UPDATE posts SET title = title WHERE id = 1")
        thread.start()
        wait_until(lambda: value(exporter, "postgres_activity_waiting_for_lock") == 1, seconds=10, what="the one that waits")
        assert value(exporter, "postgres_client_connections", state="idle in transaction") == 1
        assert value(exporter, "postgres_activity_longest_transaction_seconds") > 0
        assert value(exporter, "postgres_activity_longest_idle_in_transaction_seconds") > 0
        assert value(exporter, "postgres_activity_longest_lock_wait_seconds") > 0
    thread.join(10)
    assert errors == []


def test_the_page_lists_every_metric():
    """docs/postgresql.md against queries.yaml, both ways, with types and labels."""
    rows = re.findall(r"^\| `(postgres_\w+)` \| (\w+) \| ([^|]*) \|", PAGE.read_text(), re.MULTILINE)
    documented = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert documented == _metrics()


def test_prometheus_scrapes_it_and_the_documented_query_gives_statements_with_their_texts(exporter, connection):
    [query] = re.findall(r"^topk\(.*postgres_statement_text_info$", PAGE.read_text(), re.MULTILINE)
    with prometheus(postgres_exporter=f"127.0.0.1:{exporter.port}") as metrics:

        def texts():
            connection.execute("SELECT count(*) FROM posts")
            return [row["metric"]["query"] for row in metrics.query(query) if float(row["value"][1]) > 0]

        wait_until(lambda: any("posts" in text for text in texts()), seconds=30, what="the statement with its text")
        assert metrics.value('up{job="postgres-exporter"}') == 1
        assert metrics.value("pg_up") == 1
