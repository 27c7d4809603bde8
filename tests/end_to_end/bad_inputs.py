"""Requests that nobody should send: each must get byte for byte the answer that it gets without us."""

from __future__ import annotations

import json
from typing import Any, TypedDict
from urllib.parse import quote, urlencode


class Request(TypedDict, total=False):
    """Arguments of `Client.send`."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


JSON = {"Content-Type": "application/json"}
SECRET = "hunter2-" * 6
"""A literal inside a document that no span may carry."""

DEPTHS = (25, 50, 60, 75, 100, 125, 150, 175, 195, 200, 300)
STEP = 20
"""Levels in one fragment: parsers that count nesting count it inside one definition only."""


def raw(body: bytes, path: str = "/graphql", content_type: str = "application/json") -> Request:
    """A POST with exactly these bytes."""
    return {"path": path, "body": body, "headers": {"Content-Type": content_type}}


def as_json(payload: Any, path: str = "/graphql") -> Request:
    """A POST of this as JSON; lone surrogates go as escapes, as JSON allows."""
    return raw(json.dumps(payload).encode(), path)


def deep(depth: int, leaf: str = "name") -> str:
    """A document whose selection is this deep."""
    return "query Deep { " + "node { " + "child { " * (depth - 2) + leaf + " }" * depth


def deep_by_fragments(depth: int) -> str:
    """A document whose selection is this deep when its fragments are spread, and flat as a text."""
    parts, left = ["query Chain { node { ...F0 } }"], depth - 2
    while left > STEP:
        number = len(parts) - 1
        parts.append(f"fragment F{number} on Node {{ {'child { ' * STEP}...F{number + 1}{' }' * STEP} }}")
        left -= STEP
    parts.append(f"fragment F{len(parts) - 1} on Node {{ {'child { ' * left}name{' }' * left} }}")
    return " ".join(parts)


def by_get(**parameters: str) -> Request:
    """A GET with these parameters."""
    return {"method": "GET", "path": f"/graphql?{urlencode(parameters, quote_via=quote)}"}


BAD_INPUTS: dict[str, Request] = {
    "invalid JSON": raw(b'{"query": '),
    "JSON of another kind": raw(b'"query"'),
    "JSON with NaN": raw(b'{"query": "{ hello }", "variables": {"x": NaN}}'),
    "JSON nested 10,000 deep": raw(b"[" * 10_000),
    "invalid UTF-8": raw(b'{"query": "{ hello \xff\xfe }"}'),
    "invalid UTF-8 as application/graphql": raw(b"{ hello \xff }", content_type="application/graphql"),
    "null bytes in JSON": raw(b'{"query": "{ hel\x00lo }"}'),
    "null bytes in the document": as_json({"query": "{ hel\0lo }"}),
    "null bytes in a variable": as_json({"query": "query N($n: String) { hello(name: $n) }", "variables": {"n": "a\0b"}}),
    "null bytes in the operation name": as_json({"query": "{ hello }", "operationName": "\0\x1b[31mred\r\n"}),
    "empty body": raw(b""),
    "empty object": as_json({}),
    "empty document": as_json({"query": ""}),
    "document of spaces": as_json({"query": "   "}),
    "only a fragment": as_json({"query": "fragment F on Query { hello }"}),
    "fragment first": as_json({"query": "fragment F on Query { hello } query Uses { ...F }"}),
    "fragments in a circle": as_json({"query": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"}),
    "type system document": as_json({"query": "type Query { hello: String }"}),
    "document is a number": as_json({"query": 5}),
    "document is a list": as_json({"query": ["{ hello }"]}),
    "document is an object": as_json({"query": {"a": 1}}),
    "3,000 aliases": as_json({"query": "{ " + " ".join(f"a{n}: hello" for n in range(3000)) + " }"}),
    "300 aliases of a failing field": as_json({"query": "{ " + " ".join(f"a{n}: failing" for n in range(300)) + " }"}),
    "500 unknown fields": as_json({"query": "{ " + " ".join(f"unknown{n}" for n in range(500)) + " }"}),
    "2,000 directives": as_json({"query": "{ hello " + "@include(if: true) " * 2000 + "}"}),
    "two operations without a name": as_json({"query": "query A { hello } query B { hello }"}),
    "unknown operation name": as_json({"query": "query A { hello }", "operationName": "B"}),
    "operation name null as text": as_json({"query": "query A { hello }", "operationName": "null"}),
    "operation name is a number": as_json({"query": "query A { hello }", "operationName": 7}),
    "operation name is a list": as_json({"query": "query A { hello }", "operationName": ["A"]}),
    "operation name is an object": as_json({"query": "query A { hello }", "operationName": {"a": "A"}}),
    "a megabyte of operation name": as_json({"query": f"query {'A' * (1 << 20)} {{ hello }}", "operationName": "A" * (1 << 20)}),
    "a megabyte of unknown operation name": as_json({"query": "query A { hello }", "operationName": "B" * (1 << 20)}),
    "a megabyte of field name": as_json({"query": "{ " + "f" * (1 << 20) + " }"}),
    "a megabyte of string": as_json({"query": '{ length(text: "' + "s" * (1 << 20) + '") }'}),
    "a megabyte of failing syntax": as_json({"query": '{ length(text: "' + "t" * (1 << 20)}),
    "lone surrogate in the document": as_json({"query": '{ hello(name: "\ud800") }'}),
    "lone surrogate in a comment": as_json({"query": "{ hello } # \udfff"}),
    "lone surrogate as a field": as_json({"query": "{ \ud83d }"}),
    "lone surrogate as an escape": as_json({"query": '{ hello(name: "\\ud800") }'}),
    "lone surrogate in a variable": as_json({"query": "query S($n: String) { hello(name: $n) }", "variables": {"n": "\udc00"}}),
    "lone surrogate in the operation name": as_json({"query": "query S { hello }", "operationName": "S\ud83d"}),
    "lone surrogate as operation name": as_json({"query": "query S\ud83d { hello }", "operationName": "S\ud83d"}),
    "control characters": as_json({"query": '{ hello(name: "\x07\x1b[2J") }'}),
    "byte order mark": as_json({"query": "\ufeff{ hello }"}),
    "line breaks in a name": as_json({"query": "query A\n\r\n{ unknown\u2028field }"}),
    "a missing variable": as_json({"query": "query V($text: String!) { length(text: $text) }"}),
    "a variable of the wrong type": as_json(
        {"query": "query V($text: String!) { length(text: $text) }", "variables": {"text": {"a": [1]}}}
    ),
    "a huge variable of the wrong type": as_json(
        {"query": "query V($n: Int!) { ballast(megabytes: $n) }", "variables": {"n": "v" * 50_000}}
    ),
    "variables as a list": as_json({"query": "query V($text: String) { hello(name: $text) }", "variables": ["text"]}),
    "variables as a number": as_json({"query": "query V($text: String) { hello(name: $text) }", "variables": 3}),
    "variables as broken text": as_json({"query": "{ hello }", "variables": "{broken"}),
    "an array where no batch is allowed": as_json([{"query": "{ hello }"}]),
    "an object where a batch is expected": as_json({"query": "{ hello }"}, "/batch/"),
    "an empty batch": as_json([], "/batch/"),
    "a batch of numbers": as_json([1, 2], "/batch/"),
    "a batch with one bad entry": as_json([{"query": "{ hello }"}, {"query": "{ nothing }"}, {"query": "{"}], "/batch/"),
    "a batch with one empty entry": as_json([{"query": "{ hello }"}, {}], "/batch/"),
    "text/plain": raw(b"{ hello }", content_type="text/plain"),
    "no content type": {"path": "/graphql", "body": b'{"query": "{ hello }"}'},
    "broken multipart": raw(b"--x\r\nnot a part", content_type="multipart/form-data; boundary=x"),
    "a form": raw(b"query=%7B%20hello%20%7D", content_type="application/x-www-form-urlencoded"),
    "a GET mutation": by_get(query='mutation M { addArticle(name: "x") { article { name } } }'),
    "a GET subscription": by_get(query="subscription S { nothing }"),
    "a GET without a document": by_get(),
    "a GET with a secret": by_get(query=f'query G {{ hello(name: "{SECRET}") }}'),
    "a long GET": by_get(query="query G { hello } #" + "g" * 3000),
    "a GET with a surrogate": {"method": "GET", "path": "/graphql?query=%7B%20hello%20%7D&operationName=%ED%A0%80"},
    "PUT": {"method": "PUT", "path": "/graphql", "body": b"{}", "headers": JSON},
    "DELETE": {"method": "DELETE", "path": "/graphql"},
    "OPTIONS": {"method": "OPTIONS", "path": "/graphql"},
    "an invented method": {"method": "EXPLODE", "path": "/graphql"},
    "no such page": {"method": "GET", "path": "/nothing/%00%1b/x"},
    "a host that is not allowed": as_json({"query": "{ hello }"}) | {"headers": JSON | {"Host": "evil.example"}},
    "a host that is none": as_json({"query": "{ hello }"}) | {"headers": JSON | {"Host": "a b/c@d"}},
    "a host that is not allowed, on a page": {"method": "GET", "path": "/page/", "headers": {"Host": "evil.example"}},
    "a broken traceparent": as_json({"query": "{ hello }"})
    | {"headers": JSON | {"traceparent": "00-zz-zz-zz", "tracestate": "=,,=;", "baggage": "a=%FF%00,="}},
    "huge client names": as_json({"query": "{ hello }"})
    | {"headers": JSON | {"apollographql-client-name": "c" * 3000, "graphql-client-version": "\xff\xed\xa0\x80;" * 20}},
    **{f"depth {depth}": as_json({"query": deep(depth)}) for depth in DEPTHS},
    **{f"depth {depth} by fragments": as_json({"query": deep_by_fragments(depth)}) for depth in (*DEPTHS, 1000)},
}
