"""Decides what is an N+1 query, and says what to do about it. Pure: numbers and names in, sentences out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from otel_graphql_auto.database.places import Place
from otel_graphql_auto.database.relations import (
    ANNOTATE,
    DATALOADER,
    LOAD_FIELD,
    PREFETCH_LOST,
    PREFETCH_RELATED,
    SELECT_RELATED,
    Relation,
)

__all__ = ["Finding", "find"]


class Finding(NamedTuple):
    """A field that ran statements of one shape again and again in one operation.

    `duration_ns` is the time of all of them. `fix` is the kind of remedy, `relation` the `app.Model.attribute` that it is about where that
    is proved, `advice` the same in words. `file` and `line` are the application's code that ran them, or that returned what did.
    """

    coordinate: str
    fingerprint: str
    summary: str
    query_count: int
    duration_ns: int
    file: str | None
    line: int | None
    fix: str
    relation: str | None
    advice: str


def find(entries: Iterable[Any], threshold: int) -> Iterator[Finding]:
    """What is an N+1 among the entries of a ledger: a known field, a statement that reads, `threshold` times or more."""
    for entry in entries:
        if entry.coordinate is None or not entry.statement.is_read or entry.count < threshold:
            continue
        place: Place = entry.place or Place(None, None, None, None)
        if place.is_batch:
            continue
        relation = place.relation
        yield Finding(
            entry.coordinate,
            entry.statement.fingerprint,
            entry.statement.summary,
            entry.count,
            entry.duration_ns,
            place.file,
            place.line,
            relation.fix if relation is not None else DATALOADER,
            f"{relation.model}.{relation.name}" if relation is not None else None,
            _advice(relation, place.list_coordinate),
        )


def _advice(relation: Relation | None, list_coordinate: str | None) -> str:
    where = f"the queryset of {list_coordinate}" if list_coordinate is not None else "the queryset that these objects come from"
    if relation is None:
        return "fetch them together: a DataLoader, or one query for all objects"
    name = relation.name
    return {
        SELECT_RELATED: f'select_related("{name}") on {where}',
        PREFETCH_RELATED: f'prefetch_related("{name}") on {where}',
        PREFETCH_LOST: f'"{name}" was prefetched, and a filter or an order asks again: Prefetch("{name}", queryset=…) with it, or none',
        ANNOTATE: f'annotate(…=Count("{name}")) on {where}',
        LOAD_FIELD: f'"{name}" is deferred on {where}: load it with the rest',
    }[relation.fix]
