"""What is known of an operation that has ended while a budget was in force, and the lines that tell a person about it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from otel_graphql_auto._safety import text
from otel_graphql_auto.database.findings import Finding, find
from otel_graphql_auto.database.ledger import Entry, Ledger
from otel_graphql_auto.operation import Operation

__all__ = ["NO_FIELD", "Run", "message", "relative", "run_of"]

NO_FIELD = "(no field)"
"""Stands for the coordinate of statements that ran for no field, or for none that is known."""

_MAX_LINES = 20
_MAX_DOCUMENT = 60


@dataclass(frozen=True)
class Run:
    """One operation, or one event of a subscription. `ledger` is None where it ran no statement.

    `title` names it in a sentence, `key` in a file. `failure` says why it was never executed, `obstacle` why nothing was counted.
    """

    title: str
    name: str | None
    key: str
    ledger: Ledger | None
    failure: str | None
    obstacle: str | None

    @property
    def count(self) -> int:
        """The statements that it ran, without those of operations inside it, which are runs of their own."""
        return self.ledger.count if self.ledger is not None else 0

    @property
    def entries(self) -> list[Entry]:
        """Its statements by field and shape, the most frequent first."""
        entries = list(self.ledger.entries.values()) if self.ledger is not None else []
        return sorted(entries, key=lambda entry: (-entry.count, entry.coordinate or "", entry.statement.summary))

    def fields(self) -> Counter[str]:
        """How many statements each field ran."""
        counts: Counter[str] = Counter()
        for entry in self.entries:
            counts[entry.coordinate or NO_FIELD] += entry.count
        return counts

    def findings(self, threshold: int) -> list[Finding]:
        """Its N+1 queries."""
        return list(find(self.entries, threshold))


def run_of(operation: Operation, obstacle: str | None) -> Run:
    """What is to be kept of an operation: the rest of it is dropped when it has ended."""
    kind = operation.type or "operation"
    name = operation.name
    was_executed = any(phase.type == "execute" for phase in operation.phases)
    failure = f"{operation.failed_in} failed: {text(operation.errors[0], 200)}" if operation.errors else "was not executed"
    return Run(
        f"{kind} {text(name) if name else _document(operation)}",
        name,
        name or f"anonymous {_digest(operation)}",
        operation.queries,
        None if was_executed else failure,
        obstacle,
    )


def _document(operation: Operation) -> str:
    words = " ".join((operation.source or "").split())
    return f"`{text(words, _MAX_DOCUMENT)}`" if words else "without a name"


def _digest(operation: Operation) -> str:
    known = operation.document_hash
    if known is not None:
        return known.partition(":")[2][:12]
    from graphql import print_ast

    printed = print_ast(operation.document) if operation.document is not None else ""
    return hashlib.sha256(printed.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def message(parts: Iterable[tuple[str, Iterable[Entry]]]) -> str:
    """Sentences, each with its entries below it; no longer than what a person reads."""
    lines: list[str] = []
    for sentence, entries in parts:
        lines.append(sentence)
        lines.extend(f"  {line}" for line in _lines(entries))
    if len(lines) > _MAX_LINES:
        lines[_MAX_LINES - 1 :] = [f"  … and {len(lines) - _MAX_LINES + 1} more lines"]
    return "\n".join(lines)


def _lines(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        place = f" ({relative(entry.place.file)}:{entry.place.line})" if entry.place is not None and entry.place.file is not None else ""
        owner = f"for {entry.coordinate}" if entry.coordinate is not None else "for no field that is known"
        finding = next(find([entry], 2), None)
        advice = f": {finding.advice}" if finding is not None else ""
        yield f"{entry.count} x {entry.statement.summary} {owner}{place}{advice}"


def relative(file: str) -> str:
    """A path as it is shown: relative to the working directory where it is below that."""
    return file.removeprefix(f"{Path.cwd()}{os.sep}")
