"""What errors mean: type, fault, and the field they belong to."""

from __future__ import annotations

from asyncio import CancelledError

import pytest
from graphql import GraphQLError, build_schema, get_operation_ast, parse

from otel_graphql_auto.execution.document import read_manifest, redacted
from otel_graphql_auto.execution.errors import coordinate_at, error_type, fault, path_text


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
    assert coordinate_at(SCHEMA, parsed, get_operation_ast(parsed), path) == coordinate


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
