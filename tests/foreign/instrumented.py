"""Run a script of unittest tests instrumented: `python instrumented.py SCRIPT ARGUMENTS`, each test inside a GraphQL operation.

Outside of operations nothing is observed of a database, and the comparison would say nothing. The test is called by a resolver, so that
its statements have a field that they belong to.
"""

from __future__ import annotations

import runpy
import sys
import unittest
from pathlib import Path
from typing import Any

import plugin  # before everything else: it instruments the process
from django.db.backends.utils import CursorWrapper
from django.test import SimpleTestCase
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, GraphQLString, graphql_sync

from otel_graphql_auto import current_operation


def _resolve(call: Any, _info: Any) -> str:
    call()
    return "ran"


_schema = GraphQLSchema(GraphQLObjectType("Query", {"test": GraphQLField(GraphQLString, resolve=_resolve)}))


def _run(call: Any) -> None:
    result = graphql_sync(_schema, "query RunTest { test }", root_value=call)
    if result.errors:
        raise result.errors[0].original_error or result.errors[0]
    if result.data != {"test": "ran"}:
        raise AssertionError(f"the operation around a test was answered with {result}")


def _in_operations(case: type[unittest.TestCase]) -> None:
    """Have what begins a test of this class, with whatever belongs before and after it, run inside an operation."""
    begin = case.__call__

    def begin_in_operation(test: Any, *args: Any, **kwargs: Any) -> None:
        if case is unittest.TestCase and isinstance(test, SimpleTestCase):
            begin(test, *args, **kwargs)  # called by Django's, which is in an operation already
        else:
            _run(lambda: begin(test, *args, **kwargs))

    case.__call__ = begin_in_operation  # type: ignore[method-assign]


def _count_statements() -> None:
    """Count by ourselves what Django hands to its execute wrappers inside an operation: each has to be seen, on whichever connection."""
    execute = CursorWrapper._execute_with_wrappers

    def execute_counted(*args: Any, **kwargs: Any) -> Any:
        if current_operation() is not None:
            plugin.executed.append(None)  # an append is one step, whatever other threads do
        return execute(*args, **kwargs)

    CursorWrapper._execute_with_wrappers = execute_counted


def main() -> None:
    script = sys.argv[1]
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(script).resolve().parent)
    _in_operations(unittest.TestCase)
    _in_operations(SimpleTestCase)
    _count_statements()
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        print(f"otel_graphql_auto saw {plugin.write()}")


if __name__ == "__main__":
    main()
