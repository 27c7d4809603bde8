"""Names for the schemas of a project that has several of them."""

from __future__ import annotations

import sys
import weakref
from types import ModuleType
from typing import Any

from graphql import GraphQLSchema

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import new_lock

__all__ = ["SchemaNames"]

_MAX_SCHEMAS = 20


class SchemaNames:
    """Gives each schema the dotted path of the module variable that holds it, as soon as a second schema is seen."""

    def __init__(self) -> None:
        self._names: weakref.WeakKeyDictionary[GraphQLSchema, str] = weakref.WeakKeyDictionary()
        self._given: set[str] = set()
        self._lock = new_lock()

    def name(self, schema: GraphQLSchema | None) -> str | None:
        """The schema's name, or None while there is only one. After twenty names, further schemas are `_OTHER`."""
        if schema is None:
            return None
        name = self._names.get(schema)
        if name is None:
            with self._lock:
                name = self._names.get(schema)
                if name is None:
                    name = self._names[schema] = self._find(schema)
                    self._given.add(name)
        return name if len(self._given) > 1 else None

    def _find(self, schema: GraphQLSchema) -> str:
        if len(self._given) >= _MAX_SCHEMAS:
            return semconv.OTHER
        for module_name, module in list(sys.modules.items()):
            if type(module) is not ModuleType:
                continue  # a lazy module would be imported by a look at it
            for variable, value in list(_variables(module).items()):
                # A graphene.Schema holds it; looking at __dict__ runs nobody's properties.
                if value is schema or (type(value).__name__ == "Schema" and _variables(value).get("graphql_schema") is schema):
                    return f"{module_name}.{variable}"
        return f"schema{len(self._given) + 1}"


def _variables(holder: Any) -> dict[str, Any]:
    return getattr(holder, "__dict__", None) or {}
