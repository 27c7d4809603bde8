"""`graphql_auto summary` on a real Prometheus: what it says of the demo is what the demo was asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.end_to_end.service import Service, environment, run, telemetry_environment
from tests.services.collector import REPOSITORY, Collector
from tests.services.processes import wait_until
from tests.services.prometheus import Prometheus

SERVICE = 'the "blog" \\d'
"""It has to come through PromQL as it is."""

SAMPLES = 20
"""Prometheus takes a count to go on for half an interval beyond its last sample: by then that is less than 3 %."""

NAIVE = "query PostsNaive { postsNaive(limit: 12) { title author { username } } }"
ASKED = [
    *[(("query", "PostsNaive"), NAIVE)] * 6,
    *[(("query", "Hello"), "query Hello { hello }")] * 9,
    *[(("query", "UnexpectedFailure"), "query UnexpectedFailure { unexpectedFailure }")] * 2,
    (("query", "Slow"), "query Slow { slow(ms: 300) }"),
    (("query", None), "{ hello }"),
    ((None, None), "{"),
]
MADE = Counter(operation for operation, _ in ASKED)


@dataclass(frozen=True)
class Asked:
    """What came of it when the demo was sent all this."""

    run: Callable[..., subprocess.CompletedProcess[str]]
    """Run the command in the folder of the demo."""
    seconds: Counter[tuple[str | None, str | None]]
    """What the requests took together, seen from outside."""


@pytest.fixture(scope="module")
def asked(shipped: Collector, metrics_backend: Prometheus, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    demo = tmp_path_factory.mktemp("summarised") / "demo"
    shutil.copytree(REPOSITORY / "demo", demo, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    variables = {"DEMO_DATABASE": str(demo / "db.sqlite3"), "OTEL_SERVICE_NAME": SERVICE}
    for command in (("migrate",), ("seed", "--users=6", "--posts=3", "--comments=2")):
        run(("python", "manage.py", *command, "--verbosity=0"), cwd=demo, extra=variables | {"OTEL_SDK_DISABLED": "true"})
    fast = {
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD": "200",
    }
    seconds: Counter[tuple[str | None, str | None]] = Counter()
    with Service(demo, "runserver", telemetry_environment(shipped.endpoint, variables | fast)) as service:
        for operation, document in ASKED:
            exchange = service.client.query(document, path="/graphql/")
            assert exchange.status == (400 if operation == (None, None) else 200), exchange.body
            seconds[operation] += exchange.seconds
        count = f"min(count_over_time(graphql_server_request_duration_seconds_count{{job={json.dumps(SERVICE)}}}[10m]))"
        wait_until(lambda: (metrics_backend.value(count) or 0) >= SAMPLES, seconds=30, what="samples of every operation")

    url = f"http://127.0.0.1:{metrics_backend.port}"

    def summary(*arguments: str, command: tuple[str, ...] = ("-m", "otel_graphql_auto")) -> subprocess.CompletedProcess[str]:
        here = variables | {"PROMETHEUS_URL": url, "COLUMNS": "120", "OTEL_SDK_DISABLED": "true"}
        return subprocess.run(
            [sys.executable, *command, "summary", *arguments],
            cwd=demo,
            env=environment(demo.parent, here),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return Asked(summary, seconds)


@pytest.fixture(scope="module")
def told(asked: Asked) -> dict:
    """With --json."""
    done = asked.run("--service", SERVICE, "--environment", "test", "--since", "10m", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_every_operation_is_counted(told: dict) -> None:
    assert {(one["type"], one["name"]): round(one["operations"]) for one in told["operations"]} == MADE
    [service] = told["services"]
    assert service["name"] == SERVICE
    assert service["operations"] == pytest.approx(MADE.total(), rel=0.05)
    assert service["operations_per_second"] == pytest.approx(service["operations"] / 600, rel=0.01)


def test_times_are_those_that_the_requests_took(asked: Asked, told: dict) -> None:
    """No more than they took seen from outside, and for the slow one no less than it sleeps; percentiles are as exact as the buckets are."""
    for one in told["operations"]:
        outside = asked.seconds[one["type"], one["name"]] / MADE[one["type"], one["name"]]
        assert 0 < one["average_seconds"] <= outside
        assert one["average_seconds"] * one["operations"] == pytest.approx(one["seconds"], rel=0.01)
        assert 0 < one["median_seconds"] <= one["p95_seconds"] <= one["p99_seconds"]
    [slow] = [one for one in told["operations"] if one["name"] == "Slow"]
    assert slow["average_seconds"] >= 0.3
    assert 0.25 < slow["p99_seconds"] <= 0.5
    times = [one["seconds"] for one in told["operations"]]
    assert times == sorted(times, reverse=True)


def test_errors_slow_ones_and_sql_belong_to_their_operations(told: dict) -> None:
    """Only what is the server's fault is an error; who had no SQL has none on average, and counts in that of the service."""
    by_name = {one["name"] or one["type"]: one for one in told["operations"]}
    assert {name: one["server_error_ratio"] for name, one in by_name.items() if one["server_error_ratio"]} == {
        "UnexpectedFailure": pytest.approx(1)
    }
    assert {name: round(one["slow"]) for name, one in by_name.items() if round(one["slow"])} == {"Slow": 1}
    assert {name: one["sql_average"] for name, one in by_name.items() if one["sql_average"]} == {"PostsNaive": pytest.approx(13)}
    assert round(by_name["PostsNaive"]["sql_total"]) == pytest.approx(13 * 6, rel=0.05)
    assert 0 < by_name["PostsNaive"]["database_average_seconds"] < by_name["PostsNaive"]["average_seconds"]
    [service] = told["services"]
    assert service["server_error_ratio"] == pytest.approx(2 / MADE.total(), rel=0.05)
    assert service["sql_average"] == pytest.approx(13 * 6 / MADE.total(), rel=0.05)
    assert service["database_total_seconds"] == pytest.approx(by_name["PostsNaive"]["database_total_seconds"], rel=0.01)
    assert service["slow"] == pytest.approx(1, rel=0.05)


def test_the_table_says_the_same(asked: Asked) -> None:
    """As a management command too, and within 120 columns."""
    done = asked.run("--service", SERVICE, "--since", "10m", command=("manage.py", "graphql_auto"))
    assert (done.returncode, done.stderr) == (0, "")
    services, operations = done.stdout.split("\n\n")[1:]
    assert services.splitlines()[2].startswith(SERVICE)
    rows = {line[:24].rstrip(): line[24:].split() for line in operations.splitlines()[2:]}
    assert {name: cells[0] for name, cells in rows.items()} == {
        "query PostsNaive": "6",
        "query Hello": "9",
        "query UnexpectedFailure": "2",
        "query Slow": "1",
        "query (no name)": "1",
        "operation not known": "1",
    }
    assert "13.0" in rows["query PostsNaive"]
    assert max(map(len, done.stdout.splitlines())) <= 120


def test_what_is_not_there_is_told(asked: Asked) -> None:
    """With those that are there, and with the doctor where nothing is."""
    done = asked.run("--service", SERVICE, "--environment", "production", "--since", "10m")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{SERVICE} (test)" in done.stderr
    # A regular expression now, of which each name is a part that stands for itself.
    both = asked.run("--service", SERVICE, "--service", "the .*", "--since", "10m", "--json")
    assert [one["name"] for one in json.loads(both.stdout)["services"]] == [SERVICE]
    refused = asked.run("--service", SERVICE, "--since", "999999y")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
