"""What a PromQL expression uses, read from the tree that Prometheus' own parser makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Tree = dict[str, Any]


@dataclass(frozen=True)
class Selector:
    """A metric, and all conditions that are put to it, as they stand in braces."""

    metric: str
    conditions: str


def selectors(tree: Any) -> list[Selector]:
    """Every one, wherever it stands."""
    found = (node for node in _nodes(tree) if node.get("type") in ("vectorSelector", "matrixSelector"))
    return [Selector(node["name"], ", ".join(_condition(one) for one in node["matchers"])) for node in found]


class Labels:
    """Follows labels through an expression: `problems` says which one is asked for where none can be.

    `known` gives the labels that series of a metric have; None for a metric that has no series, of which everything is believed.
    """

    def __init__(self, known: Callable[[str], set[str] | None]) -> None:
        self._known = known
        self.problems: list[str] = []

    def of(self, tree: Any) -> set[str] | None:
        """The labels that the result may have."""
        match tree["type"]:
            case "vectorSelector" | "matrixSelector":
                found = self._known(tree["name"])
                self._want({one["name"] for one in tree["matchers"]} - {"__name__"}, found, tree["name"])
                return found
            case "aggregation":
                return self._aggregation(tree)
            case "call":
                return self._call(tree)
            case "binaryExpr":
                return self._binary(tree)
            case "numberLiteral" | "stringLiteral":
                return set()
            case "parenExpr" | "subquery" | "unaryExpr" | "stepInvariantExpr":
                return self.of(tree["expr"])
        raise AssertionError(f"a kind of expression that this test does not know: {tree['type']}")

    def _want(self, labels: set[str], found: set[str] | None, where: str) -> None:
        if found is not None:
            self.problems += [f"{where} has no label {label}" for label in sorted(labels - found)]

    def _aggregation(self, tree: Tree) -> set[str] | None:
        inner = self.of(tree["expr"])
        grouping = set(tree["grouping"])
        self._want(grouping, inner, f"what {tree['op']} is taken of")
        if tree["op"] in ("topk", "bottomk", "limitk"):
            return inner
        if tree["without"]:
            return inner and inner - grouping
        return grouping

    def _call(self, tree: Tree) -> set[str] | None:
        name, arguments = tree["func"]["name"], tree["args"]
        inner = [self.of(argument) for argument in arguments]
        match name:
            case "label_replace":
                [labels, made, source] = inner[0], arguments[1]["val"], arguments[3]["val"]
                self._want({source} - {""}, labels, name)
                return labels and labels | {made}
            case "histogram_quantile":
                self._want({"le"}, inner[1], name)
                return inner[1] and inner[1] - {"le"}
            case "absent" | "absent_over_time":
                return {one["name"] for one in arguments[0].get("matchers", []) if one["type"] == "="} - {"__name__"}
            case "vector" | "scalar" | "time":
                return set()
        return _union(*inner) if inner else set()

    def _binary(self, tree: Tree) -> set[str] | None:
        left, right = self.of(tree["lhs"]), self.of(tree["rhs"])
        matching = tree["matching"] or {"on": False, "labels": [], "include": [], "card": "one-to-one"}
        if matching["on"]:
            for side in (left, right):
                self._want(set(matching["labels"]), side, f"a side of {tree['op']}")
        many, one = (right, left) if matching["card"] == "one-to-many" else (left, right)
        included = set(matching["include"])
        self._want(included, one, f"the one side of {tree['op']}")
        if tree["op"] == "or":
            return _union(left, right)
        if tree["op"] in ("and", "unless"):
            return left
        if matching["on"] and matching["card"] == "one-to-one" and tree["op"] not in (">", "<", ">=", "<=", "==", "!="):
            return set(matching["labels"])
        return _union(many, included) if included or matching["card"] != "one-to-one" else _union(left, right)


def _union(*sets: set[str] | None) -> set[str] | None:
    return None if None in sets else set().union(*(one for one in sets if one is not None))


def _nodes(tree: Any) -> Iterator[Tree]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _condition(matcher: Tree) -> str:
    text = matcher["value"].replace("\\", "\\\\").replace('"', '\\"')
    return f'{matcher["name"]}{matcher["type"]}"{text}"'
