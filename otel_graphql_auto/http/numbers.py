"""The numbers of operations as people read them: gathered for one HTTP request, and written as a header or as a block of an answer."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from time import perf_counter_ns
from typing import Any

from otel_graphql_auto.operation import Operation
from otel_graphql_auto.room import Number

__all__ = ["Receipts", "collected", "numbers_of", "performance", "server_timing"]

_NS_PER_MS = 1e6


class Receipts:
    """Sums over the operations of one HTTP request. Once it is closed nothing is added: a task may outlive its request."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.may_be_seen = False
        self.numbers: dict[str, Number] = {}
        self.started = perf_counter_ns()
        self.duration_ns = 0
        self._outer = collected.get()
        collected.set(self)

    def add(self, numbers: Iterable[Number]) -> None:
        """Add those of one operation."""
        if self.is_closed:
            return
        for number in numbers:
            known = self.numbers.get(number.name)
            self.numbers[number.name] = number if known is None else _sum(known, number)

    @property
    def is_closed(self) -> bool:
        """Whether the request is answered."""
        return self.duration_ns > 0

    def close(self) -> None:
        """The request is answered."""
        self.duration_ns = perf_counter_ns() - self.started
        collected.set(self._outer)
        self.request = self._outer = None


collected: ContextVar[Receipts | None] = ContextVar("otel_graphql_auto_receipts", default=None)
"""Those of the request that the current code runs for, where somebody will see them."""


def _sum(one: Number, other: Number) -> Number:
    return Number(one.name, _plus(one.duration_ns, other.duration_ns), _plus(one.amount, other.amount))


def _plus(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else one + other


def numbers_of(operation: Operation) -> list[Number]:
    """The operation's duration, that of each phase, and what other rooms have to say. So far, where it has not ended."""
    numbers = [Number("total", operation.duration_ns or perf_counter_ns() - operation.started)]
    numbers += [Number(phase.type, phase.ended - phase.started) for phase in operation.phases]
    for ask in operation.moments.numbers:
        numbers += ask(operation) or ()
    return numbers


def server_timing(numbers: Iterable[Number]) -> str:
    """The value of a Server-Timing header (W3C Server Timing): durations in milliseconds, counts as descriptions."""
    return ", ".join(
        number.name
        + ("" if number.duration_ns is None else f";dur={number.duration_ns / _NS_PER_MS:.3f}")
        + ("" if number.amount is None else f';desc="{number.amount}"')
        for number in numbers
    )


def performance(numbers: Iterable[Number]) -> dict[str, Any]:
    """The block `extensions.performance`: `milliseconds` by name, and `counts` by name where anything was counted."""
    milliseconds = {number.name: round(number.duration_ns / _NS_PER_MS, 3) for number in numbers if number.duration_ns is not None}
    counts = {number.name: number.amount for number in numbers if number.amount is not None}
    return {"milliseconds": milliseconds, **({"counts": counts} if counts else {})}
