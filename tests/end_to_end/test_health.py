"""Health under real servers: probes that nobody counts, and a database that stands still."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.postgres import Postgres

from .receiver import Receiver, wait_until
from .service import Service, run, telemetry_environment

PATHS = {"OTEL_PYTHON_GRAPHQL_AUTO_HEALTH_PATHS": '{"live": "/healthz", "ready": "/readyz"}'}
SERVERS = ["runserver", "gunicorn-threads", "gunicorn-preload", "uvicorn"]


@pytest.mark.parametrize("server", SERVERS)
def test_probes_are_answered_and_leave_no_trace(receiver: Receiver, project: Path, server: str) -> None:
    """The request beside them is seen; the project has not installed the app."""
    with Service(project, server, telemetry_environment(receiver.endpoint, PATHS)) as service:
        for path in ("/healthz", "/readyz") * 3:
            answer = service.client.send(method="GET", path=path, headers={"Host": "10.0.0.7"})
            assert (answer.status, answer.json["status"]) == (200, "ok")
        assert set(answer.json["checks"]) == {"database default", "cache default"}
        asked = service.client.query("query Asked { hello }")
        assert asked.data == {"hello": "hello world"}
        receiver.wait_for(lambda telemetry: telemetry.operations(asked.trace_id))
        service.stop()
    assert {span.trace_id for span in receiver.telemetry.spans} == {asked.trace_id}
    assert "healthz" not in str(receiver.telemetry.points)
    assert "readyz" not in str(receiver.telemetry.points)


@pytest.mark.parametrize("server", ["gunicorn-single", "uvicorn"])
def test_probes_are_answered_with_the_sdk_disabled(receiver: Receiver, project: Path, server: str) -> None:
    """Switching telemetry off must not take a service out of its balancer."""
    extra = telemetry_environment(receiver.endpoint, {**PATHS, "OTEL_SDK_DISABLED": "true"})
    with Service(project, server, extra) as service:
        for path in ("/healthz", "/readyz"):
            assert service.client.get(path).json["status"] == "ok"
        assert service.client.query("{ hello }").data == {"hello": "hello world"}
        service.stop()
    assert receiver.telemetry.exports == []


@pytest.mark.parametrize("server", ["gunicorn-threads", "uvicorn"])
def test_a_database_that_stands_still_takes_the_service_out_and_it_comes_back(
    receiver: Receiver, project: Path, postgres: Postgres, server: str
) -> None:
    """503 within 2 s while requests hang in the database; alive all the time; ready when the database is."""
    database = {"SHOP_DATABASE": json.dumps(postgres.settings(CONN_MAX_AGE=60))}
    run(("python", "manage.py", "migrate", "--verbosity=0"), cwd=project, extra=database)
    with Service(project, server, telemetry_environment(receiver.endpoint, PATHS | database)) as service:
        assert service.client.query("{ articles { name } }").data["articles"]
        assert service.client.get("/readyz").status == 200
        with ThreadPoolExecutor(1) as pool:
            with postgres.frozen():
                hanging = pool.submit(service.client.query, "{ articles { name } }")
                for _ in range(3):
                    answer = service.client.get("/readyz")
                    assert answer.status == 503
                    assert answer.json["checks"]["database default"] == {"status": "failing", "error": "no answer within 1.5 s"}
                    assert answer.seconds < 2
                    alive = service.client.get("/healthz")
                    assert (alive.status, alive.seconds < 1) == (200, True)
                assert not hanging.done()
            assert hanging.result(15).data["articles"]
        wait_until(lambda: service.client.get("/readyz").status == 200, what="readiness after the database is back")
        service.stop()
