"""logging_config(): JSON lines that lead to traces, under Django as it is started."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import subprocess
import sys
import threading
import uuid
from datetime import datetime, timezone
from decimal import Decimal

import graphene
import pytest
from opentelemetry.trace import format_span_id, format_trace_id

import otel_graphql_auto
from otel_graphql_auto import logging_config
from otel_graphql_auto.logs import JsonFormatter

logger = logging.getLogger("shop.orders")


class Query(graphene.ObjectType):
    order = graphene.String()
    in_thread = graphene.String()
    later = graphene.String()

    def resolve_order(self, info):
        logger.info("Order %d", 17, extra={"customer": 4})
        return "17"

    def resolve_in_thread(self, info):
        import contextvars

        thread = threading.Thread(target=contextvars.copy_context().run, args=(logger.info, "in a thread"))
        thread.start()
        thread.join()
        return "done"

    async def resolve_later(self, info):
        logger.info("later")
        return "later"


schema = graphene.Schema(Query)


@pytest.fixture
def lines():
    """What is logged during the test, line by line, through the shipped configuration and dictConfig."""
    stream = io.StringIO()
    before = {name: (logging.getLogger(name).handlers[:], logging.getLogger(name).level) for name in ("", "django", "django.server")}
    logging.config.dictConfig(logging_config(stream=stream))
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for name, (handlers, level) in before.items():
        logging.getLogger(name).handlers[:] = handlers
        logging.getLogger(name).setLevel(level)


def test_an_ordinary_log_inside_an_operation_carries_its_trace(seen, lines):
    """And what `extra` says; nobody passes an id around."""
    assert schema.execute("query Order { order }").data == {"order": "17"}
    (line,) = [line for line in lines() if line["logger"] == "shop.orders"]
    (span,) = seen.operation_spans
    assert line["trace_id"] == format_trace_id(span.context.trace_id)
    assert line["span_id"] == format_span_id(span.context.span_id)
    assert int(line["trace_flags"], 16) & 1  # sampled
    assert (line["level"], line["message"], line["customer"]) == ("INFO", "Order 17", 4)
    assert datetime.fromisoformat(line["timestamp"]).utcoffset().total_seconds() == 0


async def test_so_does_one_in_a_thread_or_a_coroutine(seen, lines):
    """Context goes with them."""
    assert schema.execute("query InThread { inThread }").errors is None
    assert (await schema.execute_async("query Later { later }")).errors is None
    found = {line["message"]: line["trace_id"] for line in lines() if line["logger"] == "shop.orders"}
    traces = {span.attributes["graphql.operation.name"]: format_trace_id(span.context.trace_id) for span in seen.operation_spans}
    assert found == {"in a thread": traces["InThread"], "later": traces["Later"]}


def test_the_line_about_a_slow_operation_leads_to_its_trace(seen, lines, configure):
    """It is written when the operation has ended, and its numbers are fields."""
    configure(SLOW_QUERY_THRESHOLD=0)
    schema.execute("query Slow { order }")
    (line,) = [line for line in lines() if line["logger"] == "otel_graphql_auto.slow"]
    (span,) = seen.operation_spans
    assert line["trace_id"] == format_trace_id(span.context.trace_id)
    assert line["operation_name"] == "Slow"
    assert line["duration_ms"] > 0


def test_outside_of_a_span_there_are_no_ids(lines):
    """Absent, not zeros."""
    logger.warning("alone")
    (line,) = lines()
    assert set(line) == {"timestamp", "level", "logger", "message"}


def test_whatever_is_logged_is_one_line_of_json(lines):
    """Exceptions, line breaks, surrogates, values that JSON does not know, cycles, a dict instead of a message."""
    cycle: dict = {}
    cycle["self"] = cycle
    logger.info(
        "two\nlines \ud800", extra={"id": uuid.UUID(int=1), "price": Decimal("1.5"), "at": datetime(2026, 1, 1, tzinfo=timezone.utc)}
    )
    logger.info("cycle", extra={"cycle": cycle})
    logger.info("key", extra={"tuples": {(1, 2): 3}})
    logger.info({"event": "dict"})
    logger.info("number", extra={"ratio": float("nan"), "count": 3, "long": "x" * 5000})
    try:
        raise ValueError("it broke")
    except ValueError:
        logger.exception("failed")
    first, second, third, fourth, fifth, last = lines()
    assert (fifth["ratio"], fifth["count"], fifth["long"]) == ("nan", 3, "x" * 5000)
    assert {line["timestamp"][10] for line in (first, second, fifth)} == {"T"}
    assert (first["message"], first["price"]) == ("two\nlines \ud800", "1.5")
    assert (second["message"], third["message"], fourth["event"]) == ("cycle", "key", "dict")
    assert last["exc_info"].endswith("ValueError: it broke")


def test_a_logged_request_does_not_show_its_query_string(lines, client):
    """Django adds the request to what it logs, and GraphQL over GET has literals there."""
    client.get("/no/such/page?query={user(password:%22hunter2%22)}")
    (line,) = [line for line in lines() if line["logger"] == "django.request"]
    assert line["message"] == "Not Found: /no/such/page"
    assert line["status_code"] == 404
    assert "hunter2" not in json.dumps(line)


def test_each_call_gives_a_new_dict():
    """To be changed at will."""
    first = logging_config("WARNING")
    first["loggers"]["shop"] = {"level": "DEBUG"}
    assert first["root"]["level"] == "WARNING"
    assert "shop" not in logging_config()["loggers"]


def test_a_django_project_starts_with_it_and_says_everything_once(tmp_path):
    """LOGGING = logging_config(): also where Django logs by itself, with DEBUG on and off; error mails stay."""
    script = """
import logging, sys
from django.conf import settings
from otel_graphql_auto import logging_config
assert "django.db" not in sys.modules
settings.configure(DEBUG={debug}, LOGGING=logging_config("DEBUG"), ADMINS=[("A", "a@example.org")], SECRET_KEY="only for a test",
    EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
import django
django.setup()
logging.getLogger("django.server").info("served")
logging.getLogger("django.request").error("broken")
logging.getLogger("django.server").error("served badly")  # runserver's line about the same request: no second mail
logging.getLogger("shop").debug("detail")
from django.core import mail
assert len(getattr(mail, "outbox", [])) == {mails}
"""
    for debug, mails in ((True, 0), (False, 1)):
        command = [sys.executable, "-c", script.format(debug=debug, mails=mails)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said = [json.loads(line)["message"] for line in done.stdout.splitlines()]
        assert [message for message in said if message in ("served", "broken", "served badly", "detail")] == [
            "served",
            "broken",
            "served badly",
            "detail",
        ]


def test_the_formatter_can_be_named_in_a_configuration_of_ones_own():
    """`"()": "otel_graphql_auto.logs.JsonFormatter"`."""
    record = logger.makeRecord("shop", logging.INFO, __file__, 1, "hello", (), None)
    assert json.loads(JsonFormatter().format(record))["message"] == "hello"
    assert otel_graphql_auto.logging_config()["formatters"]["json"]["()"] == "otel_graphql_auto.logs.JsonFormatter"
