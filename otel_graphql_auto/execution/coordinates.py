"""Finds the schema coordinate of a place in a response, in the document that asked for it. Pure.

The library does not say which type's field an error belongs to. Documents are the client's: the search is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

__all__ = ["Coordinates"]

_MAX_NODES = 20_000
"""Nodes of the document that are looked at for all places of one response together."""

_Place = tuple[Any, SelectionSetNode]


class Coordinates:
    """The coordinates of one operation's fields, by their place in the response."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode) -> None:
        self._schema = schema
        self._fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
        self._root: _Place = (roots[definition.operation.value], definition.selection_set)
        self._nodes_left = _MAX_NODES

    def at(self, path: Sequence[str | int]) -> str | None:
        """`Type.field` of the field at a response path; None where there is none, or where looking for it would take too long.

        Below an interface or a union it is that of the type that the document selects the field on.
        """
        places = [self._root]
        coordinate = None
        for key in path:
            if isinstance(key, int):
                continue
            found = [(owner, node) for owner, node in self._fields(places) if _response_name(node) == key]
            if not found or self._nodes_left <= 0:
                return None
            owner, node = found[0]
            declared = owner.fields.get(node.name.value) if isinstance(owner, GraphQLObjectType | GraphQLInterfaceType) else None
            if declared is None:
                return None
            coordinate = f"{owner.name}.{node.name.value}"
            below = get_named_type(declared.type)
            places = [(below, node.selection_set) for _, node in found if node.selection_set is not None]
        return coordinate

    def _fields(self, places: list[_Place]) -> Iterator[tuple[Any, FieldNode]]:
        """The fields at one level with the types they are selected on. A fragment counts once a level, as it does when it is executed."""
        waiting = list(places)
        spread: set[str] = set()
        while waiting:
            owner, selections = waiting.pop()
            for node in selections.selections:
                self._nodes_left -= 1
                if self._nodes_left <= 0:
                    return
                if isinstance(node, FieldNode):
                    yield owner, node
                    continue
                fragment: Any = node
                if isinstance(node, FragmentSpreadNode):
                    if node.name.value in spread or node.name.value not in self._fragments:
                        continue
                    spread.add(node.name.value)
                    fragment = self._fragments[node.name.value]
                condition = fragment.type_condition
                named = self._schema.get_type(condition.name.value) if condition else None
                waiting.append((named or owner, fragment.selection_set))


def _response_name(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value
