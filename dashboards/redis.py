"""The page about Redis servers, as the collector's receiver sees them."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import timeseries

from dashboards.pages import Page, Row, Variable
from dashboards.panels import figure, graph
from dashboards.targets import INTERVAL, RANGE, over_time, shown
from otel_graphql_auto.queries import Scope, increase, rate

_MISSING: Final = "No Redis: the collector asks the one at REDIS_ADDR"
_SERVER: Final = 'server_address=~"$server"'
_BY: Final = ("server_address", "server_port")


def _each(name: str, *more: str) -> str:
    return rate(Scope(_SERVER, INTERVAL, (*_BY, *more)), name)


def _now(name: str) -> str:
    return f"{name}{{{_SERVER}}}"


def _hits(window: str, *by: str) -> str:
    scope = Scope(_SERVER, window, by)
    hits, misses = rate(scope, "redis_keyspace_hits_total"), rate(scope, "redis_keyspace_misses_total")
    return f"{hits} / ({hits} + {misses})"


def _lines(title: str, description: str, *names: tuple[str, str], unit: str, width: int = 8) -> timeseries.Panel:
    targets = [over_time(expression, f"{':'.join(map(shown, _BY))} {legend}".strip()) for expression, legend in names]
    return graph(title, description, *targets, unit=unit, missing=_MISSING, width=width)


def _figures() -> Row:
    time_range = Scope(_SERVER, RANGE)
    return Row(
        "$server in this time range",
        [
            figure("Up for", "The one that was started last.", f"min({_now('redis_uptime_seconds_total')})", unit="s", missing="no Redis"),
            figure(
                "Hit ratio",
                "Share of the keys that were asked for and there. What is right depends on the application.",
                _hits(RANGE),
                unit="percentunit",
                decimals=1,
                missing="no reads",
            ),
            figure(
                "Commands",
                "In all.",
                increase(time_range, "redis_commands_processed_total"),
                unit="short",
                counted=True,
                missing="no Redis",
            ),
            figure("Memory", "Used for data.", f"sum({_now('redis_memory_used_bytes')})", unit="bytes", missing="no Redis"),
            figure(
                "Evicted",
                "Keys that had to go because memory was full.",
                increase(time_range, "redis_keys_evicted_total"),
                unit="short",
                counted=True,
                missing="no Redis",
            ),
            figure("Clients", "Connected now.", f"sum({_now('redis_clients_connected')})", unit="short", missing="no Redis"),
            figure(
                "Blocked clients",
                "That wait in a blocking command.",
                f"sum({_now('redis_clients_blocked')})",
                unit="short",
                missing="no Redis",
            ),
            figure(
                "Refused",
                "Connections beyond maxclients.",
                increase(time_range, "redis_connections_rejected_total"),
                unit="short",
                counted=True,
                limits=(1,),
                missing="no Redis",
            ),
        ],
    )


def _use() -> Row:
    return Row(
        "Use",
        [
            _lines(
                "Commands a second",
                "A second.",
                (_each("redis_commands_processed_total"), ""),
                (_now("redis_commands_per_second"), "as Redis says"),
                unit="ops",
            ),
            _lines("Hit ratio over time", "Keys that were asked for and there.", (_hits(INTERVAL, *_BY), ""), unit="percentunit"),
            _lines(
                "Keys that went",
                "A second. Expired: their time was over. Evicted: memory was full.",
                (_each("redis_keys_expired_total"), "expired"),
                (_each("redis_keys_evicted_total"), "evicted"),
                unit="ops",
            ),
            _lines(
                "Clients over time",
                "Connected, and waiting in a blocking command.",
                (_now("redis_clients_connected"), "connected"),
                (_now("redis_clients_blocked"), "blocked"),
                unit="short",
            ),
            _lines(
                "New connections",
                "A second. Many: clients do not keep their connections.",
                (_each("redis_connections_received_total"), "taken"),
                (_each("redis_connections_rejected_total"), "refused"),
                unit="ops",
            ),
            _lines(
                "Network",
                "Bytes a second.",
                (_each("redis_net_input_bytes_total"), "in"),
                (_each("redis_net_output_bytes_total"), "out"),
                unit="Bps",
            ),
        ],
    )


def _resources() -> Row:
    return Row(
        "Resources",
        [
            _lines(
                "Memory over time",
                "Used for data, at its peak, allowed (maxmemory, 0: no limit), and what the system has given.",
                (_now("redis_memory_used_bytes"), "used"),
                (_now("redis_memory_peak_bytes"), "peak"),
                (_now("redis_maxmemory_bytes"), "allowed"),
                (_now("redis_memory_rss_bytes"), "resident"),
                (_now("redis_memory_lua_bytes"), "Lua"),
                unit="bytes",
            ),
            _lines(
                "Fragmentation",
                "Resident by used. Above 1.5 with much data: memory is torn; below 1: it was swapped out.",
                (_now("redis_memory_fragmentation_ratio"), ""),
                unit="short",
            ),
            _lines("CPU", "Seconds a second, by what for.", (_each("redis_cpu_time_seconds_total", "state"), shown("state")), unit="short"),
            _lines(
                "Keys",
                "In each database.",
                (f"{_now('redis_db_keys')}", shown("db")),
                (_now("redis_db_expires"), f"{shown('db')} with an end"),
                unit="short",
            ),
            _lines(
                "Life of a key",
                "That is left, as a mean, of those that have an end.",
                (_now("redis_db_avg_ttl_milliseconds"), shown("db")),
                unit="ms",
            ),
            _lines(
                "Buffers",
                "The largest of a client.",
                (_now("redis_clients_max_input_buffer_bytes"), "in"),
                (_now("redis_clients_max_output_buffer_bytes"), "out"),
                unit="bytes",
            ),
        ],
    )


def _safety() -> Row:
    return Row(
        "Persistence and replication",
        [
            _lines(
                "Not saved yet",
                "Changes since the last dump. A cache saves nothing.",
                (_now("redis_rdb_changes_since_last_save"), ""),
                unit="short",
                width=6,
            ),
            _lines(
                "Last fork", "How long the server stood still for it.", (_now("redis_latest_fork_microseconds"), ""), unit="µs", width=6
            ),
            _lines("Replicas", "That are connected.", (_now("redis_slaves_connected"), ""), unit="short", width=6),
            _lines(
                "Replication",
                "Bytes written to the replication stream, and where its backlog begins.",
                (_now("redis_replication_offset_bytes"), "offset"),
                (_now("redis_replication_backlog_first_byte_offset_bytes"), "backlog"),
                unit="bytes",
                width=6,
            ),
        ],
        folded=True,
    )


PAGE: Final = Page(
    uid="graphql-redis",
    title="GraphQL: Redis",
    description="The Redis servers behind the caches: what is found, what is thrown out, and what it costs.",
    rows=lambda: [_figures(), _use(), _resources(), _safety()],
    variables=(Variable("server", "Server", "redis_uptime_seconds_total", "server_address"),),
    has_traces=False,
)
