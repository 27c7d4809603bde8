"""Spans as an application with the package sends them, encoded once and sent many times with other numbers and times in them.

Who counts what arrives needs no table: the id of a span says in which round and at which place of the round it was sent.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

OPERATIONS = 200
"""In a round each operation name is used once."""

MOST_SPANS = OPERATIONS * 13
"""In a round."""

SPANS_OF_A_MESSAGE = 512
"""As many as the SDK's batch span processor sends at once."""

MARK = b"\xf1ad"
UNSET = MARK + b"\0\0\0"
"""In every id: one replacement of bytes puts a round's number into all of them. The number of the span or trace follows."""

SPAN_ID = re.compile(b"(?s)\x12\x08" + re.escape(MARK) + b"(.{5})(?!\x12)")
"""Of a span in protobuf: round and place. (Those who write protobuf choose the order of fields; 0x12 comes after a trace's id in each.)"""

WHEN = b"when"
TIME = re.compile(b"(?s)(.{4})" + WHEN)
"""A time that is not set yet: how many nanoseconds it lies before the moment of sending, and a mark where its upper half will be."""

MICROSECOND, MILLISECOND = 1_000, 1_000_000
SCOPE, VERSION = "otel_graphql_auto", "1.0.0"

USER = 'SELECT "auth_user"."id", "auth_user"."username", "auth_user"."email", "auth_user"."is_active" FROM "auth_user" WHERE "auth_user"."id" = ? LIMIT ?'
POSTS = (
    'SELECT "blog_post"."id", "blog_post"."title", "blog_post"."body", "blog_post"."author_id", "blog_post"."published_at", "blog_author"."id", '
    '"blog_author"."name" FROM "blog_post" INNER JOIN "blog_author" ON ("blog_post"."author_id" = "blog_author"."id") WHERE ("blog_post"."published_at" '
    'IS NOT NULL AND "blog_author"."country" = ?) ORDER BY "blog_post"."published_at" DESC LIMIT ?'
)
COMMENTS = (
    'SELECT "blog_comment"."id", "blog_comment"."post_id", "blog_comment"."text" FROM "blog_comment" WHERE "blog_comment"."post_id" IN (?)'
)
COUNT = 'SELECT COUNT(*) AS "__count" FROM "blog_comment" WHERE ("blog_comment"."post_id" = ? AND "blog_comment"."hidden" = ?)'
UPDATE = 'UPDATE "blog_post" SET "views" = ("blog_post"."views" + ?) WHERE "blog_post"."id" = ?'
STATEMENTS = (("auth_user", USER), ("blog_post", POSTS), ("blog_comment", COMMENTS), ("blog_comment", COUNT), ("blog_post", UPDATE))


class Message:
    """An export of spans of one process; all its rounds are made of the same ones."""

    def __init__(self, spans: list[Span], resource: dict[str, Any]) -> None:
        export = ExportTraceServiceRequest()
        group = export.resource_spans.add()
        group.resource.attributes.extend(pairs(resource))
        scope = group.scope_spans.add()
        scope.scope.name, scope.scope.version = SCOPE, VERSION
        scope.spans.extend(spans)
        self.spans = len(spans)
        self._encoded = export.SerializeToString()
        self._times = [(found.start(), int.from_bytes(found[1], "little")) for found in TIME.finditer(self._encoded)]
        assert len(self._times) >= 2 * self.spans

    def encoded(self, *, round_number: int, now: int) -> bytearray:
        """The bytes to send now (ns)."""
        encoded = bytearray(self._encoded.replace(UNSET, MARK + round_number.to_bytes(3, "big")))
        for position, before in self._times:
            struct.pack_into("<Q", encoded, position, now - before)
        return encoded


@dataclass(frozen=True)
class Round:
    """What a process sends again and again: each operation once, in messages whose borders go through traces as in life."""

    messages: tuple[Message, ...]
    traces: tuple[tuple[range, bool], ...]
    """The places of the spans of each trace, and whether a sampler must keep it because it failed or was slow."""

    @property
    def spans(self) -> int:
        """How many there are in it."""
        return sum(message.spans for message in self.messages)


def round_of(process: int) -> Round:
    """One process's round; the same at each call."""
    chance = random.Random(process)
    spans: list[Span] = []
    traces = []
    for number in range(OPERATIONS):
        first = len(spans)
        failed, slow = number % 100 == 17, number % 100 == 42
        spans.extend(_operation(number, first, chance, failed=failed, slow=slow, repeats=number % 100 == 77))
        traces.append((range(first, len(spans)), failed or slow))
    borders = range(0, len(spans), SPANS_OF_A_MESSAGE)
    messages = tuple(Message(spans[border : border + SPANS_OF_A_MESSAGE], resource_of(process)) for border in borders)
    return Round(messages, tuple(traces))


def places(message: bytes) -> Iterator[tuple[int, int]]:
    """Round and place of each span in an export."""
    for found in SPAN_ID.findall(message):
        yield int.from_bytes(found[:3], "big"), int.from_bytes(found[3:], "big")


def resource_of(process: int) -> dict[str, Any]:
    """Attributes of the process."""
    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.0",
        "telemetry.distro.name": "otel-graphql-auto",
        "service.name": "load",
        "service.version": "1.0.0",
        "service.instance.id": f"process-{process}",
        "deployment.environment.name": "test",
        "host.name": "load-1",
        "process.pid": 1000 + process,
    }


def pairs(attributes: dict[str, Any]) -> Iterator[KeyValue]:
    """OTLP's list of key and value."""
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
    for key, value in attributes.items():
        yield KeyValue(key=key, value=AnyValue(**{kinds[type(value)]: value}))


def _operation(number: int, place: int, chance: random.Random, *, failed: bool, slow: bool, repeats: bool) -> Iterator[Span]:
    """The spans of one request, in the order in which they end."""
    # What tells traces apart is in the right half: a sampler remembers its decisions by that half alone.
    trace_id = chance.randbytes(8) + UNSET + number.to_bytes(2, "big")
    took = 1_500 * MILLISECOND if slow else chance.randint(8, 60) * MILLISECOND
    statements = chance.randint(6, 10)
    phase = chance.random() < 0.5
    id_of_operation, id_of_request = _span_id(place + statements + phase), _span_id(place + statements + phase + 1)
    for statement in range(statements):
        began = took * (statements - statement) // (statements + 1)
        table, text = STATEMENTS[chance.randrange(len(STATEMENTS))]
        attributes = _statement(table, text, chance) | ({"graphql_auto.db.slow": True} if slow and statement == 0 else {})
        lasted = (400 if slow and statement == 0 else 1) * MILLISECOND // 2
        yield _span(
            attributes["db.query.summary"],
            Span.SPAN_KIND_CLIENT,
            trace_id,
            _span_id(place + statement),
            id_of_operation,
            began,
            began - lasted,
            attributes,
        )
    kind, name = "mutation" if number % 5 == 0 else "query", operation_name(number)
    common = {"graphql.operation.type": kind, "graphql.operation.name": name}
    place += statements
    if phase:
        attributes = {"graphql.processing.type": "execution", **common}
        yield _span(
            "GraphQL Operation Execution",
            Span.SPAN_KIND_INTERNAL,
            trace_id,
            _span_id(place),
            id_of_operation,
            took - MILLISECOND,
            2000,
            attributes,
        )
    server = {"server.address": "shop.example", "server.port": 443}
    attributes = {"graphql.processing.type": "request", **common, "graphql.document.hash": f"sha256:{chance.randbytes(32).hex()}", **server}
    attributes |= {
        "graphql_auto.db.query_count": statements,
        "graphql_auto.db.duration": statements / 2000,
        "graphql_auto.client.name": "web",
    }
    operation = _span(kind, Span.SPAN_KIND_INTERNAL, trace_id, id_of_operation, id_of_request, took - 100 * MICROSECOND, 1500, attributes)
    if failed:
        operation.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="Post.author: no such user"))
        operation.attributes.extend(pairs({"error.type": "DoesNotExist", "graphql.error.count": 1, "graphql_auto.error.fault": "server"}))
        _event(operation, "graphql.error", {"graphql.error.message": "no such user", "graphql.field.path": "posts.0.author", **common})
    if slow:
        operation.attributes.extend(pairs({"graphql_auto.operation.slow": True}))
        _event(
            operation, "graphql_auto.slow_operation", {"graphql_auto.operation.duration": 1.5, "graphql_auto.operation.slow_threshold": 0.5}
        )
    if repeats:
        operation.attributes.extend(pairs({"graphql_auto.n_plus_one.count": 1, "graphql_auto.db.duplicate_count": 0}))
        found = {
            "graphql.field.schema_coordinate": "Post.author",
            "db.query.summary": "SELECT auth_user",
            "graphql_auto.n_plus_one.query_count": 50,
        }
        fix = {"graphql_auto.n_plus_one.fix": 'Post.objects.select_related("author")', "graphql_auto.n_plus_one.relation": "author"}
        _event(operation, "graphql_auto.n_plus_one", found | fix | {"code.file.path": "/srv/shop/blog/schema.py", "code.line.number": 42})
    yield operation
    attributes = {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "graphql/",
        "url.scheme": "https",
        "url.path": "/graphql/",
    }
    attributes |= {
        **server,
        "client.address": "192.0.2.7",
        "network.protocol.version": "1.1",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64)",
    }
    yield _span("POST graphql/", Span.SPAN_KIND_SERVER, trace_id, id_of_request, b"", took, 1000, attributes)


def operation_name(number: int) -> str:
    """A client's name for it."""
    return f"{('Feed', 'PostDetail', 'AuthorPage', 'Search', 'CommentsOf')[number % 5]}{number:03d}"


def _statement(table: str, text: str, chance: random.Random) -> dict[str, Any]:
    verb = text.split(" ", 1)[0]
    return {
        "db.system.name": "postgresql",
        "db.namespace": "blog",
        "db.operation.name": verb,
        "db.collection.name": table,
        "db.query.summary": f"{verb} {table}",
        "db.query.text": text,
        "server.address": "postgres",
        "server.port": 5432,
        "graphql.field.schema_coordinate": "Post.comments",
        "graphql.field.path": f"posts.{chance.randrange(20)}.comments",
        "graphql_auto.db.query.fingerprint": chance.randbytes(8).hex(),
    }


def _span_id(place: int) -> bytes:
    return UNSET + place.to_bytes(2, "big")


def _span(name: str, kind: Any, trace_id: bytes, span_id: bytes, parent: bytes, began: int, ended: int, attributes: dict[str, Any]) -> Span:
    """Times are nanoseconds before the moment of sending."""
    return Span(
        name=name,
        kind=kind,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        start_time_unix_nano=_unset(began),
        end_time_unix_nano=_unset(ended),
        attributes=pairs(attributes),
        flags=0x101,
    )


def _event(span: Span, name: str, attributes: dict[str, Any]) -> None:
    span.events.add(name=name, time_unix_nano=_unset(1600), attributes=pairs(attributes))


def _unset(before: int) -> int:
    return int.from_bytes(WHEN, "little") << 32 | before
