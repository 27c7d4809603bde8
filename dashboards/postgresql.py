"""The page about PostgreSQL servers, as postgres-exporter sees them with our queries."""

from __future__ import annotations

import functools
from typing import Final

from dashboards.pages import Page, Row, Variable
from dashboards.panels import figure, graph
from dashboards.tables import Column, Name, numbers
from dashboards.targets import INTERVAL, RANGE, over_time, shown
from otel_graphql_auto.queries import Scope, increase, rate, ratio

_MISSING: Final = "No postgres-exporter, or not with our queries: docs/postgresql.md"
_graph = functools.partial(graph, missing=_MISSING)
_SERVER: Final = 'server=~"$server"'
_DATABASE: Final = 'server=~"$server", database=~"$database"'
_STATEMENT: Final = ("server", "database", "role", "queryid")


def _each(name: str, *by: str) -> str:
    return rate(Scope(_DATABASE, INTERVAL, by), name)


def _of_server(name: str) -> str:
    return f"{name}{{{_SERVER}}}"


def _hits(window: str, *by: str) -> str:
    scope = Scope(_DATABASE, window, by)
    hit, read = rate(scope, "postgres_database_blocks_hit_total"), rate(scope, "postgres_database_blocks_read_total")
    return f"{hit} / ({hit} + {read})"


def _figures() -> Row:
    time_range = Scope(_DATABASE, RANGE)
    connections, room = (f"sum({_of_server(name)})" for name in ("postgres_client_connections", "postgres_server_connections_maximum"))
    return Row(
        "$server in this time range",
        [
            figure(
                "Up",
                "1: every server that an exporter asks answers.",
                "min(pg_up)",
                unit="short",
                limits=(1,),
                rising=False,
                missing="no exporter",
            ),
            figure(
                "Up for",
                "The one that was started last.",
                f"time() - max({_of_server('postgres_server_start_time_seconds')})",
                unit="s",
                missing="no exporter",
            ),
            figure(
                "Connections",
                "Of those that applications may have. Red above 80 %.",
                f"{connections} / {room}",
                unit="percentunit",
                decimals=0,
                limits=(0.6, 0.8),
                missing="no exporter",
            ),
            figure(
                "Found in memory",
                "Share of the blocks that were in shared_buffers. Below 99 % of a busy database, memory or an index is missing.",
                _hits(RANGE),
                unit="percentunit",
                decimals=1,
                limits=(0.9, 0.99),
                rising=False,
                missing="no exporter",
            ),
            figure(
                "Transactions",
                "Committed ones.",
                increase(time_range, "postgres_database_commits_total"),
                unit="short",
                counted=True,
                missing="no exporter",
            ),
            figure(
                "Rolled back",
                "Share of the transactions.",
                ratio(
                    rate(time_range, "postgres_database_rollbacks_total"),
                    f"({rate(time_range, 'postgres_database_commits_total')} + {rate(time_range, 'postgres_database_rollbacks_total')})",
                ),
                unit="percentunit",
                decimals=1,
                missing="no exporter",
            ),
            figure(
                "Deadlocks",
                "Each ended a transaction.",
                increase(time_range, "postgres_database_deadlocks_total"),
                unit="short",
                counted=True,
                limits=(1,),
                missing="no exporter",
            ),
            figure(
                "Size",
                "Of the databases on disk.",
                f"sum(postgres_database_size_bytes{{{_DATABASE}}})",
                unit="bytes",
                missing="no exporter",
            ),
        ],
    )


def _statements() -> Row:
    time_range = Scope(_DATABASE, RANGE, _STATEMENT)
    kept = Scope(_SERVER, RANGE, ("server",))
    text = f"on (server, database, role, queryid) group_left (query) max by (server, database, role, queryid, query) (postgres_statement_text_info{{{_DATABASE}}})"

    def told(expression: str) -> str:
        return f"({expression}) * {text}"

    ranked = increase(Scope(_DATABASE, RANGE, _STATEMENT, at_end=True), "postgres_statement_seconds_total")
    seconds, calls = increase(time_range, "postgres_statement_seconds_total"), increase(time_range, "postgres_statement_calls_total")
    hit, read = increase(time_range, "postgres_statement_blocks_hit_total"), increase(time_range, "postgres_statement_blocks_read_total")
    return Row(
        "Statements (pg_stat_statements)",
        [
            numbers(
                "Statements",
                "The fifty that have taken the most time since the statistics were reset, with what they did in this time range. `$1` stands for values.",
                {
                    "query": Name("Statement"),
                    "database": Name("Database", width=100),
                    "role": Name("Role", hidden=True),
                    "queryid": Name("Query id", width=180),
                    "server": Name("Server", width=150),
                },
                [
                    Column("Time", told(seconds), "s", width=90),
                    Column("Calls", told(calls), "short", counted=True, width=80),
                    Column("Mean", told(f"{seconds} / ({calls} > 0)"), "s", width=90),
                    Column("Rows", told(increase(time_range, "postgres_statement_rows_total")), "short", counted=True, width=80),
                    Column("In memory", told(f"{hit} / ({hit} + {read} > 0)"), "percentunit", decimals=0, width=100),
                    Column("Blocks read", told(read), "short", counted=True, width=110),
                    Column("Reading, writing", told(increase(time_range, "postgres_statement_io_seconds_total")), "s", width=140),
                ],
                sort_by="Time",
                missing=_MISSING,
                height=11,
            ),
            _graph(
                "Time by statement",
                "Seconds a second: 1 is one server process that does nothing else. The ten with the most in this time range.",
                over_time(
                    f"({_each('postgres_statement_seconds_total', *_STATEMENT)} and on ({', '.join(_STATEMENT)}) topk(10, {ranked})) * {text}",
                    shown("query"),
                ),
                unit="short",
                many=True,
                width=16,
            ),
            _graph(
                "Statements known",
                "pg_stat_statements.max is what it has room for; beyond, the least used ones are dropped, and their numbers with them.",
                over_time(_of_server("postgres_statements_kept"), f"{shown('server')} known"),
                over_time(_of_server("postgres_statements_kept_maximum"), f"{shown('server')} room"),
                over_time(increase(kept, "postgres_statements_evictions_total"), f"{shown('server')} dropped in this time range"),
                unit="short",
                width=5,
            ),
            figure(
                "Statistics for",
                "Since pg_stat_statements was reset.",
                f"time() - max({_of_server('postgres_statements_reset_time_seconds')})",
                unit="s",
                missing="no exporter",
            ),
        ],
    )


def _load() -> Row:
    return Row(
        "Load",
        [
            _graph(
                "Transactions a second",
                "A second.",
                over_time(_each("postgres_database_commits_total", "database"), f"{shown('database')} committed"),
                over_time(_each("postgres_database_rollbacks_total", "database"), f"{shown('database')} rolled back"),
                unit="ops",
                width=8,
            ),
            _graph(
                "Rows",
                "A second. Read: all that scans went through, wanted or not.",
                over_time(_each("postgres_database_rows_read_total", "database"), f"{shown('database')} read"),
                over_time(_each("postgres_database_rows_written_total", "database"), f"{shown('database')} written"),
                unit="cps",
                width=8,
            ),
            _graph(
                "Found in memory over time",
                "Share of the blocks that were in shared_buffers.",
                over_time(_hits(INTERVAL, "database"), shown("database")),
                unit="percentunit",
                maximum=1,
                width=8,
            ),
            _graph(
                "Reading and writing",
                "Seconds a second that blocks were read and written (track_io_timing).",
                over_time(_each("postgres_database_io_seconds_total", "database"), shown("database")),
                unit="short",
                width=8,
            ),
            _graph(
                "Temporary files and WAL",
                "Bytes a second. Temporary: sorts and hashes that did not fit in work_mem.",
                over_time(_each("postgres_database_temporary_bytes_total", "database"), f"{shown('database')} temporary"),
                over_time(rate(Scope(_SERVER, INTERVAL, ("server",)), "postgres_server_wal_bytes_total"), f"{shown('server')} WAL"),
                unit="Bps",
                width=8,
            ),
            _graph(
                "Since the last checkpoint",
                "How much would have to be repeated after a crash, in time.",
                over_time(f"time() - {_of_server('postgres_server_last_checkpoint_time_seconds')}", shown("server")),
                unit="s",
                width=8,
            ),
        ],
    )


def _connections() -> Row:
    return Row(
        "Connections and locks",
        [
            _graph(
                "Connections by state",
                "Of clients, by what they do, beside what there is room for.",
                over_time(f"sum by (state) ({_of_server('postgres_client_connections')})", shown("state")),
                over_time(f"sum({_of_server('postgres_server_connections_maximum')})", "room"),
                unit="short",
                width=8,
            ),
            _graph(
                "Longest transaction",
                "Age of the oldest open one, and of the oldest that does nothing: it keeps VACUUM from cleaning up.",
                over_time(_of_server("postgres_activity_longest_transaction_seconds"), f"{shown('server')} open"),
                over_time(_of_server("postgres_activity_longest_idle_in_transaction_seconds"), f"{shown('server')} open, and does nothing"),
                unit="s",
                width=8,
            ),
            _graph(
                "Waiting for locks",
                "Connections, and how long the first of them has been waiting.",
                over_time(_of_server("postgres_activity_waiting_for_lock"), f"{shown('server')} connections"),
                over_time(_of_server("postgres_activity_longest_lock_wait_seconds"), f"{shown('server')} seconds"),
                unit="short",
                width=8,
            ),
        ],
    )


def _tables() -> Row:
    def of_table(name: str) -> str:
        return f"sum by (database, schema, table) ({name}{{{_DATABASE}}})"

    return Row(
        "Tables and indexes",
        [
            numbers(
                "Tables",
                "The twenty with the most dead rows, which VACUUM has not removed yet.",
                {"table": Name("Table"), "schema": Name("Schema", width=110), "database": Name("Database", width=110)},
                [
                    Column("Dead rows", of_table("postgres_table_dead_rows"), "short", width=110),
                    Column("Rows", of_table("postgres_table_live_rows"), "short", width=110),
                    Column(
                        "Dead",
                        f"{of_table('postgres_table_dead_rows')} / ({of_table('postgres_table_live_rows')} > 0)",
                        "percentunit",
                        decimals=0,
                        width=90,
                    ),
                ],
                sort_by="Dead rows",
                missing=_MISSING,
                width=12,
            ),
            numbers(
                "Unused indexes",
                "No statement has used them, and no promise needs them. monitoring/unused_indexes.sql has their names.",
                {"database": Name("Database", width=90), "server": Name("Server")},
                [
                    Column("Indexes", f"sum by (database, server) (postgres_index_unused{{{_DATABASE}}})", "short", width=75),
                    Column("Size", f"sum by (database, server) (postgres_index_unused_bytes{{{_DATABASE}}})", "bytes", width=75),
                ],
                sort_by="Size",
                missing=_MISSING,
                width=6,
            ),
            _graph(
                "Exporter",
                "1: a query of the exporter failed, or it could not read our file of queries. Metrics are missing.",
                over_time("pg_exporter_last_scrape_error", f"{shown('instance')} a query"),
                over_time("max by (instance) (pg_exporter_user_queries_load_error)", f"{shown('instance')} the file"),
                unit="short",
                maximum=1,
                width=6,
            ),
        ],
    )


PAGE: Final = Page(
    uid="graphql-postgresql",
    title="GraphQL: PostgreSQL",
    description="The database servers: what takes their time, how full they are, who waits for whom.",
    rows=lambda: [_figures(), _statements(), _load(), _connections(), _tables()],
    variables=(
        Variable("server", "Server", "postgres_server_start_time_seconds", "server"),
        Variable("database", "Database", f"postgres_database_size_bytes{{{_SERVER}}}", "database"),
    ),
    has_traces=False,
)
