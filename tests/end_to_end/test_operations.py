"""What one request becomes in telemetry, under every way of starting the application."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .client import Exchange
from .receiver import Receiver
from .service import EXPORT_AT_THE_END, Service, telemetry_environment
from .telemetry import ERROR, INTERNAL, OURS, Span, count
from .traffic import NOT_OPERATIONS, Recording, resident_bytes, send_everything

WAYS = ["runserver", "reloader", "executable", "gunicorn", "gunicorn-preload", "gunicorn-threads", "uvicorn", "uvicorn-workers"]
WORKERS = ["gunicorn", "gunicorn-preload", "uvicorn-workers"]


@pytest.fixture(scope="module", params=WAYS)
def recording(request: pytest.FixtureRequest, project: Path) -> Iterator[Recording]:
    """One server that got every kind of request and a signal to end immediately after the last answer."""
    server = request.param
    with Receiver() as receiver:
        with Service(project, server, telemetry_environment(receiver.endpoint, EXPORT_AT_THE_END)) as service:
            recording = Recording(server, receiver.telemetry, *send_everything(service.client))
            workers = {exchange.data["process"] for exchange in recording.sync_together + recording.async_together}
            recording.resident_bytes = {process: resident_bytes(process) for process in workers}
            # A terminal sends control-C to everything it runs; a service manager sends SIGTERM to what it started.
            recording.exit_code = service.stop(signal.SIGINT if server == "reloader" else signal.SIGTERM, group=server == "reloader")
            recording.output = service.output
        yield recording


def operation_of(recording: Recording, name: str) -> Span:
    """The single operation span of a request that was sent once."""
    operations = recording.telemetry.operations(recording.exchanges[name].trace_id)
    assert len(operations) == 1, (name, recording.telemetry.trace(recording.exchanges[name].trace_id))
    return operations[0]


def test_every_answer_is_the_applications(recording: Recording) -> None:
    """The application answers as it does without us, and with the settings that manage.py names."""
    answers = recording.exchanges
    assert answers["hello"].data == {"hello": "hello world"}
    assert answers["right settings"].data == {"marker": "the settings that manage.py names", "installedApps": 5}
    assert [article["name"] for article in answers["database"].data["articles"]][:3] == ["cup", "lamp", "rug"]
    assert answers["mutation"].data == {"addArticle": {"article": {"name": "vase"}}}
    assert answers["variables"].data == {"hello": "hello Ada"}
    assert answers["async"].data == {"later": "one"}
    assert [(entry["id"], entry["status"], entry["data"]) for entry in answers["batch"].json] == [
        (n, 200, {"hello": "hello world"}) for n in (1, 2, 3)
    ]
    assert (answers["parse error"].status, answers["validation error"].status, answers["page"].body) == (400, 400, b"page")
    assert answers["resolver error"].json["data"] == {"hello": "hello world", "failing": None}
    assert b"graphiql" in answers["graphiql"].body


def test_nothing_is_lost_at_the_signal(recording: Recording) -> None:
    """Every request sent before the signal has its HTTP span, and everything that arrived could be decoded."""
    traces = {exchange.trace_id for exchange in recording.every_exchange if exchange is not recording.exchanges["no parent"]}
    arrived = {span.trace_id for span in recording.telemetry.servers()}
    assert traces - arrived == set()
    assert len(recording.telemetry.servers()) == len(recording.every_exchange)
    assert recording.telemetry.undecodable == []


def test_one_post_is_one_server_span_with_one_operation(recording: Recording) -> None:
    """1 POST = 1 SERVER span of the Django instrumentation with exactly 1 INTERNAL operation span as its child."""
    for name, exchange in recording.exchanges.items():
        if name in (*NOT_OPERATIONS, "no parent", "batch"):
            continue
        (server,) = recording.telemetry.servers(exchange.trace_id)
        operation = operation_of(recording, name)
        assert (operation.parent_id, operation.kind, operation.scope) == (server.span_id, INTERNAL, OURS), name
        assert server.start <= operation.start <= operation.end <= server.end, name
        assert server.scope == "opentelemetry.instrumentation.django", name


def test_pages_are_not_operations(recording: Recording) -> None:
    """A GraphiQL page and a page without GraphQL have their HTTP span and no operation."""
    for name in NOT_OPERATIONS:
        trace_id = recording.exchanges[name].trace_id
        assert len(recording.telemetry.servers(trace_id)) == 1, name
        assert recording.telemetry.operations(trace_id) == [], name


def test_a_batch_of_three_is_three_operations(recording: Recording) -> None:
    """A batch of 3 = 1 SERVER span with 3 operation children, each with its own name."""
    exchange = recording.exchanges["batch"]
    (server,) = recording.telemetry.servers(exchange.trace_id)
    operations = recording.telemetry.operations(exchange.trace_id)
    assert [operation.parent_id for operation in operations] == [server.span_id] * 3
    assert {operation.attributes["graphql.operation.name"] for operation in operations} == {"Batch1", "Batch2", "Batch3"}


def test_the_clients_trace_goes_on(recording: Recording) -> None:
    """The SERVER span is a child of the client's span; without a client's header it begins a trace."""
    exchange = recording.exchanges["hello"]
    (server,) = recording.telemetry.servers(exchange.trace_id)
    assert server.parent_id == exchange.parent_id
    roots = [span for span in recording.telemetry.servers() if not span.parent_id]
    assert len(roots) == 1
    assert [operation.parent_id for operation in recording.telemetry.operations(roots[0].trace_id)] == [roots[0].span_id]


def test_http_spans_speak_the_stable_conventions(recording: Recording) -> None:
    """HTTP spans are named by method and route and carry stable attribute names only."""
    for name, expected in {"hello": "POST graphql", "other mount": "POST api/gql/", "get": "GET graphql"}.items():
        (server,) = recording.telemetry.servers(recording.exchanges[name].trace_id)
        assert server.name == expected
        assert server.attributes["http.request.method"] == expected.split()[0]
        assert server.attributes["http.response.status_code"] == 200
        assert not {"http.method", "http.status_code", "http.url", "http.target"} & set(server.attributes)


def test_operations_say_what_they_are(recording: Recording) -> None:
    """Operation spans carry type, name and document hash, and are named by type."""
    for name, kind, expected in (
        ("hello", "query", "Hello"),
        ("mutation", "mutation", "Add"),
        ("get", "query", "ByGet"),
        ("async", "query", "Later"),
    ):
        operation = operation_of(recording, name)
        assert (operation.name, operation.attributes["graphql.operation.type"]) == (kind, kind)
        assert operation.attributes["graphql.operation.name"] == expected
        assert operation.attributes["graphql.document.hash"].startswith("sha256:")
        assert (operation.status, "error.type" in operation.attributes) == (0, False)


@pytest.mark.parametrize(
    ("name", "error_type", "fault"),
    [
        ("resolver error", "ValueError", "server"),
        ("error code", "FORBIDDEN", "client"),
        ("parse error", "GRAPHQL_PARSE_FAILED", "client"),
        ("validation error", "GRAPHQL_VALIDATION_FAILED", "client"),
    ],
)
def test_errors_are_seen(recording: Recording, name: str, error_type: str, fault: str) -> None:
    """An answer with errors, on HTTP 200 too, is status Error with type, fault, count and one event for each error."""
    operation = operation_of(recording, name)
    assert operation.status == ERROR
    assert operation.attributes["error.type"] == error_type
    assert operation.attributes["graphql_auto.error.fault"] == fault
    assert operation.attributes["graphql.error.count"] == 1
    assert [event.name for event in operation.events].count("graphql.error") == 1


def test_slow_phases_are_children(recording: Recording) -> None:
    """An execution that takes 60 ms has one execution span below its operation, inside its time."""
    operation = operation_of(recording, "slow")
    phases = [span for span in recording.telemetry.trace(operation.trace_id) if span.attributes.get("graphql.processing.type") == "execute"]
    assert [(phase.name, phase.parent_id) for phase in phases] == [("GraphQL Operation Execution", operation.span_id)]
    assert operation.start <= phases[0].start <= phases[0].end <= operation.end
    assert phases[0].end - phases[0].start >= 55_000_000


@pytest.mark.parametrize("kind", ["Sync", "Async"])
def test_concurrent_requests_never_mix(recording: Recording, kind: str) -> None:
    """Of 20 requests at the same time each has, in its own trace, its own operation below its own SERVER span."""
    exchanges: list[Exchange] = recording.sync_together if kind == "Sync" else recording.async_together
    for number, exchange in enumerate(exchanges):
        answer = exchange.data
        assert answer == {"process": answer["process"]} | ({"slow": "slow"} if kind == "Sync" else {"later": str(number)})
        (server,) = recording.telemetry.servers(exchange.trace_id)
        (operation,) = recording.telemetry.operations(exchange.trace_id)
        assert (server.parent_id, operation.parent_id) == (exchange.parent_id, server.span_id)
        assert operation.attributes["graphql.operation.name"] == f"{kind}{number}"
        assert {span.instance for span in recording.telemetry.trace(exchange.trace_id)} == {server.instance}


def test_durations_count_every_operation(recording: Recording) -> None:
    """`graphql.server.request.duration`, in seconds, counts every operation once, summed over processes and series."""
    points = recording.telemetry.metric("graphql.server.request.duration")
    assert {(point.unit, point.kind, point.temporality) for point in points} == {("s", "histogram", 2)}
    assert count(points) == recording.expected_operations == len(recording.telemetry.operations())
    spent = sum(operation.end - operation.start for operation in recording.telemetry.operations()) / 1e9
    assert sum(point.value for point in points) == pytest.approx(spent, rel=0.05)
    failed = [point for point in points if "error.type" in point.attributes]
    assert count(failed) == 4
    assert {point.attributes["graphql_auto.error.fault"] for point in failed} == {"client", "server"}


def test_nothing_is_active_after_the_end(recording: Recording) -> None:
    """`graphql.server.request.active` is back at 0 in every process."""
    points = recording.telemetry.metric("graphql.server.request.active")
    assert points
    assert [point.value for point in points] == [0] * len(points)


def test_durations_lead_to_traces(recording: Recording) -> None:
    """Exemplars of the duration histogram name operation spans that arrived."""
    operations = {(operation.trace_id, operation.span_id) for operation in recording.telemetry.operations()}
    exemplars = recording.telemetry.exemplars["graphql.server.request.duration"]
    assert exemplars
    assert {(one.trace_id, one.span_id) for one in exemplars} - operations == set()


def test_resources_name_service_and_process(recording: Recording) -> None:
    """The service is named after the Django project, and each process is an instance of its own."""
    assert {resource.get("service.name") for resource in recording.telemetry.resources()} == {"shop"}
    assert {resource.get("telemetry.distro.name") for resource in recording.telemetry.resources()} == {"otel-graphql-auto"}
    assert "" not in recording.telemetry.instances()
    instances: dict[int, set[str]] = {}
    for exchange in recording.sync_together + recording.async_together:
        (operation,) = recording.telemetry.operations(exchange.trace_id)
        instances.setdefault(exchange.data["process"], set()).add(operation.instance)
    assert all(len(of_process) == 1 for of_process in instances.values()), instances
    assert len(set.union(*instances.values())) == len(instances)
    # An event loop takes every connection that waits, so that now and then one of two workers answers everything.
    assert len(instances) == (2 if recording.server in WORKERS else 1) or (recording.server, len(instances)) == ("uvicorn-workers", 1)
    if recording.server not in WORKERS and not recording.server.startswith("gunicorn"):
        # Above all the parent of the reloader stays silent.
        assert recording.telemetry.instances() == set.union(*instances.values())


def test_process_metrics_are_the_serving_processes(recording: Recording) -> None:
    """CPU and memory of every process that answered are exported, and memory is that process's own."""
    names = {point.name for point in recording.telemetry.points.values() if point.name.startswith("process.")}
    assert "process.memory.usage" in names
    assert any(name.startswith("process.cpu.") for name in names), names
    for process, resident in recording.resident_bytes.items():
        (instance,) = {
            recording.telemetry.operations(exchange.trace_id)[0].instance
            for exchange in recording.sync_together + recording.async_together
            if exchange.data["process"] == process
        }
        points = [point for point in recording.telemetry.metric("process.memory.usage") if point.instance == instance]
        assert len(points) == 1, points
        assert points[0].unit == "By"
        assert points[0].value == pytest.approx(resident, rel=0.15)


def test_logs_are_not_exported_and_output_is_clean(recording: Recording) -> None:
    """No log record is exported by default, and the server's output shows no traceback of ours and no warning about telemetry."""
    assert recording.telemetry.logs == 0
    suspicious = [line for line in recording.output.splitlines() if "opentelemetry" in line.lower() or "otel" in line.lower()]
    # The one line that tells which of several distributions runs, where another one is installed beside ours.
    suspicious = [line for line in suspicious if not line.startswith("Configuration of ")]
    assert suspicious == []
    # The failing field of the traffic is logged by nobody, so no traceback belongs here at all.
    assert "Traceback" not in recording.output


def test_the_sql_of_an_operation_arrives_with_its_field(recording: Recording) -> None:
    """One span for each statement, below its operation, and the numbers of all of them in metrics, replayed at the last collection."""
    statements = {}
    for name in ("database", "mutation"):
        operation = operation_of(recording, name)
        (statement,) = [span for span in recording.telemetry.trace(operation.trace_id) if "db.system.name" in span.attributes]
        assert (statement.parent_id, statement.scope, statement.attributes["db.namespace"]) == (operation.span_id, OURS, "shop.sqlite3")
        assert operation.attributes["graphql_auto.db.query_count"] == 1
        statements[statement.name] = statement.attributes["graphql.field.schema_coordinate"]
    assert statements == {"SELECT shop_article": "Query.articles", "INSERT shop_article": "Mutation.addArticle"}
    # An instrumentation of the driver counts under the same name what no operation ran.
    assert count(point for point in recording.telemetry.metric("db.client.operation.duration") if point.scope == OURS) == 2
    points = recording.telemetry.metric("graphql_auto.operation.db.queries")
    assert count(points) >= recording.expected_operations
