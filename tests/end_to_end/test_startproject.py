"""A new user's first minutes: `django-admin startproject`, a schema of three lines, and telemetry without touching anything else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .client import Exchange
from .receiver import Receiver, wait_until
from .service import Service, run, telemetry_environment
from .telemetry import DJANGO, count

SCHEMA = """
import graphene

class Query(graphene.ObjectType):
    hello = graphene.String(name=graphene.String(default_value="world"))

    def resolve_hello(root, info, name):
        return f"Hello, {name}!"

schema = graphene.Schema(query=Query)
"""

URLS = """
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView

from bookshop.schema import schema

urlpatterns += [path("graphql", csrf_exempt(GraphQLView.as_view(graphiql=True, schema=schema)))]
"""
"""As graphene-django's tutorial has it: a page that needs no token, so that API clients can post."""


@pytest.fixture(scope="module")
def bookshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `django-admin startproject bookshop` makes, with graphene-django and a view added as its documentation says."""
    folder = tmp_path_factory.mktemp("startproject")
    run(("django-admin", "startproject", "bookshop"), cwd=folder)
    project = folder / "bookshop"
    (project / "bookshop" / "schema.py").write_text(SCHEMA)
    append(project / "bookshop" / "urls.py", URLS)
    append(project / "bookshop" / "settings.py", 'INSTALLED_APPS += ["graphene_django"]\n')
    return project


@pytest.fixture
def with_app(bookshop: Path) -> Iterator[Path]:
    """The same with our app installed, which lives in the same folder: its commands and checks are there then."""
    settings = bookshop / "bookshop" / "settings.py"
    before = settings.read_text()
    append(settings, 'INSTALLED_APPS += ["otel_graphql_auto"]\n')
    yield bookshop
    settings.write_text(before)


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def ask(service: Service) -> Exchange:
    """One operation, which must be answered as without telemetry."""
    exchange = service.client.query("query Greeting { hello }")
    assert exchange.data == {"hello": "Hello, world!"}
    return exchange


def test_one_request_gives_spans_and_metrics_under_the_projects_name(bookshop: Path, receiver: Receiver) -> None:
    """An HTTP span with the operation below it, metrics with the operation's name, and a service.name that nobody has set."""
    with Service(bookshop, "runserver", telemetry_environment(receiver.endpoint)) as service:
        exchange = ask(service)
        receiver.wait_for(lambda telemetry: telemetry.metric("graphql.server.request.duration"))
        service.stop()
    (server,) = receiver.telemetry.servers(exchange.trace_id)
    (operation,) = receiver.telemetry.operations(exchange.trace_id)
    assert server.scope == DJANGO
    assert operation.parent_id == server.span_id
    assert operation.attributes["graphql.operation.name"] == "Greeting"
    points = receiver.telemetry.metric("graphql.server.request.duration")
    assert count(points) == 1
    assert points[0].attributes["graphql.operation.name"] == "Greeting"
    assert {resource["service.name"] for resource in receiver.telemetry.resources()} == {"bookshop"}
    # A new project has DEBUG on, and shows its developer the times.
    assert "execute;dur=" in exchange.headers["Server-Timing"]


def test_the_console_prints_one_line_for_each_request_at_once(bookshop: Path) -> None:
    """With nothing but the variables of the README; without the SDK's delay of five seconds, and without colours, because this is a file."""
    with Service(bookshop, "runserver", {"OTEL_TRACES_EXPORTER": "graphql_console", "OTEL_METRICS_EXPORTER": "none"}) as service:
        ask(service)
        wait_until(lambda: service.output.count("query Greeting") == 1, timeout=2, what="the first line")
        ask(service)
        wait_until(lambda: service.output.count("query Greeting") == 2, timeout=2, what="the second line")
        service.stop()
    *shown, row = [line for line in service.output.splitlines() if "query Greeting" in line]
    assert len(shown) == 2, service.output
    assert all(re.fullmatch(r"POST graphql > query Greeting +[\d.]+ ms  200", line) for line in shown), shown
    assert re.match(r" ?query Greeting +2 ", row), row
    assert "\x1b" not in service.output


def test_the_console_stands_beside_a_collector_and_under_workers(project: Path, receiver: Receiver) -> None:
    """`otlp,graphql_console` under gunicorn with two workers: what arrives is printed once too, by the worker that answered."""
    variables = telemetry_environment(receiver.endpoint, {"OTEL_TRACES_EXPORTER": "otlp,graphql_console"})
    with Service(project, "gunicorn", variables) as service:
        traces = [service.client.query("query Greeting { hello }").trace_id for _ in range(6)]
        receiver.wait_for(lambda telemetry: all(telemetry.operations(trace_id) for trace_id in traces))
        wait_until(lambda: service.output.count("POST graphql > query Greeting") >= 6, what="six lines")
        service.stop()
    assert service.output.count("POST graphql > query Greeting") == 6
    # In each worker's table of its own.
    assert sum(int(count) for count in re.findall(r"^ ?query Greeting +(\d+) ", service.output, re.MULTILINE)) == 6


def test_the_doctor_finds_nothing_wrong_where_the_app_is_not_installed(bookshop: Path, receiver: Receiver) -> None:
    """`python -m otel_graphql_auto doctor`, as the README says for a project that has not been touched."""
    done = run(
        ("opentelemetry-instrument", "python", "-m", "otel_graphql_auto", "doctor", "--json"),
        cwd=bookshop,
        extra=telemetry_environment(receiver.endpoint),
    )
    report = json.loads(done.stdout)
    assert report
    assert '"error"' not in done.stdout, done.stdout


def test_with_the_app_installed_check_and_doctor_pass(with_app: Path, receiver: Receiver) -> None:
    """What `manage.py check` says of a project without settings of ours, and the exit code of the doctor."""
    assert "no issues" in run(("python", "manage.py", "check", "--fail-level", "WARNING"), cwd=with_app).stdout
    done = run(
        ("opentelemetry-instrument", "python", "manage.py", "graphql_auto", "doctor"),
        cwd=with_app,
        extra=telemetry_environment(receiver.endpoint),
    )
    assert done.stdout.strip()
