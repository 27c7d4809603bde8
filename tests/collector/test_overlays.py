"""Each overlay does what its first line says, with real collectors on both sides."""

from __future__ import annotations

import os
import ssl
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.end_to_end.receiver import Receiver
from tests.services.collector import attributes, backend, collector
from tests.services.processes import wait_until
from tests.services.prometheus import Prometheus
from tests.services.redis import PASSWORD, redis

from .otlp import SERVER, counter, metrics_of, pairs, post, span, spans_of

ERROR, SLOW, STATEMENT, LONG, REST = "error", "slow", "statement", "long", "rest"


def trace(kind: str) -> list[dict]:
    """A request, its operation and a statement, none of which tells the sampler more than it has to."""
    trace_id = os.urandom(16).hex()
    request = span("POST graphql/", kind=SERVER, trace_id=trace_id, seconds=1.5 if kind == LONG else 0.01)
    operation = span(
        "query",
        trace_id=trace_id,
        parentSpanId=request["spanId"],
        status="failed" if kind == ERROR else None,
        attributes={"graphql_auto.operation.slow": kind == SLOW, "kind": kind},
    )
    statement = span(
        "SELECT t", trace_id=trace_id, parentSpanId=operation["spanId"], attributes={"graphql_auto.db.slow": kind == STATEMENT}
    )
    return [request, operation, statement]


def test_agents_send_every_trace_whole_to_one_of_two_gateways_which_keep_what_matters():
    """The spans of each trace come through two agents; errors, slow and long ones are all kept, of the rest the wanted part."""
    with ExitStack() as running:
        stores = [running.enter_context(backend()) for _ in range(2)]
        gateways = [
            running.enter_context(collector("sampling", "gateway", TEMPO_ADDR=store.grpc_address, SAMPLING_BASELINE_PERCENT="30"))
            for store in stores
        ]
        addresses = str([gateway.grpc_address for gateway in gateways])
        agents = [running.enter_context(collector("agent", GATEWAYS=addresses)) for _ in range(2)]
        kinds = [ERROR] * 50 + [SLOW] * 50 + [STATEMENT] * 50 + [LONG] * 50 + [REST] * 400
        traces = [trace(kind) for kind in kinds]
        for number, (request, operation, statement) in enumerate(traces):
            one, other = agents[number % 2], agents[(number + 1) % 2]
            if number % 10 == 0:
                assert post(one.endpoint, spans_of(statement)) == 200
                assert post(other.endpoint, spans_of(request, operation)) == 200
        rest = [each for number, each in enumerate(traces) if number % 10]
        assert post(agents[0].endpoint, spans_of(*(one[2] for one in rest))) == 200
        assert post(agents[1].endpoint, spans_of(*(one for each in rest for one in each[:2]))) == 200

        wanted = {one["spanId"] for each in traces[:200] for one in each}
        wait_until(
            lambda: wanted <= {one["spanId"] for store in stores for one in store.spans()}, seconds=30, what="all that failed or was slow"
        )
        for gateway in gateways:
            gateway.stop()
        arrived = [store.spans() for store in stores]

    places = defaultdict(set)
    for number, spans in enumerate(arrived):
        for one in spans:
            places[one["traceId"]].add(number)
    assert all(len(place) == 1 for place in places.values()), "a trace is in one gateway"
    assert Counter(number for place in places.values() for number in place).keys() == {0, 1}, "both work"
    spans_of_traces = Counter(one["traceId"] for spans in arrived for one in spans)
    assert set(spans_of_traces.values()) == {3}, "and whole"
    kept = Counter(kind for each, kind in zip(traces, kinds, strict=True) if each[0]["traceId"] in places)
    assert [kept[kind] for kind in (ERROR, SLOW, STATEMENT, LONG)] == [50] * 4
    assert 60 < kept[REST] < 180, "30 % of 400, give or take six standard deviations"


def test_what_an_agent_has_for_a_gateway_that_is_away_arrives_when_it_is_back():
    with backend() as one, backend() as other:
        addresses = str([one.grpc_address, other.grpc_address])
        with collector("agent", GATEWAYS=addresses) as agent:
            other.kill()
            spans = [span("query") for _ in range(200)]
            for part in range(0, 200, 20):
                assert post(agent.endpoint, spans_of(*spans[part : part + 20])) == 200
            wait_until(lambda: "connection refused" in agent.log_text(), seconds=15, what="the agent seeing that one is away")
            other.start()
            sent = {each["spanId"] for each in spans}
            wait_until(lambda: {each["spanId"] for store in (one, other) for each in store.spans()} == sent, seconds=60, what="every span")
            of_one, of_other = ({each["traceId"] for each in store.spans()} for store in (one, other))

    assert of_one
    assert of_other
    assert not of_one & of_other


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A certificate for `gateway` and `localhost`, its authority's, and a token, as files."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    certificate = authority.issue_cert("gateway", "localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    for part in certificate.cert_chain_pems:
        part.write_to_path(str(folder / "cert.pem"), append=True)
    (folder / "token").write_text("a-token-of-the-tests")
    (folder / "wrong").write_text("another-token")
    return {file.stem: str(file) for file in folder.iterdir()}


def test_secure_takes_telemetry_from_whoever_has_the_token_and_from_nobody_else(certificates):
    secured = {
        "COLLECTOR_CERT_FILE": certificates["cert"],
        "COLLECTOR_KEY_FILE": certificates["key"],
        "COLLECTOR_TOKEN_FILE": certificates["token"],
    }
    with backend() as store, collector("secure", TEMPO_ADDR=store.grpc_address, **secured) as server:
        endpoint, context = f"https://127.0.0.1:{server.http_port}", ssl.create_default_context(cafile=certificates["ca"])
        token = {"Authorization": f"Bearer {Path(certificates['token']).read_text()}"}
        welcome = span("welcome")

        assert post(endpoint, spans_of(span("no token")), context=context) == 401
        assert post(endpoint, spans_of(span("wrong token")), {"Authorization": "Bearer wrong"}, context) == 401
        assert post(server.endpoint, spans_of(span("no TLS")), token) == 400
        assert post(endpoint, spans_of(welcome), token, context) == 200
        wait_until(lambda: store.spans() != [], seconds=15, what="the span arriving")

        agent = {
            "GATEWAYS": str([server.grpc_address]),
            "GATEWAY_CA_FILE": certificates["ca"],
            "GATEWAY_TOKEN_FILE": certificates["token"],
        }
        with collector("agent", "agent-secure", **agent | {"GATEWAY_TOKEN_FILE": certificates["wrong"]}) as stranger:
            assert post(stranger.endpoint, spans_of(span("through a stranger"))) == 200
            wait_until(lambda: "Unauthenticated" in stranger.log_text(), seconds=15, what="the stranger being refused")
        with collector("agent", "agent-secure", **agent) as friend:
            assert post(friend.endpoint, spans_of(span("through a friend"))) == 200
            wait_until(lambda: len(store.spans()) > 1, seconds=15, what="the span through an agent")

        assert [one["name"] for one in store.spans()] == ["welcome", "through a friend"]


def test_span_metrics_counts_operations_before_they_are_sampled(metrics_backend: Prometheus, tmp_path: Path):
    (tmp_path / "often.yaml").write_text("connectors: {span_metrics: {metrics_flush_interval: 1s}}")
    with backend() as store:
        where = {"TEMPO_ADDR": store.grpc_address, "PROMETHEUS_OTLP_URL": metrics_backend.otlp_url}
        with collector("sampling", "span-metrics", tmp_path / "often.yaml", SAMPLING_BASELINE_PERCENT="1", **where) as server:
            spans = [span("query", attributes={"graphql.operation.name": "Counted", "graphql.operation.type": "query"}) for _ in range(100)]
            assert post(server.endpoint, spans_of(*spans, resource={"service.name": "spans"})) == 200
            counted = 'sum(traces_span_metrics_calls_total{graphql_operation_name="Counted", service_name="spans"})'
            wait_until(lambda: metrics_backend.value(counted) == 100, seconds=30, what="100 calls in Prometheus")
        assert len(store.spans()) < 100, "and most of them were not kept"


def test_vendor_gets_all_three_signals_with_its_header():
    with Receiver() as vendor:
        headers = '[{"name": "api-key", "value": "a-key-of-the-tests"}]'
        with collector("vendor", VENDOR_OTLP_ENDPOINT=vendor.endpoint, VENDOR_OTLP_HEADERS=headers) as server:
            assert post(server.endpoint, spans_of(span("to a vendor"))) == 200
            assert post(server.endpoint, metrics_of(counter("to.a.vendor", {(): 1}, start=1))) == 200
            assert post(server.endpoint, logs_of("to a vendor")) == 200
            telemetry = vendor.telemetry
            vendor.wait_for(lambda seen: seen.spans and "to.a.vendor" in seen.names() and seen.logs)
        vendor.wait_for(lambda seen: "otelcol_process_uptime" in seen.names())

    assert [one.name for one in telemetry.spans] == ["to a vendor"]
    assert telemetry.logs == 1
    assert {path for path, _ in telemetry.exports} == {"/v1/traces", "/v1/metrics", "/v1/logs"}
    assert {headers.get("Api-Key") for _, headers in telemetry.exports} == {"a-key-of-the-tests"}


def logs_of(body: str, **fields) -> dict:
    record = {"timeUnixNano": "1795719848165719088", "severityNumber": 9, "body": {"stringValue": body}} | fields
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": [record]}]}]}


def test_a_log_record_that_somebody_stores_has_no_secret():
    with backend() as store, collector("vendor", VENDOR_OTLP_ENDPOINT=store.endpoint) as server:
        assert (
            post(server.endpoint, logs_of("login of ada, password=pl4nted", attributes=pairs({"token": "pl4nted", "kept": "yes"}))) == 200
        )
        wait_until(lambda: store.arrived("resourceLogs") != [], seconds=15, what="the log record arriving")
        [resource] = store.arrived("resourceLogs")

    [record] = resource["scopeLogs"][0]["logRecords"]
    assert record["body"]["stringValue"] == "login of ada, ****"
    assert attributes(record) == {"token": "****", "kept": "yes"}


def test_mimir_gets_the_tenant_with_every_export():
    with Receiver() as mimir:
        with collector("mimir", MIMIR_OTLP_URL=mimir.endpoint, MIMIR_TENANT="blog-team") as server:
            assert post(server.endpoint, metrics_of(counter("to.mimir", {(): 1}, start=1))) == 200
            mimir.wait_for(lambda seen: "to.mimir" in seen.names())
        mimir.wait_for(lambda seen: "otelcol_process_uptime" in seen.names())

    assert {headers.get("X-Scope-Orgid") for _, headers in mimir.telemetry.exports} == {"blog-team"}


def test_redis_and_the_nodes_of_a_cluster_are_asked_each_for_itself(metrics_backend: Prometheus, tmp_path: Path):
    """The receiver logs in with the password from a file; a series names its server."""
    (tmp_path / "password").write_text(PASSWORD)
    with redis() as one, redis() as two, redis() as three:
        nodes = {f"REDIS_NODE_{number}": f"127.0.0.1:{server.port}" for number, server in enumerate((two, three), start=1)}
        common = {"REDIS_PASSWORD_FILE": str(tmp_path / "password"), "PROMETHEUS_OTLP_URL": metrics_backend.otlp_url}
        with collector(REDIS_ADDR=f"127.0.0.1:{one.port}", **common), collector("redis-cluster", **nodes, **common):
            ports = {str(server.port) for server in (one, two, three)}

            def asked() -> set[str]:
                return {series["metric"]["server_port"] for series in metrics_backend.query("redis_memory_used_bytes")}

            wait_until(lambda: asked() == ports, seconds=30, what="a series of each server")
