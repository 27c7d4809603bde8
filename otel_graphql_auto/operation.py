"""The receipt of one GraphQL operation, on which every room writes its own lines, and which operation the current code runs for."""

from __future__ import annotations

import hashlib
from contextvars import ContextVar
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_graphql_auto._safety import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode
    from opentelemetry.trace import Span

__all__ = ["BEGUN", "CLAIMED", "ENDED", "Cause", "Operation", "Phase", "cause", "current", "path_text"]

BEGUN, CLAIMED, ENDED = range(3)
"""An operation that is known of but does not execute yet; one whose execution has begun; one that is over.

Code that executes a document joins a BEGUN operation and claims it. Beside or inside a claimed one it is an operation of its own:
that is how `schema.execute()` in a resolver counts, and why nothing counts twice.
"""


class Phase(NamedTuple):
    """One phase: its `graphql.processing.type`, its times on the monotonic clock in nanoseconds, and what it failed with."""

    type: str
    started: int
    ended: int
    error: BaseException | None


class Cause(NamedTuple):
    """The field that the current code runs for, where the stack cannot tell (coroutines, threads, batches).

    `path` is graphql-core's linked Path of the field in the response, `operation` the one that the field belongs to: a context that
    was copied inside one operation may be seen inside another.
    """

    coordinate: str
    path: Any
    operation: Any


class Operation:
    """What is known of one GraphQL operation so far. Read by hooks and by `current_operation()`; written by this package only.

    Times are nanoseconds: `started_at` and `ended_at` since the epoch, `started` and the phases on the monotonic clock. `labels` are the
    attributes that metrics may carry: its type and its admitted name. `queries` is what room database wrote: None before the first statement.
    """

    __slots__ = (
        "__weakref__",
        "_document_hash",
        "claimed",
        "definition",
        "deprecated",
        "document",
        "duration_ns",
        "errors",
        "failed_in",
        "fields",
        "labels",
        "moments",
        "name",
        "otel_context",
        "otel_previous",
        "outer",
        "parsed",
        "phases",
        "queries",
        "request",
        "requested_name",
        "result",
        "schema",
        "schema_name",
        "slow_fields",
        "source",
        "span",
        "started",
        "started_at",
        "state",
        "traced",
        "type",
        "variables",
    )

    def __init__(self, moments: Any, request: Any = None, *, outer: Operation | None = None, requested_name: str | None = None) -> None:
        self.started_at = time_ns()
        self.started = perf_counter_ns()
        self.state = BEGUN
        self.claimed = False
        self.moments = moments
        self.outer = outer
        self.request = request
        self.requested_name = requested_name
        self.schema: GraphQLSchema | None = None
        self.schema_name: str | None = None
        self.source: str | None = None
        self.parsed: DocumentNode | None = None
        self.document: DocumentNode | None = None
        self.definition: OperationDefinitionNode | None = None
        self.type: str | None = None
        self.name: str | None = None
        self.variables: Mapping[str, Any] | None = None
        self.phases: list[Phase] = []
        self.errors: Sequence[BaseException] = ()
        self.failed_in: str | None = None
        self.result: Any = None
        self.duration_ns = 0
        self.span: Span | None = None
        self.otel_context: Any = None
        self.otel_previous: Any = None
        self.fields: dict[str, int] | None = None
        self.deprecated: set[str] | None = None
        self.slow_fields: list[Any] | None = None
        self.traced = 0
        self.labels: dict[str, Any] | None = None
        self.queries: Any = None
        self._document_hash: str | None = None

    @property
    def duration(self) -> float:
        """Seconds from beginning to end, or so far."""
        return (self.duration_ns or perf_counter_ns() - self.started) / 1e9

    @property
    def document_hash(self) -> str | None:
        """`sha256:` and the hexadecimal digest of the document as it was sent, in UTF-8; None where its text was never seen."""
        if self._document_hash is None and self.source is not None:
            data = self.source.encode("utf-8", "surrogatepass")
            self._document_hash = "sha256:" + hashlib.sha256(data).hexdigest()
        return self._document_hash

    def set_attribute(self, key: str, value: Any) -> None:
        """Put an attribute on the operation's span, if it has one. For hooks: a tenant, a plan, a feature flag."""
        if self.span is not None:
            self.span.set_attribute(key, value)

    def add_phase(self, kind: str, started: int, errors: Sequence[BaseException] = ()) -> None:
        """A phase that began at `started` is over; `errors` are what the response will hold because of it."""
        self.phases.append(Phase(kind, started, perf_counter_ns(), errors[0] if errors else None))
        if errors:
            self.errors = errors
            self.failed_in = kind

    def measure_fields(self) -> None:
        """Begin to note what resolvers do: anew for an operation, and for each event of a subscription."""
        self.fields, self.deprecated, self.slow_fields, self.traced = {}, set(), [], 0

    def let_go(self) -> None:
        """Drop what is large once the operation is over: a task that it started may keep its context, and so this object, for long."""
        self.result = self.request = self.variables = self.outer = None
        self.schema = self.parsed = self.document = self.definition = self.source = None
        self.otel_context = self.otel_previous = self.slow_fields = None
        # An exception holds its traceback, and that the frames of the resolvers with all that they had.
        self.errors = ()
        self.phases = [phase._replace(error=None) for phase in self.phases]

    def at(self, monotonic: int) -> int:
        """The wall-clock nanosecond of a moment on the monotonic clock."""
        return self.started_at + monotonic - self.started


current: ContextVar[Operation | None] = ContextVar("otel_graphql_auto_operation", default=None)
cause: ContextVar[Cause | None] = ContextVar("otel_graphql_auto_cause", default=None)


def path_text(path: Sequence[str | int]) -> str:
    """A response path as the conventions write it: `person[0].address`."""
    written = ""
    for key in path:
        written += f"[{key}]" if isinstance(key, int) else f".{key}" if written else str(key)
    return text(written)
