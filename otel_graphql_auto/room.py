"""What a room is: the moments of an operation's life that it can observe or answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from otel_graphql_auto.finding import Finding
from otel_graphql_auto.operation import Operation

__all__ = ["Number", "Room"]


class Number(NamedTuple):
    """What a room has to say of one operation to whoever reads the answer: nanoseconds, an amount, or both. None is not known, and not 0."""

    name: str
    duration_ns: int | None = None
    amount: int | None = None


class Room:
    """A component of the guide. It overrides the moments that concern it; the others cost nothing.

    Observers are called in the order of the rooms, at the end of something in the reverse order, so that a room which opened a span closes
    it after all that others have to say of it. What they return is ignored. Answers are asked for in the order of the rooms, and the first
    one that is not None becomes what the application gets, instead of what it would have computed.
    """

    name: ClassVar[str]
    telemetry: ClassVar[bool] = True
    """Only observes: PERFORMANCE_MONITORING = False switches it off. A component that the application relies on works on."""

    def detach(self) -> None:
        """Let go of whatever the room holds."""

    def diagnose(self) -> Iterable[Finding]:
        """Rows for `graphql_auto doctor`, after it has made a request: whether what the room attached to is still hooked."""
        return ()

    def parse(self, operation: Operation, source: Any) -> Any:
        """Answer with a DocumentNode instead of parsing `source`."""

    def identified(self, operation: Operation) -> None:
        """The document is parsed; type and name are known where the document has them."""

    def validate(self, operation: Operation, schema: Any, document: Any) -> Any:
        """Answer with a list of errors (empty: valid) instead of validating."""

    def executing(self, operation: Operation) -> None:
        """Execution is about to begin; `operation.schema` is known."""

    def execute(self, operation: Operation) -> Any:
        """Answer with an ExecutionResult instead of executing."""

    def encode(self, operation: Operation, body: dict[str, Any]) -> dict[str, Any] | None:
        """Answer with another body (`data`, `errors`, `extensions`) to encode; `body` itself stays as it is."""

    def numbers(self, operation: Operation) -> Iterable[Number]:  # noqa: ARG002 - for those who override it
        """The numbers that headers and extensions show. Asked for only when somebody gets to see them."""
        return ()

    def tables_written(self, alias: str, tables: frozenset[str] | None) -> None:
        """A statement that writes has run on the database `alias`, inside an operation or not, perhaps in a transaction that is not over.

        `tables` are the names in its text. None: it writes, and which tables cannot be told.
        """

    def suspended(self, operation: Operation) -> None:
        """Control goes back to a caller that does not belong to the operation."""

    def resumed(self, operation: Operation) -> None:
        """Control has come back."""

    def event_begins(self, operation: Operation) -> Any:
        """A subscription event is about to be executed. What is returned comes back in `event_ends`."""

    def event_ends(self, operation: Operation, event: Any, result: Any, error: BaseException | None) -> None:
        """It has been executed."""

    def ended(self, operation: Operation) -> None:
        """The operation is over and its response is made."""
