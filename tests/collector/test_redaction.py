"""Planted secrets and SQL literals do not get through the collector, wherever in a span, a log record or a metric they stand."""

from __future__ import annotations

import json

import pytest

from tests.services.collector import attributes
from tests.services.processes import wait_until

from .otlp import CLIENT, counter, metrics_of, pairs, post, span, spans_of

PLANTED = "pl4nted"

SECRETS = {
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.{PLANTED}AAAAAAA",
    "bearer": f"Authorization failed: Bearer {PLANTED}0123456789",
    "basic": f"basic {PLANTED}MTIzNDU2Nzg5",
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{PLANTED}\n-----END RSA PRIVATE KEY-----",
    "cut private key": f"-----BEGIN PRIVATE KEY-----\n{PLANTED}",
    "query string": f"https://shop.example/cb?state=1&access_token={PLANTED}123",
    "json": f'{{"user": "ada", "password": "{PLANTED}-and-more"}}',
    "assignment": f"could not log in with password={PLANTED}",
    "quoted with anything in it": f"password = '$ome {PLANTED}, & more'",
    "json in json": f'{{"body": "{{\\"password\\": \\"{PLANTED}\\"}}"}}',
    "special characters": f"secret: ab$%{PLANTED}@!?",
    "graphql": f'mutation {{ logIn(name: "ada", password: "{PLANTED} x") {{ ok }} }}',
    "userinfo": f"redis://ada:{PLANTED}@redis:6379/0",
}

SHAPES = {
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": "ghp_0123456789abcdefABCDEF0123456789abcd",
    "amex": "378282246310005",
    "card": "4111111111111111",
    "card with dashes": "4111-1111-1111-1111",
    "card with spaces": "5500 0000 0000 0004",
}
"""Known by their look alone."""

NAMES = (
    "password",
    "user.passwd",
    "client_secret",
    "http.request.header.authorization",
    "http.request.header.cookie",
    "http.request.header.x-api-key",
    "http.response.header.set-cookie",
    "aws.secret_access_key",
    "refresh_token",
    "csrfmiddlewaretoken",
    "session.id",
    "sessionid",
    "apiKey",
    "db.query.parameter.email",
    "db.statement.parameters",
)


@pytest.mark.parametrize("secret", [*SECRETS.values(), *SHAPES.values()], ids=[*SECRETS, *SHAPES])
def test_no_secret_gets_through_in_any_place(secret, through):
    told = f"before {secret}"
    attribute, exception, graphql_error, status, name = through(
        span(attributes={"note": told}),
        span(events={"exception": {"exception.message": told, "exception.stacktrace": f"Traceback …\n{told}"}}),
        span(events={"graphql.error": {"graphql.error.message": told}}),
        span(status=told),
        span(told),
    )

    for arrived in (attribute, exception, graphql_error, status, name):
        text = json.dumps(arrived)
        assert PLANTED not in text
        assert not [shape for shape in SHAPES.values() if shape in text]
        assert "****" in text
        assert "before " in text, "only the secret is masked"


def test_an_attribute_that_is_called_a_secret_is_masked(through):
    [arrived] = through(span(attributes=dict.fromkeys(NAMES, "anything at all") | {"kept": "yes"}))

    assert attributes(arrived) == dict.fromkeys(NAMES, "****") | {"kept": "yes"}


HARMLESS = {
    "graphql.operation.name": "TokensOfUser",
    "graphql.document.hash": "sha256:4111111111111111111111111111111111111111111111111111111111111111",
    "graphql.field.schema_coordinate": "Query.passwordResets",
    "graphql_auto.limit.name": "tokens",
    "gen_ai.usage.input_tokens": 120,
    "code.file.path": "/srv/shop/tokens.py",
    "url.path": "/graphql/",
    "timestamp.us": 1795719848165719,
    "message": "Cannot query field 'secret' on type 'Query'.",
    "note": "Syntax Error: Expected Name, found '}'.",
}


def test_what_is_no_secret_stays_as_it_was(through):
    [arrived] = through(
        span("query", attributes=HARMLESS, status="Post.author: no such user"),
        resource={"service.name": "blog", "service.instance.id": "41111111-1111-4111-8111-111111111111"},
    )

    expected = {key: str(value) if isinstance(value, int) else value for key, value in HARMLESS.items()}
    assert attributes(arrived) == expected
    assert arrived["name"] == "query"
    assert arrived["status"]["message"] == "Post.author: no such user"


def test_an_instance_id_that_looks_like_a_card_is_left_alone(shipped, trace_backend):
    instance = "4111-1111-1111-1111"
    export = spans_of(span("of an instance"), resource={"service.name": "blog", "service.instance.id": instance})
    assert post(shipped.endpoint, export) == 200
    wait_until(
        lambda: any(attributes(one["resource"]).get("service.instance.id") == instance for one in trace_backend.arrived()),
        seconds=15,
        what="the span arriving under its instance",
    )


STATEMENTS = {
    # system, text, what has to be left of it
    "postgresql": ("postgresql", f"SELECT a FROM t WHERE s = '{PLANTED}' AND n = 8675309", "SELECT a FROM t WHERE s = ? AND n = ?"),
    "escaped quote": ("postgresql", f"SELECT a FROM t WHERE s = 'it''s {PLANTED}' AND n = 8675309", None),
    "cut within a literal": ("postgresql", f"SELECT a FROM t WHERE n = 1 AND s = '{PLANTED} and the", "SELECT a FROM t WHERE n = "),
    "numbers before the cut": (
        "postgresql",
        f"SELECT a FROM t2 WHERE n = 8675309 AND s = '{PLANTED}",
        "SELECT a FROM t",
    ),
    "cut before an escape": ("postgresql", f"SELECT a FROM t WHERE s = 'it''s {PLANTED}' AND r = 'x''{PLANTED}", None),
    "dollar quotes": ("postgresql", f"SELECT $tag${PLANTED} 8675309$tag$ FROM t", None),
    "cut dollar quotes": ("postgresql", f"SELECT a FROM t WHERE s = $${PLANTED} 8675309", None),
    "backslash": ("mysql", rf"SELECT a FROM t WHERE s = 'it\'s {PLANTED}' AND r = 8675309", None),
    "standard backslash": ("postgresql", rf"SELECT a FROM t WHERE s = 'c:\' AND r = '{PLANTED}' AND n = 8675309", None),
    "mysql's double quotes": ("mysql", f'SELECT a FROM t WHERE s = "{PLANTED}" AND n = 8675309', None),
    "mariadb's double quotes": ("mariadb", f'SELECT a FROM t WHERE s = "{PLANTED}" AND n = 8675309', None),
    "sqlite": ("sqlite", f"INSERT INTO t VALUES ('{PLANTED}', 8675309)", "INSERT INTO t VALUES ("),
    "no system": (None, f"SELECT a FROM t WHERE s = '{PLANTED}' AND n = 8675309", "SELECT a FROM t WHERE s = ? AND n = ?"),
    "upper case system": ("PostgreSQL", f"SELECT a FROM t WHERE s = '{PLANTED}' AND n = 8675309", "SELECT a FROM t WHERE s = ? AND n = ?"),
    "no system, double quotes": (None, f'SELECT a FROM t WHERE s = "{PLANTED}" AND n = 8675309', None),
    "mysql's comment": ("mysql", f"SELECT a FROM t WHERE n = 8675309 # {PLANTED}", None),
    "oracle's q-quotes": ("oracle.db", f"SELECT a FROM t WHERE s = q'[it's {PLANTED}]' AND n = 8675309", "****"),
    "a system whose name only contains sql": ("nosqldb", f"get {PLANTED} 8675309", "****"),
    "valkey": ("valkey", f"*2\r\n$3\r\nGET\r\n$7\r\n{PLANTED}8675309", "*"),
    "oracle": ("oracle.db", f"SELECT a FROM t2 WHERE s = '{PLANTED}' AND n = 8675309 AND m=:1", "SELECT a FROM t2 WHERE s = ? AND n = ?"),
    "sql server": ("microsoft.sql_server", f"SELECT TOP 8675309 a FROM [t] WHERE s = N'{PLANTED}'", "SELECT TOP ? a FROM [t] WHERE s = N?"),
    "redis": ("redis", f"SET key:8675309 {PLANTED}", "SET ?"),
    "elasticsearch": ("elasticsearch", f'{{"query": {{"match": {{"name": "{PLANTED}"}}}}}}', "****"),
    "password in SQL": ("postgresql", f"SELECT a FROM t WHERE password = '{PLANTED} {PLANTED}' AND s = '{PLANTED}'", None),
    "comment": ("postgresql", f"SELECT a FROM t /* {PLANTED} */ WHERE n = 8675309", None),
}


@pytest.mark.parametrize(("system", "text", "left"), STATEMENTS.values(), ids=STATEMENTS)
def test_no_literal_of_a_statement_gets_through(system, text, left, through):
    today, before = through(
        span("SELECT t", kind=CLIENT, attributes={"db.query.text": text} | ({"db.system.name": system} if system else {})),
        span("SELECT t", kind=CLIENT, attributes={"db.statement": text} | ({"db.system": system} if system else {})),
    )

    for arrived in (today, before):
        assert PLANTED not in json.dumps(arrived)
        assert "8675309" not in json.dumps(arrived)
        got = attributes(arrived)
        assert "db.statement" not in got, "today's name is the only one"
        assert got["db.query.text"]
        if left is not None:
            assert got["db.query.text"].startswith(left)
        assert got["db.system.name"] == (system or "other_sql")


def test_what_a_database_says_of_an_error_is_kept_without_values(through):
    message = (
        f"duplicate key value violates unique constraint \"users_email\"\nDETAIL:  Key (email)=({PLANTED}) already exists near '{PLANTED}'."
    )
    [arrived] = through(
        span(
            f"INSERT '{PLANTED}'",
            kind=CLIENT,
            attributes={"db.system.name": "postgresql"},
            status=message,
            events={
                "exception": {
                    "exception.message": message,
                    "exception.stacktrace": f"Traceback\n{message}",
                    "exception.type": "IntegrityError",
                }
            },
        )
    )

    text = json.dumps(arrived)
    assert PLANTED not in text
    assert text.count("users_email") == 3
    assert "IntegrityError" in text


def test_what_a_resolver_says_of_a_database_error_is_kept_without_values(through):
    """The same exception goes up to spans that name no database."""
    messages = [
        f"duplicate key\nDETAIL:  Key (email)=({PLANTED}) already exists.",
        f"(1062, \"Duplicate entry '{PLANTED}@example.org' for key 'users.email'\")",
        f"null value\nDETAIL:  Failing row contains (7, {PLANTED}, null).",
        f'invalid input syntax for type integer: "{PLANTED}"',
    ]
    for arrived in through(
        *(
            span(status=one, events={"graphql.error": {"graphql.error.message": one}, "exception": {"exception.message": one}})
            for one in messages
        )
    ):
        assert PLANTED not in json.dumps(arrived)
        assert any(words in arrived["status"]["message"] for words in ("duplicate key", "1062", "null value", "invalid input syntax"))


def test_a_failed_health_check_is_a_trace(through):
    [arrived] = through(span("GET readyz", kind=2, attributes={"url.path": "/readyz"}, status="no database"))

    assert arrived["name"] == "GET readyz"


def test_a_span_larger_than_a_batch_takes_nothing_with_it(through):
    """Three megabytes between small ones, in one message."""
    small, large, last = through(span("small"), span("large", attributes={"note": "a" * 4_000_000}), span("last"))

    assert (small["name"], large["name"], last["name"]) == ("small", "large", "last")


def test_a_metric_of_another_prefix_loses_no_count_when_a_name_goes(shipped, metrics_backend, started):
    points = {(("graphql.operation.name", "not a name"),): 400, (("graphql.operation.name", "nor this"),): 3}
    assert post(shipped.endpoint, metrics_of(counter("other.prefix", points, start=started))) == 200
    wait_until(lambda: metrics_backend.value("sum(other_prefix_total)") == 403, seconds=15, what="both counts")


def test_our_own_statements_pass_unchanged(through):
    """What the package writes has no literals, and a name with digits stays in the attributes that are searched by."""
    own = {
        "db.system.name": "postgresql",
        "db.query.text": "SELECT blog_user.id, blog_user.username FROM blog_user WHERE blog_user.id IN (?)",
        "db.query.summary": "SELECT blog_user",
        "db.collection.name": "blog_user",
        "graphql.field.schema_coordinate": "Post.author",
        "graphql_auto.db.query.fingerprint": "4f2c1d7a90b3e611",
    }
    [arrived] = through(span("SELECT blog_user", kind=CLIENT, attributes=own))

    assert attributes(arrived) == own
    assert arrived["name"] == "SELECT blog_user"


def test_a_health_check_is_no_trace_and_a_request_is(through, shipped, trace_backend):
    noise = span("GET healthz", kind=2, attributes={"url.path": "/healthz"})
    assert post(shipped.endpoint, spans_of(noise)) == 200
    [kept] = through(span("POST graphql/", kind=2, attributes={"url.path": "/graphql/"}))

    assert kept["name"] == "POST graphql/"
    assert noise["spanId"] not in {one["spanId"] for one in trace_backend.spans()}


def test_a_secret_in_a_label_does_not_reach_prometheus(shipped, metrics_backend, started):
    points = {(("note", f"token={PLANTED}"), ("password", PLANTED), ("graphql.operation.name", "Feed")): 3}
    assert post(shipped.endpoint, metrics_of(counter("planted.secrets", points, start=started))) == 200
    wait_until(lambda: metrics_backend.query("planted_secrets_total") != [], seconds=15, what="the counter in Prometheus")

    [series] = metrics_backend.query("planted_secrets_total")
    assert series["value"][1] == "3"
    assert (series["metric"]["note"], series["metric"]["password"]) == ("****", "****")


def test_no_secret_gets_through_in_lists_maps_resources_and_scopes(shipped, trace_backend):
    listed = {"arrayValue": {"values": [{"stringValue": f"password={PLANTED}"}, {"stringValue": "kept"}]}}
    mapped = {"kvlistValue": {"values": [{"key": "password", "value": {"stringValue": PLANTED}}]}}
    deep = span("deep", attributes={"note": "a" * 100_000 + f" password={PLANTED}"})
    deep["attributes"] += [{"key": "listed", "value": listed}, {"key": "mapped", "value": mapped}]
    export = spans_of(deep, resource={"service.name": "blog", "process.command_args": f"--password={PLANTED}"})
    export["resourceSpans"][0]["scopeSpans"][0]["scope"]["attributes"] = pairs({"secret": PLANTED})

    assert post(shipped.endpoint, export) == 200
    wait_until(lambda: any(one["spanId"] == deep["spanId"] for one in trace_backend.spans()), seconds=15, what="the span arriving")

    text = trace_backend.file.read_text()
    assert PLANTED not in text
    assert "kept" in text
