"""The moments of an operation's life: framework adapters say that they happen, rooms observe or answer them.

Neither side knows the other, so that N rooms work under M frameworks. No function here that an adapter calls ever raises: rooms are
guarded one by one, and what else could fail is guarded as a whole and gives None; the adapter then goes on as if we were not there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

from otel_graphql_auto import settings
from otel_graphql_auto._safety import guard
from otel_graphql_auto.operation import BEGUN, CLAIMED, ENDED, Operation, Phase, current
from otel_graphql_auto.room import Room

__all__ = [
    "abandon",
    "answer",
    "begin",
    "claim",
    "end",
    "event_begins",
    "event_ends",
    "executed",
    "identified",
    "resume",
    "set_rooms",
    "settle",
    "suspend",
    "tables_written",
    "writes_are_observed",
]


_MOMENTS = (
    "parse",
    "identified",
    "validate",
    "executing",
    "execute",
    "encode",
    "numbers",
    "suspended",
    "resumed",
    "event_begins",
    "event_ends",
    "ended",
    "tables_written",
)

_ENDS = ("suspended", "event_ends", "ended")
"""Moments at which inner rooms are heard before outer ones."""

_PAIRS = ("event_begins", "event_ends")
"""What a room returns from the first comes back in the second, so a room that overrides one of them hears both."""


class _Moments:
    """For each moment the guarded methods of the rooms that are switched on. Made anew when the settings change."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        values = settings.get()
        monitoring = values.PERFORMANCE_MONITORING
        active = [room for room in rooms if room.name not in values.DISABLED and (monitoring or not room.telemetry)]
        self.active = bool(active)
        for moment in _MOMENTS:
            names = _PAIRS if moment in _PAIRS else (moment,)
            concerned = [room for room in active if any(getattr(type(room), name) is not getattr(Room, name) for name in names)]
            if moment in _ENDS:
                concerned.reverse()
            setattr(self, moment, tuple(guard(room.name, getattr(room, moment)) for room in concerned))

    parse: tuple[Callable[..., Any], ...]
    identified: tuple[Callable[..., Any], ...]
    validate: tuple[Callable[..., Any], ...]
    executing: tuple[Callable[..., Any], ...]
    execute: tuple[Callable[..., Any], ...]
    encode: tuple[Callable[..., Any], ...]
    numbers: tuple[Callable[..., Any], ...]
    suspended: tuple[Callable[..., Any], ...]
    resumed: tuple[Callable[..., Any], ...]
    event_begins: tuple[Callable[..., Any], ...]
    event_ends: tuple[Callable[..., Any], ...]
    ended: tuple[Callable[..., Any], ...]
    tables_written: tuple[Callable[..., Any], ...]


_abandoned: deque[tuple[Operation, BaseException | None, int]] = deque()
_rooms: Sequence[Room] = ()
_moments: _Moments | None = None


def set_rooms(rooms: Sequence[Room]) -> None:
    """Let exactly these rooms hear of operations from now on; the order is that of nesting."""
    global _rooms
    _rooms = tuple(rooms)
    _forget()


def _forget() -> None:
    global _moments
    _moments = None


settings.on_reload(_forget)


def _now() -> _Moments:
    global _moments
    settings.refresh()
    moments = _moments
    if moments is None:
        moments = _moments = _Moments(_rooms)
    return moments


def begin(request: Any = None, requested_name: str | None = None, *, inside: bool = False) -> Operation | None:
    """An operation may be about to arrive. None where no room listens; every other function here then ignores the call.

    `inside` says that it is one of its own although another one has begun. Without, that one is meant.
    """
    if not _rooms:
        return None
    if _abandoned:
        settle()
    moments = _now()
    if not moments.active:
        return None
    outer = current.get()
    if not inside and outer is not None and outer.state == BEGUN and outer.document is None:
        return None  # a view's get_response that calls the one it overrides: the outer call owns the operation
    # It keeps to the rooms that were there when it began: each of them sees the end of what it saw begin, and nothing else.
    operation = Operation(
        moments, request, outer=outer if outer is not None and outer.state != ENDED else None, requested_name=requested_name
    )
    current.set(operation)
    return operation


def identified(operation: Operation, document: Any, definition: Any) -> None:
    """`document` is parsed, and `definition` is the operation in it that will run (None: it cannot be told which)."""
    if operation.document is not None:
        return
    operation.document = document
    operation.definition = definition
    if definition is not None:
        operation.type = definition.operation.value
        operation.name = definition.name.value if definition.name else None
    else:
        kinds = {node.operation.value for node in document.definitions if hasattr(node, "operation")}
        operation.type = kinds.pop() if len(kinds) == 1 else None
    for observe in operation.moments.identified:
        observe(operation)


def claim(operation: Operation, schema: Any, variables: Any) -> None:
    """The operation's execution begins."""
    operation.state = CLAIMED
    operation.claimed = True
    operation.schema = schema
    operation.variables = variables
    for observe in operation.moments.executing:
        observe(operation)


def executed(operation: Operation, started: int, result: Any, error: BaseException | None) -> None:
    """Execution that began at `started` is over, with an ExecutionResult or with an exception that leaves it."""
    operation.result = result
    errors = [error] if error is not None else getattr(result, "errors", None)
    if errors:
        operation.errors = errors
    if operation.definition is None and errors:
        operation.failed_in = "request"  # the document has no such operation: nothing was executed
    elif operation.failed_in is None:
        # Variables are coerced inside execute(); the conventions count that as a phase of its own, before execution.
        coerced = operation.phases[-1] if operation.phases and operation.phases[-1].type == "variable_coercion" else None
        operation.phases.append(Phase("execute", coerced.ended if coerced else started, perf_counter_ns(), errors[0] if errors else None))
        operation.failed_in = "execute" if errors else None


def answer(moment: str, operation: Operation, *args: Any) -> Any:
    """The first answer of a room to `moment`, or None: nobody answers."""
    for ask in getattr(operation.moments, moment):
        given = ask(operation, *args)
        if given is not None:
            return given
    return None


def suspend(operation: Operation) -> None:
    """Control leaves the operation; the caller gets back the context it had."""
    if current.get() is operation:
        current.set(operation.outer)
        operation.outer = None
    for observe in operation.moments.suspended:
        observe(operation)


def resume(operation: Operation) -> None:
    """Control is back in the operation, perhaps in another task than before."""
    outer = current.get()
    if outer is not operation:
        operation.outer = outer
        current.set(operation)
    for observe in operation.moments.resumed:
        observe(operation)


def event_begins(operation: Operation) -> tuple[Operation | None, list[Any]] | None:
    """An event of a subscription is about to be executed. None where the subscription is over: its source has failed before."""
    if operation.state == ENDED:
        return None
    outer = current.get()
    resume(operation)
    return outer, [begins(operation) for begins in operation.moments.event_begins]


def event_ends(operation: Operation, begun: tuple[Operation | None, list[Any]] | None, result: Any, error: BaseException | None) -> None:
    """That event is over. `begun` is what `event_begins` gave."""
    if begun is None:
        return
    outer, events = begun
    for ends, event in zip(operation.moments.event_ends, reversed(events), strict=True):
        ends(operation, event, result, error)
    suspend(operation)
    if operation.state == ENDED and current.get() in (operation, None):
        current.set(outer)  # it ended while the event ran, and no longer knows


def end(operation: Operation, error: BaseException | None = None, ended: int | None = None) -> None:
    """The operation is over, or has been since `ended`. `error` is an exception that left it.

    Something that never became an operation is forgotten.
    """
    if operation.state == ENDED:
        return
    operation.state = ENDED
    operation.duration_ns = (ended or perf_counter_ns()) - operation.started
    if current.get() is operation:
        current.set(operation.outer)
    if operation.phases or operation.document is not None or operation.errors:
        if error is not None and not operation.errors:
            operation.errors = [error]
            operation.failed_in = operation.failed_in or "request"
        for observe in operation.moments.ended:
            observe(operation)
    operation.let_go()


def writes_are_observed() -> bool:
    """Whether any room wants to hear of writes."""
    return bool(_rooms) and bool(_now().tables_written)


def tables_written(alias: str, tables: frozenset[str] | None) -> None:
    """A statement that writes these tables has run on the database `alias`, inside an operation or not. None: some table."""
    for observe in _now().tables_written:
        observe(alias, tables)


def abandon(operation: Operation, error: BaseException | None = None) -> None:
    """Nobody holds what would have ended the operation. For finalizers: it is ended by and by.

    A finalizer runs wherever the garbage collector does, perhaps inside a lock that ending the operation needs.
    """
    if operation.state != ENDED:
        _abandoned.append((operation, error, perf_counter_ns()))


def settle() -> None:
    """End what was abandoned. Called before the next operation begins and before metrics are collected."""
    while _abandoned:
        try:
            operation, error, ended = _abandoned.popleft()
        except IndexError:
            return  # another thread was faster
        end(operation, error, ended)


answer = guard("lifecycle", answer)
begin = guard("lifecycle", begin)
identified = guard("lifecycle", identified)
claim = guard("lifecycle", claim)
executed = guard("lifecycle", executed)
suspend = guard("lifecycle", suspend)
resume = guard("lifecycle", resume)
event_begins = guard("lifecycle", event_begins)
event_ends = guard("lifecycle", event_ends)
end = guard("lifecycle", end)
writes_are_observed = guard("lifecycle", writes_are_observed)
tables_written = guard("lifecycle", tables_written)
