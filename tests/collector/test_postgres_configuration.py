"""A real PostgreSQL takes the shipped configuration whole, its log leads to the trace, and no value of a row is in that log."""

from __future__ import annotations

import re

import graphene
import psycopg
import pytest
from django.db import connections

from tests.collector.postgres_as_mounted import (
    BLOG,
    CONFIGURATION,
    MONITORING,
    MONITORING_PASSWORD,
    SHIPPED,
    blog_settings,
    connect,
    initialize,
    mounted,
)
from tests.services.aliases import alias
from tests.services.processes import wait_until

GUIDE = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "4MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "100",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "200",
    "wal_buffers": "16MB",
    "checkpoint_completion_target": "0.9",
    "log_min_duration_statement": "1s",
}
"""As the server shows them."""

OPTION_OF_THE_TESTS = "listen_addresses"
"""Tests listen on the loopback address only."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """With the monitoring role."""
    password = tmp_path_factory.mktemp("secrets") / "exporter_password"
    password.write_text(f"{MONITORING_PASSWORD}\n")
    with mounted() as server:
        done = initialize(server, password)
        assert done.returncode == 0, done.stderr
        yield server


@pytest.fixture
def connection(server):
    with connect(server) as connection:
        yield connection


def test_every_setting_of_the_file_is_in_force(connection):
    """None is unknown, mistyped or overruled."""
    written = set(re.findall(r"^(\w[\w.]*) = ", CONFIGURATION.read_text(), re.MULTILINE))
    assert len(written) >= 25
    assert OPTION_OF_THE_TESTS in written
    of_the_file = "sourcefile = current_setting('config_file')"
    read = connection.execute(f"SELECT name, applied FROM pg_file_settings WHERE {of_the_file}").fetchall()
    assert {name for name, _ in read} == written
    assert {name for name, applied in read if not applied} == {OPTION_OF_THE_TESTS}
    in_force = connection.execute(
        f"SELECT name FROM pg_settings WHERE {of_the_file} AND source = 'configuration file' AND NOT pending_restart"
    )
    assert {name for (name,) in in_force} == written - {OPTION_OF_THE_TESTS}


def test_the_guides_values_are_there(connection):
    shown = {name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0] for name in GUIDE}
    assert shown == GUIDE


def test_every_setting_has_its_reason():
    """The line above each is a comment."""
    lines = CONFIGURATION.read_text().splitlines()
    bare = [line for before, line in zip(lines, lines[1:], strict=False) if re.match(r"\w", line) and not before.startswith("#")]
    assert bare == []


def test_statements_are_counted(connection):
    connection.execute("SELECT 'counted'")
    (calls,) = connection.execute("SELECT calls FROM pg_stat_statements WHERE query = 'SELECT $1'").fetchone()
    assert calls >= 1


def test_the_exporters_role_reads_statistics_and_no_rows(server, connection):
    """It gets in with the password of the file, whatever is in it, sees others' statements, and may neither read a table nor write."""
    connection.execute("CREATE TABLE IF NOT EXISTS private (word text)")
    (kept,) = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [MONITORING]).fetchone()
    assert kept.startswith("SCRAM-SHA-256$")
    granted = connection.execute("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", [MONITORING]).fetchall()
    assert granted == [("pg_monitor",)]
    with connect(server, MONITORING, MONITORING_PASSWORD) as monitoring:
        (others,) = monitoring.execute(
            "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'CREATE%' OR query LIKE 'SELECT%'"
        ).fetchone()
        assert others > 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            monitoring.execute("SELECT * FROM private")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            monitoring.execute("CREATE TABLE mine (id integer)")


@pytest.mark.parametrize("content", ["", "\n", None], ids=["empty", "a line without text", "missing"])
def test_without_a_password_there_is_no_role(server, connection, tmp_path, content):
    """The image stops there and says why."""
    if content is not None:
        (tmp_path / "password").write_text(content)
    connection.execute(f"ALTER ROLE {MONITORING} RENAME TO put_aside")
    try:
        done = initialize(server, tmp_path / "password")
        assert done.returncode != 0
        assert "password" in done.stderr
        assert connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [MONITORING]).fetchall() == []
    finally:
        connection.execute(f"ALTER ROLE put_aside RENAME TO {MONITORING}")


def test_the_script_may_be_sourced(server, connection, tmp_path):
    """Where the right to execute it was lost on the way. A role that is there is an error, and any password is taken as it is."""
    script = tmp_path / "10-monitoring.sh"
    script.write_text((SHIPPED / "init" / "10-monitoring.sh").read_text())
    (tmp_path / "password").write_text("another one")
    done = initialize(server, tmp_path / "password", script=script)
    assert done.returncode != 0
    assert f'role "{MONITORING}" already exists' in done.stderr
    connection.execute(f"DROP ROLE {MONITORING}")
    odd = 'it\'s \\ a $1 "secret" :name'
    (tmp_path / "password").write_text(odd)
    done = initialize(server, tmp_path / "password", script=script)
    assert done.returncode == 0, done.stderr
    connect(server, MONITORING, odd).close()
    assert odd not in server.log_text()
    connection.execute(f"ALTER ROLE {MONITORING} PASSWORD '{MONITORING_PASSWORD}'")


class Query(graphene.ObjectType):
    """A field that takes longer than the server's limit, with a value of somebody."""

    slow = graphene.String(db=graphene.String(required=True))

    def resolve_slow(root, info, db):
        with connections[db].cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1.1), %s::text", ["hunter2"])
            return cursor.fetchone()[1]


def test_a_slow_statement_leads_from_the_log_to_the_trace(server, connection, seen, configure, django_db_blocker, monkeypatch):
    """By trace id, service name and queryid, and with no value where the application binds on the server."""
    monkeypatch.delenv("PGAPPNAME", raising=False)
    configure(SQL_COMMENTS=True)
    database = blog_settings(server, OPTIONS={"server_side_binding": True, "application_name": "blog-of-the-tests"})
    with django_db_blocker.unblock(), alias("linked", database) as db:
        result = graphene.Schema(query=Query).execute("query Slow($db: String!) { slow(db: $db) }", variables={"db": db})
    assert result.errors is None
    assert result.data == {"slow": "hunter2"}
    trace_id = f"{seen.operation_spans[0].context.trace_id:032x}"
    wait_until(lambda: trace_id in server.log_text(), seconds=10, what="the trace id in the server's log")
    (line,) = [line for line in server.log_text().splitlines() if trace_id in line]
    assert float(re.findall(r"duration: (\d+)", line)[0]) >= 1100
    assert "app=blog-of-the-tests" in line
    assert f"db={BLOG} user={BLOG}" in line
    (calls,) = connection.execute("SELECT calls FROM pg_stat_statements WHERE queryid = %s", re.findall(r"query=(-?\d+)", line)).fetchone()
    assert calls == 1
    assert "hunter2" not in server.log_text()


def test_failed_statements_log_the_error_without_values(server, connection):
    """Neither the statement nor the row that was in the way."""
    connection.execute("CREATE TABLE people (email text CONSTRAINT one_address UNIQUE)")
    connection.execute("INSERT INTO people VALUES ('ada@secret.example')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("INSERT INTO people VALUES ('ada@secret.example')")
    wait_until(lambda: "one_address" in server.log_text(), seconds=10, what="the error in the server's log")
    assert "23505" in server.log_text()
    assert "secret.example" not in server.log_text()


def test_nobody_waits_for_ever(connection):
    """nginx and gunicorn give up after 30 s; the server has to be first."""
    limits = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    found = [connection.execute("SELECT setting::integer FROM pg_settings WHERE name = %s", [name]).fetchone()[0] for name in limits]
    assert 0 < found[0] < found[1] < 30_000
    assert found[2] > 0
