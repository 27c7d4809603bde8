"""Finds the relation between models that a statement follows, as far as Django's own frames and model metadata prove it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final, NamedTuple

__all__ = [
    "ANNOTATE",
    "DATALOADER",
    "LOAD_FIELD",
    "PREFETCH_LOST",
    "PREFETCH_RELATED",
    "SELECT_RELATED",
    "Relation",
    "find_relation",
    "is_batch",
]

SELECT_RELATED: Final = "select_related"
PREFETCH_RELATED: Final = "prefetch_related"
PREFETCH_LOST: Final = "prefetch_lost"
ANNOTATE: Final = "annotate"
LOAD_FIELD: Final = "load_field"
DATALOADER: Final = "dataloader"


class Relation(NamedTuple):
    """What would make the repeated statement unnecessary: one of the constants above, for the attribute `name` of a model (`app.Model`)."""

    fix: str
    model: str
    name: str


def find_relation(frames: list[FrameType]) -> Relation | None:
    """The relation that the statement follows which is executed in the innermost of these frames. None where nothing is proved."""
    names = _names_in_django(frames)
    if names & _PREFETCHING:
        return None  # a prefetch follows relations of its own, for many objects at once
    for frame in frames:
        name = frame.f_code.co_name
        owner = frame.f_locals.get("self") if name == "__get__" or name in _QUERYING else None
        if owner is None:
            continue
        if name == "__get__":
            relation = _of_descriptor(owner, frame.f_locals.get("instance"))
            if relation is not None:
                return relation
        elif _is_a(owner, "django.db.models.query", "QuerySet"):
            relation = _of_queryset(owner, counts=bool(names & _COUNTING))
            if relation is not None:
                return relation
    return None


def is_batch(frames: list[FrameType]) -> bool:
    """Whether Django has split one question into several: `in_bulk()` of many keys, a prefetch for each chunk of `iterator()`."""
    names = _names_in_django(frames)
    return "in_bulk" in names or ("_iterator" in names and bool(names & _PREFETCHING))


_PREFETCHING = frozenset({"prefetch_related_objects", "prefetch_one_level"})
_COUNTING = frozenset({"count", "exists", "aggregate"})
_QUERYING = frozenset({"_fetch_all", "iterator", "get", "first", "last"}) | _COUNTING


def _names_in_django(frames: list[FrameType]) -> set[str]:
    return {frame.f_code.co_name for frame in frames if frame.f_globals.get("__name__", "").startswith("django.db.models.")}


def _is_a(value: Any, module: str, *names: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, tuple(getattr(loaded, name) for name in names))


def _of_descriptor(descriptor: Any, instance: Any) -> Relation | None:
    """An attribute of a model instance that is a row of another table, or a column that was deferred."""
    if instance is None:
        return None
    if _is_a(descriptor, "django.db.models.query_utils", "DeferredAttribute"):
        return Relation(LOAD_FIELD, instance._meta.label, descriptor.field.attname)
    if _is_a(descriptor, "django.db.models.fields.related_descriptors", "ForwardManyToOneDescriptor"):
        return Relation(SELECT_RELATED, instance._meta.label, descriptor.field.name)
    if _is_a(descriptor, "django.contrib.contenttypes.fields", "GenericForeignKey"):
        return Relation(PREFETCH_RELATED, instance._meta.label, descriptor.name)
    if _is_a(descriptor, "django.db.models.fields.related_descriptors", "ReverseOneToOneDescriptor"):
        return Relation(SELECT_RELATED, instance._meta.label, descriptor.related.get_accessor_name())
    return None


def _of_queryset(queryset: Any, *, counts: bool) -> Relation | None:
    """A related manager leaves the instance that it belongs to in its querysets."""
    instance = getattr(queryset, "_hints", {}).get("instance")
    if instance is None:
        return None
    accessors = dict(_accessors(queryset, instance))
    if len(accessors) != 1:
        return None
    ((name, cached_as),) = accessors.items()
    if cached_as in getattr(instance, "_prefetched_objects_cache", {}):
        return Relation(PREFETCH_LOST, instance._meta.label, name)
    return Relation(ANNOTATE if counts else PREFETCH_RELATED, instance._meta.label, name)


def _accessors(queryset: Any, instance: Any) -> Iterator[tuple[str, str]]:
    """The attributes of `instance` that may have given `queryset`, and under which names a prefetch keeps them; one is proof."""
    meta = instance._meta
    for field in queryset._known_related_objects:
        relation = field.remote_field
        if relation is not None and isinstance(instance, relation.model) and (name := relation.get_accessor_name()):
            yield name, name
    if queryset._known_related_objects:
        return
    tables = {table.table_name for table in queryset.query.alias_map.values()}
    for field in meta.many_to_many:
        if field.related_model is queryset.model and field.remote_field.through._meta.db_table in tables:
            yield field.name, field.name
    for related in meta.related_objects:
        if related.many_to_many and related.related_model is queryset.model and related.through._meta.db_table in tables:
            yield related.get_accessor_name(), related.field.related_query_name()
