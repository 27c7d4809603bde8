"""The room's observers: what an operation asked of databases is told at its end, at that of each event for a subscription."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from typing import Any, ClassVar

from opentelemetry.metrics import Meter
from opentelemetry.sdk.environment_variables import OTEL_SERVICE_NAME
from opentelemetry.trace import Span, get_current_span

from otel_graphql_auto import finding, semconv, settings
from otel_graphql_auto._providers import Providers
from otel_graphql_auto._safety import guard
from otel_graphql_auto.database.books import Books
from otel_graphql_auto.database.capture import make_wrapper
from otel_graphql_auto.database.comments import ApplicationName
from otel_graphql_auto.database.connections import Connections
from otel_graphql_auto.database.explain import Explain
from otel_graphql_auto.database.ledger import Ledger
from otel_graphql_auto.database.notes import Notes
from otel_graphql_auto.database.options import INACTIVE, Options, read_options
from otel_graphql_auto.database.servers import server_of
from otel_graphql_auto.database.telemetry import Instruments
from otel_graphql_auto.database.totals import Totals
from otel_graphql_auto.operation import Operation
from otel_graphql_auto.room import Number, Room

__all__ = ["Database"]

_instruments: weakref.WeakKeyDictionary[Meter, Instruments] = weakref.WeakKeyDictionary()


class Database(Room):
    """Stands around every statement of every connection of Django, and tells of those that an operation ran."""

    name: ClassVar[str] = "database"

    def __init__(self, providers: Providers) -> None:
        instruments = _instruments.get(providers.meter)
        if instruments is None:
            instruments = _instruments[providers.meter] = Instruments(providers.meter)
        self._tracer = providers.tracer
        self._totals = Totals(providers.tracer, instruments, self.options)
        # Guarded one by one: what cannot be made a span of is recorded all the same, and the other way round.
        self._add_spans = guard(self.name, self._totals.add_spans)
        self._record = guard(self.name, self._totals.record)
        self._find = guard(self.name, self._totals.findings)
        self._report = guard(self.name, self._totals.report)
        self._describe = guard(self.name, self._totals.describe)
        self._read_options = guard(self.name, read_options)
        self._options: Options | None = None
        settings.on_reload(self._forget_options)
        books = Books(providers.tracer, instruments, self.options)
        notes = self._notes = Notes(books.settle, self.options, Explain(providers.tracer))
        self._connections = Connections(lambda connection: make_wrapper(notes, server_of(connection)))
        self._application_name = ApplicationName(self._service_name)

    def detach(self) -> None:
        """Take the wrappers off all connections."""
        settings.off_reload(self._forget_options)
        self._connections.detach()
        self._application_name.detach()

    def observe(self, connection: Any) -> None:
        """Observe a connection that was open before the room was attached, of a thread that cannot be reached from here."""
        self._connections.observe(connection)

    def options(self) -> Options:
        """The settings in force."""
        options = self._options
        if options is None:
            read: Options | None = self._read_options(self.name)
            options = self._options = INACTIVE if read is None else read
        return options

    def _forget_options(self) -> None:
        self._options = None

    def _service_name(self) -> str | None:
        resource = getattr(self._tracer, "resource", None) or getattr(getattr(self._tracer, "_tracer", None), "resource", None)
        name = resource.attributes.get(semconv.SERVICE_NAME) if resource is not None else None
        return str(name) if name else os.environ.get(OTEL_SERVICE_NAME)

    def diagnose(self) -> Iterator[finding.Finding]:
        """Whether the connections of this thread carry the wrapper."""
        if not self.options().is_active:
            yield finding.Finding(finding.INFO, "database", "the room database is switched off")
            return
        opened, wrapped = self._connections.counts()
        if opened > wrapped:
            advice = "Something has replaced their execute_wrappers: statements on them are not seen."
            yield finding.Finding(finding.WARNING, "database", f"{opened - wrapped} of {opened} open connections are not observed", advice)
        elif opened:
            yield finding.Finding(finding.OK, "database", f"statements are observed on {_plural(opened)}")
        else:
            yield finding.Finding(finding.INFO, "database", "no connection has been opened yet; each will be observed")

    def numbers(self, operation: Operation) -> list[Number]:
        """Statements and their time, with those of operations inside this one; the N+1 queries, where there are any."""
        ledger: Ledger | None = operation.queries
        if ledger is None:
            return [Number("db", 0, 0)]
        numbers = [Number("db", ledger.duration_ns + ledger.inner_duration_ns, ledger.count + ledger.inner_count)]
        count = len(self._totals.findings(ledger))
        return [*numbers, Number("n_plus_one", None, count)] if count else numbers

    def ended(self, operation: Operation) -> None:
        """Tell what the operation's statements come to."""
        ledger: Ledger | None = operation.queries
        if ledger is None and operation.type == "subscription":
            return  # its events have told
        self._settle(operation, ledger, operation.span)
        self._record(operation, ledger)
        if ledger is not None and operation.outer is not None:
            outer = self._notes.ledger_of(operation.outer)
            outer.inner_count += ledger.count + ledger.inner_count
            outer.inner_duration_ns += ledger.duration_ns + ledger.inner_duration_ns

    def event_ends(self, operation: Operation, event: Any, result: Any, error: BaseException | None) -> None:  # noqa: ARG002
        """Each event of a subscription is told of by itself: the subscription may last for days."""
        ledger: Ledger | None = operation.queries
        self._settle(operation, ledger, get_current_span())
        self._record(operation, ledger)
        operation.queries = None

    def _settle(self, operation: Operation, ledger: Ledger | None, span: Span | None) -> None:
        findings = []
        if ledger is not None:
            ledger.close()
            self._add_spans(operation, ledger)
            findings = ledger.findings = self._find(ledger) or []
            self._report(operation, findings, span)
        self._describe(span, ledger, findings)


def _plural(connections: int) -> str:
    return "the open connection" if connections == 1 else f"all {connections} open connections"
