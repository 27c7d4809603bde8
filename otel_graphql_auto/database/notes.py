"""Writes each statement of an operation on its receipt: what it was, for which field it ran, and where a field repeats itself.

This runs between the application's statements, so it does no more than has to be done there; the rest is done by books.py.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from opentelemetry.context import get_current
from opentelemetry.trace import get_current_span

from otel_graphql_auto._safety import guard, new_lock, swallow
from otel_graphql_auto.database.capture import report_write, text_of
from otel_graphql_auto.database.causes import TO_CALLER, find_cause
from otel_graphql_auto.database.errors import failure_of
from otel_graphql_auto.database.explain import Explain
from otel_graphql_auto.database.ledger import SETTLE_AFTER, Ledger
from otel_graphql_auto.database.options import Options
from otel_graphql_auto.database.places import find_place
from otel_graphql_auto.database.servers import Server
from otel_graphql_auto.database.statements import understand
from otel_graphql_auto.operation import Operation

__all__ = ["Notes"]

_MAX_PARAMETERS = 100
"""Parameters of a statement that is compared with earlier ones."""


class Notes:
    """`settle(operation, ledger)` counts what is written in a ledger, `options()` are the settings in force."""

    locates_all: ClassVar[bool] = False
    """For tests: every statement is looked for in the application's code, not only one that repeats itself."""

    def __init__(self, settle: Callable[[Operation, Ledger], Any], options: Callable[[], Options], explain: Explain) -> None:
        self._settle = guard("database", settle)
        self.options = options
        self._explain = explain
        self._opening = new_lock()

    def ledger_of(self, operation: Operation) -> Ledger:
        """The ledger on an operation's receipt, begun if there is none."""
        new = Ledger(functools.partial(self._settle, operation))  # made before the lock is taken: nothing is allocated inside
        with self._opening:
            if operation.queries is None:
                operation.queries = new
        ledger: Ledger = operation.queries
        return ledger

    def note(
        self,
        operation: Operation,
        server: Server,
        connection: Any,
        sql: Any,
        params: Any,
        many: bool,
        started: int,
        ended: int,
        error: BaseException | None,
    ) -> None:
        """Write one statement down: what was executed, as Django handed it to the wrapper that calls this; when; and what it failed with.

        Positional, because it runs for every statement. Times are monotonic nanoseconds.
        """
        try:
            options = self.options()
            text = sql if type(sql) is str else text_of(sql, connection)
            statement = understand(text, server.system)
            if not statement.is_read:
                report_write(server, statement.tables_written)  # before anything else of this can fail
            ledger = operation.queries or self.ledger_of(operation)
            if ledger.is_closed:
                return
            coordinate, path = find_cause(operation, statement.fingerprint)
            entry = ledger.entry(coordinate, statement, server)
            entry.met += 1
            is_recorded = (operation.span or get_current_span()).is_recording()
            kind, status = failure_of(error) if error is not None else (None, None)
            batch = _batch_size(params) if many else None
            context = get_current() if is_recorded else None
            same = _hash_of(text, params) if statement.is_read else None
            ledger.rows.append((entry, statement, server, path, started, ended, kind, status, batch, context, same))
            is_repeated = entry.met >= options.n_plus_one and statement.is_read
            if (is_repeated or self.locates_all) and entry.place is None and coordinate is not None:
                entry.place = find_place(operation, coordinate, sys._getframe(TO_CALLER))
            if options.explains and is_recorded and error is None and not many and ended - started > options.slow_ns:
                self._explain.consider(connection, server, statement, sql, params, context)
            if len(ledger.rows) >= SETTLE_AFTER:
                ledger.settle()
        except Exception as raised:  # noqa: BLE001 - as `guard` does, without its price for each statement
            swallow("database", raised)


def _batch_size(params: Any) -> int | None:
    """How many sets of parameters `executemany` was given; None where that is one, or cannot be told: a queryset would be executed."""
    return len(params) if type(params) in (list, tuple) and len(params) > 1 else None


def _hash_of(text: str, params: Any) -> int | None:
    """What tells whether the very same SELECT has run before. Only this hash is kept, and not beyond the operation."""
    kind = type(params)
    if (kind is not tuple and kind is not list) or len(params) > _MAX_PARAMETERS:
        return None
    try:
        # Not their own hashes: -1 and -2 have the same, 1 and True too.
        return hash((text, repr(params if kind is tuple else tuple(params))))
    except Exception:  # noqa: BLE001 - a parameter may be of any class, and need not have a hash
        return None
