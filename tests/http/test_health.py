"""Liveness and readiness: real servers that answer, are gone, or stand still."""

from __future__ import annotations

import json
import logging
import threading
import time

import pytest
from django.db import connections
from django.test import AsyncClient, Client

import otel_graphql_auto
from otel_graphql_auto.http import health, probes
from tests.services.postgres import PASSWORD as POSTGRES_PASSWORD
from tests.services.postgres import postgres as start_postgres
from tests.services.processes import wait_until
from tests.services.redis import PASSWORD as REDIS_PASSWORD
from tests.services.redis import redis as start_redis

PATHS = {"live": "/healthz", "ready": "/readyz"}
LOCAL_CACHE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


@pytest.fixture(autouse=True)
def _anew(settings, configure):
    """No check of an earlier test is under way; the project has what a test gives it."""
    probes._parts.clear()
    configure(HEALTH_PATHS=PATHS)
    settings.CACHES = {}
    yield
    probes._parts.clear()


@pytest.fixture
def databases(django_db_blocker, monkeypatch):
    """Let the project have these databases."""

    def databases(**entries):
        handler = type(connections)(entries)
        for name in ("create_connection", "settings"):
            monkeypatch.setitem(vars(connections), name, getattr(handler, name))

    databases()
    with django_db_blocker.unblock():
        yield databases


def asked(path, *, asgi=False, method="get", **headers):
    """The answer of a new handler, so that what is set now is what it has loaded."""
    if not asgi:
        return getattr(Client(), method)(path, headers=headers or None)
    import asyncio

    async def ask():
        return await getattr(AsyncClient(), method)(path, headers=headers or None)

    return asyncio.run(ask())


def checks(response):
    return {name: check.get("error", check["status"]) for name, check in response.json()["checks"].items()}


@pytest.mark.parametrize("asgi", [False, True])
def test_liveness_asks_nobody(asgi):
    """Not even the database: pytest-django would raise."""
    response = asked("/healthz", asgi=asgi)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("asgi", [False, True])
def test_readiness_asks_every_database_and_cache(databases, settings, postgres, redis, tmp_path, asgi):
    """Each is named with the milliseconds that it took."""
    (tmp_path / "file.sqlite3").touch()
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "file.sqlite3"}
    databases(default=postgres.settings(), archive=sqlite)
    settings.CACHES = {
        "default": redis.settings(),
        "local": LOCAL_CACHE,
        "none": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    }
    response = asked("/readyz", asgi=asgi)
    names = ["database default", "database archive", "cache default", "cache local", "cache none"]
    assert checks(response) == dict.fromkeys(names, "ok")
    assert response.status_code == 200
    assert all(0 <= check["ms"] < 1500 for check in response.json()["checks"].values())


def test_a_project_without_databases_and_caches_is_ready(databases):
    """Django's dummy database is none."""
    databases(default={"ENGINE": "django.db.backends.dummy"})
    response = asked("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "checks": {}})


@pytest.mark.parametrize("asgi", [False, True])
def test_they_are_answered_before_host_checks_middleware_and_telemetry(seen, settings, databases, asgi):
    """A probe comes by address, and must neither be redirected nor counted."""
    settings.MIDDLEWARE = [f"{__name__}.refuses", "django.middleware.common.CommonMiddleware"]
    for path in PATHS.values():
        response = asked(path, asgi=asgi, host="10.1.2.3")
        assert response.status_code == 200
    assert asked("/graphql").content == b"refused"
    assert seen.spans == []
    assert seen.metrics().get("graphql.server.request.duration", []) == []


def refuses(get_response):
    from django.http import HttpResponse

    return lambda request: HttpResponse(b"refused", status=403)


@pytest.mark.parametrize("path", PATHS.values())
def test_head_is_answered_without_a_body_and_other_methods_are_refused(databases, path):
    """As HTTP wants it."""
    response = asked(path, method="head")
    assert (response.status_code, response.content) == (200, b"")
    response = asked(path, method="post")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/healthz/", "/healthz/x", "/", "/readyzz"])
def test_other_paths_belong_to_the_application(path):
    """Exactly these two are taken."""
    assert asked(path).status_code == 404


@pytest.mark.parametrize("paths", [None, {"ready": "/other"}])
def test_only_the_paths_that_are_set_are_answered(configure, paths):
    """By default none is."""
    configure(HEALTH_PATHS=paths)
    assert asked("/healthz").status_code == 404


@pytest.mark.parametrize("values", [{"PERFORMANCE_MONITORING": False}, {"DISABLED": ["execution", "http"]}])
def test_they_work_with_telemetry_switched_off(configure, databases, values):
    """Health belongs to the application."""
    configure(HEALTH_PATHS=PATHS, **values)
    assert asked("/healthz").status_code == asked("/readyz").status_code == 200


def test_instrument_brings_them_where_the_app_is_not_installed(monkeypatch):
    """And `uninstrument()` leaves them, as it leaves everything that belongs to the application; without the SDK too."""
    calls = []
    monkeypatch.setattr(health, "attach", lambda: calls.append("attached"))
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    otel_graphql_auto.instrument()
    assert calls == ["attached"]
    otel_graphql_auto.uninstrument()
    assert asked("/healthz").status_code == 200


@pytest.mark.parametrize("asgi", [False, True])
def test_as_routes_they_are_part_of_the_urlconf(settings, configure, databases, asgi):
    """For those who prefer that: `include("otel_graphql_auto.http.urls")`."""
    configure()
    settings.ROOT_URLCONF = "otel_graphql_auto.http.urls"
    assert asked("/healthz", asgi=asgi).json() == {"status": "ok"}
    assert asked("/readyz", asgi=asgi).json() == {"status": "ok", "checks": {}}


@pytest.mark.parametrize("asgi", [False, True])
def test_a_postgresql_that_is_gone_is_named(databases, settings, asgi):
    """503; what answers is still said to answer."""
    with start_postgres() as server:
        databases(default=server.settings())
        settings.CACHES = {"default": LOCAL_CACHE}
        assert asked("/readyz", asgi=asgi).status_code == 200
    response = asked("/readyz", asgi=asgi)
    assert response.status_code == 503
    assert response.json()["status"] == "failing"
    assert checks(response) == {"database default": "django.db.utils.OperationalError", "cache default": "ok"}


@pytest.mark.parametrize("asgi", [False, True])
def test_a_frozen_postgresql_gives_503_within_two_seconds_and_is_well_as_soon_as_it_is_back(databases, postgres, asgi):
    """Its kernel takes the connection, and nobody answers."""
    databases(default=postgres.settings())
    with postgres.frozen():
        began = time.monotonic()
        response = asked("/readyz", asgi=asgi)
        assert time.monotonic() - began < 2
        assert response.status_code == 503
        assert checks(response) == {"database default": "no answer within 1.5 s"}
        began = time.monotonic()
        assert asked("/healthz", asgi=asgi).status_code == 200
        assert time.monotonic() - began < 0.5
    wait_until(lambda: asked("/readyz", asgi=asgi).status_code == 200, seconds=5, what="readiness after the server is back")


def test_a_server_that_freezes_after_the_connection_is_made_is_no_different(databases, postgres, monkeypatch):
    """Between connecting and asking: there libpq has no limit of its own."""
    databases(default=postgres.settings())
    from django.db.backends.postgresql.base import DatabaseWrapper

    connected, go_on = threading.Event(), threading.Event()
    original = DatabaseWrapper.init_connection_state

    def stop_here(self):
        original(self)
        connected.set()
        assert go_on.wait(10)

    monkeypatch.setattr(DatabaseWrapper, "init_connection_state", stop_here)
    part = next(part for part in probes._all_parts() if part.name == "database default")
    attempt = part.attempt()
    assert connected.wait(10)
    with postgres.frozen():
        go_on.set()
        time.sleep(0.3)
        assert not attempt.future.done()
        began = time.monotonic()
        assert asked("/readyz").status_code == 503
        assert time.monotonic() - began < 2
    assert attempt.future.result(10) > 0


@pytest.mark.parametrize("asgi", [False, True])
def test_many_probes_of_a_frozen_server_wait_in_one_thread(databases, postgres, asgi):
    """However often an impatient balancer asks; what has hung is not waited for again."""
    databases(default=postgres.settings())
    before = threading.active_count()
    with postgres.frozen():
        assert asked("/readyz", asgi=asgi).status_code == 503
        began = time.monotonic()
        for _ in range(20):
            assert asked("/readyz", asgi=asgi).status_code == 503
        assert time.monotonic() - began < 1.5
        part = probes._parts["database default"]
        assert len(part._attempts) == 1
        assert threading.active_count() - before <= 2  # and one for the event loop's executor
    part._attempts[0].future.exception(10)


def test_beside_a_check_that_hangs_another_one_is_tried_and_no_more_than_three(monkeypatch):
    """The server may be back under another address."""
    monkeypatch.setattr(probes, "_RETRY_SECONDS", 0)
    monkeypatch.setattr(probes, "LIMIT_SECONDS", 0.01)
    release, started = threading.Event(), []

    def hang():
        started.append(1)
        release.wait(10)

    part = probes._Part("database default", hang)
    attempts = [part.attempt() for _ in range(10)]
    wait_until(lambda: len(started) == 3, seconds=5, what="three attempts")
    assert len({id(attempt.future) for attempt in attempts}) == 3
    release.set()
    for attempt in attempts:
        attempt.future.result(10)
    assert part.outcome(part.attempt()).name == "database default"
    assert len(part._attempts) == 1


def test_a_thread_that_cannot_be_started_is_an_answer_and_the_next_probe_tries_again(monkeypatch):
    """Where a container has no more threads to give."""
    part = probes._Part("database default", lambda: None)
    with monkeypatch.context() as patched:

        def no_thread(self):
            raise RuntimeError("can't start new thread")

        patched.setattr(threading.Thread, "start", no_thread)
        for _ in range(5):
            assert part.outcome(part.attempt()).error == "RuntimeError"
    attempt = part.attempt()
    attempt.future.result(10)
    assert part.outcome(attempt).error is None


def test_caches_that_share_a_server_do_not_disturb_each_other(databases, settings, redis):
    """Two aliases here; or as many machines with the same process id."""
    settings.CACHES = {alias: redis.settings() for alias in ("default", "sessions", "pages")}
    for _ in range(20):
        assert set(checks(asked("/readyz")).values()) == {"ok"}
    client = redis.client()
    assert client.keys("*otel_graphql_auto*") == []
    client.close()


def test_requests_at_the_same_time_share_a_check():
    """A stampede of probes is one connection."""
    release, started = threading.Event(), []

    def slow():
        started.append(1)
        release.wait(10)

    part = probes._Part("database default", slow)
    attempts = [part.attempt() for _ in range(50)]
    release.set()
    assert all(attempt.future.result(10) > 0 for attempt in attempts)
    assert started == [1]


@pytest.mark.parametrize("asgi", [False, True])
def test_a_frozen_redis_gives_503_within_two_seconds(databases, settings, redis, asgi):
    """Django's client has no time limit of its own."""
    settings.CACHES = {"default": redis.settings()}
    with redis.frozen():
        began = time.monotonic()
        response = asked("/readyz", asgi=asgi)
        assert time.monotonic() - began < 2
        assert (response.status_code, checks(response)) == (503, {"cache default": "no answer within 1.5 s"})
    wait_until(lambda: asked("/readyz", asgi=asgi).status_code == 200, seconds=5, what="readiness after the server is back")


def test_a_redis_that_is_gone_is_named(databases, settings):
    """As a database is."""
    with start_redis() as server:
        settings.CACHES = {"default": server.settings()}
        assert asked("/readyz").status_code == 200
    response = asked("/readyz")
    assert (response.status_code, checks(response)) == (503, {"cache default": "redis.exceptions.ConnectionError"})


def test_connections_do_not_pile_up(databases, settings, postgres, redis):
    """Each is closed when its check is over."""
    databases(default=postgres.settings())
    settings.CACHES = {"default": redis.settings()}
    client = redis.client()

    def open_connections():
        import psycopg

        parameters = {"dbname": "postgres", "user": "postgres", "password": POSTGRES_PASSWORD, "host": "127.0.0.1", "port": postgres.port}
        with psycopg.connect(**parameters) as connection:
            (count,) = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'").fetchone()
        return len(client.client_list()), count

    before = open_connections()
    for _ in range(10):
        assert asked("/readyz").status_code == 200
    wait_until(lambda: open_connections() == before, seconds=5, what="connections closed")
    client.close()


def test_nobody_learns_a_secret(databases, settings, postgres, redis, caplog):
    """Wrong passwords: a class of error, and neither host nor user nor password, also in the log."""
    databases(default=postgres.settings(PASSWORD="wrong-and-secret"))
    settings.CACHES = {"default": redis.settings(LOCATION=redis.url("wrong-and-secret"))}
    response = asked("/readyz")
    assert response.status_code == 503
    assert checks(response) == {
        "database default": "django.db.utils.OperationalError",
        "cache default": "redis.exceptions.AuthenticationError",
    }
    assert str(postgres.port) not in response.content.decode()
    for secret in ("wrong-and-secret", POSTGRES_PASSWORD, REDIS_PASSWORD):
        assert secret not in response.content.decode() + caplog.text


def test_a_missing_sqlite_file_is_a_failure_and_is_not_made(databases, tmp_path):
    """Connecting alone would make an empty one."""
    path = tmp_path / "missing.sqlite3"
    databases(default={"ENGINE": "django.db.backends.sqlite3", "NAME": path})
    response = asked("/readyz")
    assert (response.status_code, checks(response)) == (503, {"database default": "FileNotFoundError"})
    assert not path.exists()


def test_a_sqlite_file_that_is_none_is_a_failure(databases, tmp_path):
    """The file is read."""
    path = tmp_path / "text.sqlite3"
    path.write_text("this is no database" * 100)
    databases(default={"ENGINE": "django.db.backends.sqlite3", "NAME": path})
    assert checks(asked("/readyz")) == {"database default": "django.db.utils.DatabaseError"}


def test_a_cache_that_loses_what_it_is_given_is_a_failure(databases, settings):
    """Clients of memcached keep the errors of their servers to themselves."""
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.Forgetful"}}
    response = asked("/readyz")
    assert response.status_code == 503
    assert list(checks(response)) == ["cache default"]


class Forgetful:
    def __init__(self, location, params):
        pass

    def set(self, key, value, timeout):
        pass

    def get(self, key):
        return None

    def delete(self, key):
        pass

    def close(self):
        pass


def test_a_cache_in_a_database_closes_what_it_opened(databases, settings, tmp_path):
    """Its table is missing here: that is said, and no connection is left in the thread."""
    path = tmp_path / "cache.sqlite3"
    path.touch()
    databases(default={"ENGINE": "django.db.backends.sqlite3", "NAME": path})
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_table"}}
    response = asked("/readyz")
    assert checks(response)["database default"] == "ok"
    assert checks(response)["cache default"].startswith("django.db.utils.")


def test_a_change_is_logged_once_and_no_admin_is_mailed(databases, settings, tmp_path, caplog):
    """A probe comes every few seconds."""
    path = tmp_path / "file.sqlite3"
    databases(default={"ENGINE": "django.db.backends.sqlite3", "NAME": path})
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert asked("/readyz").status_code == 503
        path.touch()
        for _ in range(3):
            assert asked("/readyz").status_code == 200
    said = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [
        ("otel_graphql_auto.health", "WARNING", f"Readiness: database default fails: FileNotFoundError {path}"),
        ("otel_graphql_auto.health", "INFO", "Readiness: database default answers again"),
    ]


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize("asgi", [False, True])
def test_what_cannot_be_found_out_is_not_ready(monkeypatch, asgi):
    """A mistake of ours is no exception in anybody's server."""

    def broken():
        raise RuntimeError("planted")

    monkeypatch.setattr(probes, "_all_parts", broken)
    response = asked("/readyz", asgi=asgi)
    assert (response.status_code, json.loads(response.content)) == (503, {"status": "failing"})
    assert asked("/healthz", asgi=asgi).status_code == 200


def test_drivers_that_are_instrumented_say_nothing_of_a_probe(seen, databases, monkeypatch):
    """The checks run where instrumentation is suppressed."""
    from opentelemetry.instrumentation.utils import is_instrumentation_enabled

    said = []
    monkeypatch.setattr(probes, "all_checks", lambda _: [("database default", lambda: said.append(is_instrumentation_enabled()))])
    assert asked("/readyz").status_code == 200
    assert said == [False]
