"""Any `OTEL_*` variable overrides a default of the distribution, and our own variables beat the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from .client import Exchange
from .receiver import Receiver, grpc_door
from .service import Service, run, telemetry_environment
from .telemetry import count

QUERIES = ("query Hello { hello }", "query Fails { hello failing }", "query Broken { hello", "query Slow { slow(milliseconds: 40) }")


def serve(project: Path, extra: dict[str, str], *, instrumented: bool = True) -> list[Exchange]:
    """Answers of a server that ends right after the last of them."""
    with Service(project, "runserver", extra, instrumented=instrumented) as service:
        answers = [service.client.query(query) for query in QUERIES]
        service.stop()
    return answers


@pytest.fixture(scope="module")
def bare(project: Path) -> list[tuple[int, bytes]]:
    """What the application answers without any telemetry."""
    answers = [(exchange.status, exchange.body) for exchange in serve(project, {}, instrumented=False)]
    assert [status for status, _ in answers] == [200, 200, 400, 200]
    return answers


def same(answers: list[Exchange], bare: list[tuple[int, bytes]]) -> bool:
    """Whether these answers are the bare ones, byte for byte."""
    return [(exchange.status, exchange.body) for exchange in answers] == bare


def test_the_sdk_can_be_disabled(receiver: Receiver, project: Path, bare: list[tuple[int, bytes]]) -> None:
    """With OTEL_SDK_DISABLED=true nothing is exported and the answers are the same bytes."""
    assert same(serve(project, telemetry_environment(receiver.endpoint, {"OTEL_SDK_DISABLED": "true"})), bare)
    assert receiver.telemetry.exports == []


def test_performance_monitoring_can_be_switched_off(receiver: Receiver, project: Path, bare: list[tuple[int, bytes]]) -> None:
    """With PERFORMANCE_MONITORING false nothing of ours is exported; HTTP spans go on, and the answers are the same bytes."""
    extra = {"OTEL_PYTHON_GRAPHQL_AUTO_PERFORMANCE_MONITORING": "False"}
    answers = serve(project, telemetry_environment(receiver.endpoint, extra))
    assert same(answers, bare)
    assert {span.trace_id for span in receiver.telemetry.servers()} == {exchange.trace_id for exchange in answers}
    assert [span.name for span in receiver.telemetry.spans if span.scope == "otel_graphql_auto"] == []
    assert [name for name in receiver.telemetry.names() if name.startswith("graphql")] == []


def test_the_room_can_be_disabled(receiver: Receiver, project: Path, bare: list[tuple[int, bytes]]) -> None:
    """With execution in DISABLED there is no operation span; HTTP spans go on, and the answers are the same bytes."""
    extra = {"OTEL_PYTHON_GRAPHQL_AUTO_DISABLED": '["execution"]'}
    assert same(serve(project, telemetry_environment(receiver.endpoint, extra)), bare)
    assert len(receiver.telemetry.servers()) == len(QUERIES)
    assert receiver.telemetry.operations() == []


def test_the_instrumentor_can_be_disabled(receiver: Receiver, project: Path, bare: list[tuple[int, bytes]]) -> None:
    """OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=graphql_auto leaves the SDK set up and our spans out."""
    extra = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "graphql_auto"}
    assert same(serve(project, telemetry_environment(receiver.endpoint, extra)), bare)
    assert receiver.telemetry.operations() == []
    assert receiver.telemetry.metric("process.memory.usage")


def test_signals_can_be_switched_off_one_by_one(receiver: Receiver, project: Path) -> None:
    """OTEL_METRICS_EXPORTER=none exports traces only; OTEL_TRACES_EXPORTER=none metrics only."""
    serve(project, telemetry_environment(receiver.endpoint, {"OTEL_METRICS_EXPORTER": "none"}))
    assert {path for path, _ in receiver.telemetry.exports} == {"/v1/traces"}
    assert len(receiver.telemetry.operations()) == len(QUERIES)
    with Receiver() as other:
        serve(project, telemetry_environment(other.endpoint, {"OTEL_TRACES_EXPORTER": "none"}))
        assert {path for path, _ in other.telemetry.exports} == {"/v1/metrics"}
        assert count(other.telemetry.metric("graphql.server.request.duration")) == len(QUERIES)


def test_grpc_can_be_chosen(receiver: Receiver, project: Path) -> None:
    """OTEL_EXPORTER_OTLP_PROTOCOL=grpc exports spans and metrics over gRPC, nothing over HTTP, and exits at once."""
    with grpc_door(receiver) as endpoint:
        serve(project, telemetry_environment(endpoint, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}))
    assert {headers.get("protocol") for _, headers in receiver.telemetry.exports} == {"grpc"}
    assert len(receiver.telemetry.operations()) == len(QUERIES)
    assert count(receiver.telemetry.metric("graphql.server.request.duration")) == len(QUERIES)


def test_the_users_names_and_samplers_are_taken(receiver: Receiver, project: Path) -> None:
    """OTEL_SERVICE_NAME, resource attributes, compression and the sampler are the user's; measurements do not depend on sampling."""
    extra = {
        "OTEL_SERVICE_NAME": "checkout",
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shops",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_TRACES_SAMPLER": "always_off",
    }
    serve(project, telemetry_environment(receiver.endpoint, extra))
    assert receiver.telemetry.spans == []
    assert {headers.get("Content-Encoding") for _, headers in receiver.telemetry.exports} == {"gzip"}
    assert {(resource["service.name"], resource["service.namespace"]) for resource in receiver.telemetry.resources()} == {
        ("checkout", "shops")
    }
    assert count(receiver.telemetry.metric("graphql.server.request.duration")) == len(QUERIES)


def test_old_conventions_can_be_asked_for(receiver: Receiver, project: Path) -> None:
    """OTEL_SEMCONV_STABILITY_OPT_IN=http/dup brings the old HTTP attributes beside the stable ones."""
    serve(project, telemetry_environment(receiver.endpoint, {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"}))
    for server in receiver.telemetry.servers():
        assert (server.attributes["http.method"], server.attributes["http.request.method"]) == ("POST", "POST")


@pytest.mark.parametrize("name", ["shop.settings", None], ids=["in the environment", "nowhere but in manage.py"])
def test_commands_work_and_export_no_span(receiver: Receiver, project: Path, name: str | None) -> None:
    """`check`, `migrate` and a shell run with the right settings under opentelemetry-instrument and export no span."""
    extra = telemetry_environment(receiver.endpoint, {"DJANGO_SETTINGS_MODULE": name} if name else {})
    instrumented = ("opentelemetry-instrument", "python", "manage.py")
    checked = run((*instrumented, "check"), cwd=project, extra=extra)
    assert "no issues" in checked.stdout
    migrated = run((*instrumented, "migrate"), cwd=project, extra=extra)
    assert "No migrations to apply" in migrated.stdout
    shell = run((*instrumented, "shell", "-c", "from django.conf import settings; print(settings.SHOP_MARKER)"), cwd=project, extra=extra)
    assert "the settings that manage.py names" in shell.stdout
    said = [line for done in (checked, migrated, shell) for line in done.stderr.splitlines()]
    # The one line that tells which of several distributions runs, where another one is installed beside ours.
    assert [line for line in said if not line.startswith("Configuration of ")] == []
    assert receiver.telemetry.spans == []
