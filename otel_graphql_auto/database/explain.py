"""Asks PostgreSQL now and then for the plan of a SELECT that was slow: on a connection of its own, in a thread, after the fact.

Without ANALYZE: the statement is planned and not run again.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from time import monotonic, time_ns
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind, Tracer

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import guard, new_lock, text
from otel_graphql_auto.database.errors import failure_of
from otel_graphql_auto.database.servers import Server
from otel_graphql_auto.database.statements import MAX_STATEMENT_TEXT, Statement, understand

__all__ = ["Explain"]

_SECONDS_BETWEEN = 10.0
"""At most one plan in so many seconds, in this process."""

_SECONDS_FOR_ONE = 600.0
"""At most one plan of the same statement in so many seconds."""

_MAX_REMEMBERED = 500
_MAX_PLAN = 10_000
"""Statements that are remembered, and characters of a plan that are kept."""

_TIMEOUT_MS = 2000

_logger = logging.getLogger("otel_graphql_auto")


class Explain:
    """Makes spans that hold a plan, as children of the operation in whose context the slow statement ran."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._lock = new_lock(reentrant=True)
        self._latest = -_SECONDS_BETWEEN
        self._explained: dict[str, float] = {}
        self._run = guard("database", self._explain)

    def consider(self, connection: Any, server: Server, statement: Statement, sql: Any, params: Any, context: Any) -> None:
        """Ask for the plan of this statement, if it is a SELECT on PostgreSQL and nothing was asked lately."""
        if server.system != "postgresql" or not isinstance(sql, str) or not _can_be_explained(statement):
            return
        if self._may(statement.fingerprint):
            parameters = tuple(params) if isinstance(params, list) else params
            arguments = (connection, server, statement, sql, parameters, context)
            threading.Thread(target=self._run, args=arguments, name="graphql_auto_explain", daemon=True).start()

    def _may(self, fingerprint: str) -> bool:
        now = monotonic()
        with self._lock:
            if now - self._latest < _SECONDS_BETWEEN or now - self._explained.get(fingerprint, -_SECONDS_FOR_ONE) < _SECONDS_FOR_ONE:
                return False
            if len(self._explained) >= _MAX_REMEMBERED:
                self._explained.clear()
            self._latest = self._explained[fingerprint] = now
        return True

    def _explain(self, connection: Any, server: Server, statement: Statement, sql: str, params: Any, context: Any) -> None:
        started = time_ns()
        try:
            with suppress_instrumentation():
                plan = _ask(connection, sql, params)
        except Exception as error:  # noqa: BLE001 - the statement may read what only its own transaction can see
            _logger.debug("No plan of %s: %s", statement.summary, failure_of(error)[0])  # its message may quote values
            return
        plan = json.loads(plan) if isinstance(plan, str) else plan
        attributes = {
            **server.attributes,
            semconv.DB_OPERATION_NAME: semconv.SPAN_EXPLAIN,
            semconv.DB_QUERY_SUMMARY: f"{semconv.SPAN_EXPLAIN} {statement.summary}",
            semconv.DB_FINGERPRINT: statement.fingerprint,
            semconv.DB_PLAN: text(json.dumps(_without_values(plan)), _MAX_PLAN),
        }
        name = attributes[semconv.DB_QUERY_SUMMARY]
        self._tracer.start_span(name, context, SpanKind.CLIENT, attributes, start_time=started).end()


def _can_be_explained(statement: Statement) -> bool:
    """One SELECT that takes no locks. Of several statements only the first would be explained, and the others would run."""
    text = statement.text
    if statement.operation != "SELECT" or not statement.is_read or len(text) >= MAX_STATEMENT_TEXT:
        return False  # of a text that long only the beginning is at hand
    return ";" not in text and not _LOCKING.search(text)


_LOCKING = re.compile(r"\bFOR (NO KEY )?(UPDATE|KEY SHARE|SHARE)\b", re.IGNORECASE)


def _ask(connection: Any, sql: str, params: Any) -> Any:
    connection = connection.copy()  # here, because it belongs to the thread that makes it
    # All in one transaction that is rolled back: behind a pool, a setting of the session would be left to somebody else.
    connection.settings_dict.get("OPTIONS", {}).pop("pool", None)
    connection.set_autocommit(False)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            return cursor.fetchone()[0]
    finally:
        connection.rollback()
        connection.close()


_NAMES = frozenset(
    {
        "Node Type",
        "Strategy",
        "Partial Mode",
        "Parent Relationship",
        "Subplan Name",
        "CTE Name",
        "Tuplestore Name",
        "Function Name",
        "Table Function Name",
        "Schema",
        "Relation Name",
        "Alias",
        "Index Name",
        "Join Type",
        "Scan Direction",
        "Operation",
        "Command",
        "Cache Mode",
    }
)
"""What a plan has names and words of PostgreSQL's under. Everything else that is text may show a value of the statement."""


def _without_values(plan: Any, key: str = "") -> Any:
    if isinstance(plan, dict):
        return {name: _without_values(value, name) for name, value in plan.items()}
    if isinstance(plan, list):
        return [_without_values(value, key) for value in plan]
    return understand(plan, "postgresql").text if isinstance(plan, str) and key not in _NAMES else plan
