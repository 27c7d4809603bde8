"""What errors mean: type, fault, and the field they belong to."""

from __future__ import annotations

import time
from asyncio import CancelledError

import pytest
from graphql import GraphQLError, build_schema, execute_sync, get_operation_ast, parse, validate

from otel_graphql_auto.execution.coordinates import Coordinates
from otel_graphql_auto.execution.document import read_manifest, redacted
from otel_graphql_auto.execution.errors import error_type, fault, without_values
from otel_graphql_auto.operation import path_text


def located(original):
    return GraphQLError(str(original), path=["a"], original_error=original)


@pytest.mark.parametrize(
    ("error", "failed_in", "kind", "whose"),
    [
        (GraphQLError("x"), "parse", "GRAPHQL_PARSE_FAILED", "client"),
        (GraphQLError("x"), "validate", "GRAPHQL_VALIDATION_FAILED", "client"),
        (GraphQLError("x", extensions={"code": "LIMIT"}), "validate", "LIMIT", "client"),
        (GraphQLError("x"), "variable_coercion", "GraphQLError", "client"),
        (GraphQLError("unknown operation"), "execute", "GraphQLError", "client"),
        (GraphQLError("x", path=["a"]), "execute", "GraphQLError", "server"),
        (GraphQLError("x", path=["a"], extensions={"code": "UNAUTHENTICATED"}), "execute", "UNAUTHENTICATED", "client"),
        (GraphQLError("x", path=["a"], extensions={"code": "DATABASE"}), "execute", "DATABASE", "server"),
        (GraphQLError("x", path=["a"], extensions={"code": 7}), "execute", "GraphQLError", "server"),
        (located(ValueError("x")), "execute", "ValueError", "server"),
        (located(located(KeyError("x"))), "execute", "KeyError", "server"),
        (GeneratorExit(), "execute", "GeneratorExit", "client"),
        (CancelledError(), "execute", "asyncio.exceptions.CancelledError", "client"),
        (RuntimeError("x"), "request", "RuntimeError", "server"),
    ],
)
def test_type_and_fault(error, failed_in, kind, whose):
    """The code of the first error, else the phase, else the class of what was raised."""
    assert error_type([error], failed_in) == kind
    assert fault([error], failed_in) == whose


def test_one_error_of_the_servers_makes_it_the_servers_fault():
    """Whatever the client did besides."""
    client, server = GraphQLError("x", path=["a"], extensions={"code": "NOT_FOUND"}), located(ValueError())
    assert fault([client, client], "execute") == "client"
    assert fault([client, server], "execute") == "server"
    assert fault([server], "execute", lambda error: "client") == "client"
    assert fault([client], "execute", lambda error: "nonsense") == "client"


VALUES = build_schema("""
  input In { n: Int }  enum E { RED }  scalar S
  type Query { f(n: Int, s: String, e: E, i: In, id: ID, r: Int!): Int }
""")


@pytest.mark.parametrize(
    "document",
    [
        '{ f(n: "hunter2", r: 1) }',
        '{ f(r: "hunter2"',
        "{ f(n: 1.hunter2) }",
        '{ f(e: "hunter2", r: 1) }',
        '{ f(i: {n: "hunter2"}, r: 1) }',
        '{ f(i: "hunter2", r: 1) }',
        '{ f(r: 1) } "hunter2"',
        '{ f(r: 1) } """hunter2"""',
    ],
)
def test_messages_of_parsing_and_validating_show_no_literal(document):
    """What is wrong and where stays; what the client wrote goes."""
    try:
        errors = validate(VALUES, parse(document))
    except GraphQLError as error:
        errors = [error]
    assert errors
    for error in errors:
        message = without_values(error, error.message)
        assert "hunter2" not in message
        assert len(message) > 15


@pytest.mark.parametrize(
    "variables",
    [
        {"n": "hunter2"},
        {"n": {"hunter2": 1}},
        {"i": {"n": "hunter2; and more"}},
        {"i": {"hunter2": 1}},
        {"e": "hunter2"},
        {"n": "hun'ter2\""},
    ],
)
def test_messages_about_variables_show_no_value(variables):
    """However they are quoted."""
    document = parse("query ($n: Int, $i: In, $e: E) { f(n: $n, i: $i, e: $e, r: 1) }")
    errors = execute_sync(VALUES, document, variable_values=variables).errors
    assert errors
    for error in errors:
        message = without_values(error, error.message)
        assert "hunter2" not in message
        assert "hun'ter2" not in message
        assert message.startswith("Variable '$")


def test_names_of_the_schema_stay_in_messages():
    """They are what one needs to mend the client."""
    (error,) = validate(VALUES, parse("{ nope }"))
    assert without_values(error, error.message) == "Cannot query field 'nope' on type 'Query'."
    raised = GraphQLError('the "word" is mine', path=["a"], nodes=[parse("{ a }").definitions[0].selection_set.selections[0]])
    assert without_values(raised, raised.message) == 'the "word" is mine'


def test_an_argument_that_fails_at_run_time_is_the_clients_fault():
    """A variable that validation could not judge."""
    schema = build_schema("type Query { f(n: Int! = 1): Int }")
    result = execute_sync(schema, parse("query ($n: Int) { f(n: $n) }"), variable_values={"n": None})
    assert fault(result.errors, "execute") == "client"


SCHEMA = build_schema("""
  interface Node { id: ID  owner: User }
  type User implements Node { id: ID  owner: User  posts: [Post] }
  type Post implements Node { id: ID  owner: User  title: String }
  union Found = User | Post
  type Query { user: User  nodes: [Node]  search: [Found] }
""")


@pytest.mark.parametrize(
    ("document", "path", "coordinate"),
    [
        ("{ user { posts { title } } }", ["user", "posts", 3, "title"], "Post.title"),
        ("{ me: user { mine: posts { t: title } } }", ["me", "mine", 0, "t"], "Post.title"),
        ("{ user { ...F } } fragment F on User { posts { title } }", ["user", "posts"], "User.posts"),
        ("{ nodes { id } }", ["nodes", 0, "id"], "Node.id"),
        ("{ nodes { ... on Post { title } } }", ["nodes", 0, "title"], "Post.title"),
        ("{ search { ... on User { id } ... on Post { title } } }", ["search", 1, "title"], "Post.title"),
        ("{ user { posts { id } } ... { user { posts { title } } } }", ["user", "posts", 0, "title"], "Post.title"),
        ("{ ...A } fragment A on Query { ...B user { id } } fragment B on Query { ...A }", ["user", "id"], "User.id"),
        ("{ user { id } }", ["user", "nothing"], None),
        ("{ user { __typename } }", ["user", "__typename"], None),
        ("{ user { id } }", [], None),
    ],
)
def test_the_coordinate_of_a_response_path(document, path, coordinate):
    """Through aliases, lists, fragments and cycles of them."""
    parsed = parse(document)
    assert Coordinates(SCHEMA, parsed, get_operation_ast(parsed)).at(path) == coordinate


def test_a_document_cannot_make_the_search_long():
    """Spreads that multiply at every level, and thousands of one fragment: milliseconds."""
    node = "type Node { x: Node leaf: String }"
    multiplying = (
        "{ x { ...F0 } } "
        + "".join(f"fragment F{n} on Node {{ {f'x {{ ...F{n + 1} }} ' * 3} }} " for n in range(30))
        + "fragment F30 on Node { leaf }"
    )
    wide = "{ x { " + "...W " * 2000 + "} } fragment W on Node { " + " ".join(f"a{n}: leaf" for n in range(100)) + " }"
    schema = build_schema(f"{node} type Query {{ x: Node }}")
    for document, path in ((multiplying, ["x"] * 31 + ["leaf"]), (wide, ["x", "a99"])):
        parsed = parse(document)
        coordinates = Coordinates(schema, parsed, get_operation_ast(parsed))
        began = time.perf_counter()
        for _ in range(100):
            assert coordinates.at(path) in ("Node.leaf", None)
        assert time.perf_counter() - began < 2
    first = Coordinates(schema, (parsed := parse(multiplying)), get_operation_ast(parsed))
    assert first.at(["x"] * 31 + ["leaf"]) == "Node.leaf"


def test_paths_are_written_as_the_conventions_do():
    """Dots between names, brackets round indices."""
    assert path_text(["person", 0, "address"]) == "person[0].address"
    assert path_text([]) == ""


def test_redacting_hides_literals_and_nothing_else():
    """Names, variables, enums and booleans stay; the parsed document is not changed."""
    document = parse('query Q($v: Int = 7) { a(s: "secret", n: 42, f: 1.5, b: true, e: RED, v: $v, l: ["x", 3]) @include(if: true) }')
    shown = redacted(document)
    for secret in ("secret", "42", "1.5", "7", '"x"'):
        assert secret not in shown
    for kept in ("query Q($v: Int", "true", "RED", "$v"):
        assert kept in shown
    assert "secret" in str(document.to_dict())


def test_a_manifest_is_read_or_refused(tmp_path):
    """Hashes with and without their algorithm; another shape is a ValueError."""
    path = tmp_path / "manifest.json"
    path.write_text('{"sha256:ab": {"name": "A", "document": "query A { a }"}, "cd": {"name": "B"}}')
    manifest = read_manifest(str(path))
    assert manifest.by_hash == {"sha256:ab": "A", "sha256:cd": "B"}
    path.write_text('["A"]')
    with pytest.raises(ValueError, match="must map"):
        read_manifest(str(path))
