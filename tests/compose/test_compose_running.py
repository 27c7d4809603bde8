"""The application of docker-compose.yml, on real PostgreSQL and Redis, under its own load, until it is stopped."""

import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.end_to_end.receiver import Receiver, nobody_listens
from tests.end_to_end.telemetry import CLIENT, count
from tests.services.processes import free_port

from .running import DEMO, Places, app, wait_for_health
from .stack import environment, seconds, services

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]

LOAD_SECONDS = 5


@pytest.fixture(scope="module")
def places(volumes, postgres, redis_of_compose):
    """A database as the image makes it, except that its user has no more rights than an owner; passwords are the secrets."""
    import psycopg

    secret = (volumes / "app" / "postgres_password").read_text()
    settings, variables = postgres.settings(), environment("postgres")
    name, user = variables["POSTGRES_DB"], variables["POSTGRES_USER"]
    address = f"host=127.0.0.1 port={settings['PORT']} dbname=postgres user={settings['USER']} password={settings['PASSWORD']}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{secret}'")
        connection.execute(f"CREATE DATABASE {name} OWNER {user}")
        yield Places(postgres=postgres.port, redis=redis_of_compose.port, collector="http://127.0.0.1:1", volumes=volumes, app=free_port())
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {user}")


@pytest.fixture(scope="module")
def migrated(places):
    """What the job said, which runs at each `up`."""
    return places.run("migrate")


def test_statements_of_the_application_are_limited_and_those_of_migrations_are_not(places):
    code = "import django; django.setup(); from django.db import connection as c; k = c.cursor(); k.execute('SHOW statement_timeout'); print(k.fetchone()[0])"
    for service, expected in (("app", "20s"), ("migrate", "0")):
        variables = {**places.variables(service), "DJANGO_SETTINGS_MODULE": "config.settings"}
        done = subprocess.run(["python", "-c", code], cwd=DEMO, env=variables, capture_output=True, text=True, check=False, timeout=30)
        assert (done.returncode, done.stdout.strip()) == (0, expected), done.stderr


@pytest.fixture(scope="module")
def day(places, migrated, tmp_path_factory):
    """One life of the application: load from the profile, then a stop while a request is under way."""
    with Receiver() as receiver:
        here = replace(places, collector=receiver.endpoint, app=free_port())
        with app(here, tmp_path_factory.mktemp("app") / "log") as server:
            wait_for_health(server)
            page = server.client.get("/graphql/", headers={"Accept": "text/html"})
            script = server.client.get(re.search(rb'"(/static/[\w/.]+\.js)"', page.body)[1].decode())
            load = here.load(seconds=LOAD_SECONDS)
            output, _ = load.communicate(timeout=60)
            with ThreadPoolExecutor(1) as pool:
                last = pool.submit(server.client.query, "query Last { slow(ms: 1500) }", path="/graphql/")
                time.sleep(0.5)
                began = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                answer = last.result(30)
            code = server.process.wait(40)
            ending = time.monotonic() - began
        yield {
            "telemetry": receiver.telemetry,
            "load": (load.returncode, output),
            "page": page,
            "script": script,
            "last": answer,
            "exit": (code, ending),
            "output": server.output,
        }


def test_the_first_start_fills_the_database_and_the_second_leaves_it_alone(places, migrated):
    assert "Applying blog." in migrated
    assert "100 users, 1000 posts, 3000 comments written." in migrated
    assert "No migrations to apply." in places.run("migrate")


def test_the_load_is_answered_as_expected(day):
    """So many a second as the compose file says, and not one wrong answer."""
    code, output = day["load"]
    assert code == 0, output
    requests = re.search(r"(\d+) requests, 0 unexpected answers; median \d+ ms, p95 \d+ ms\.", output)
    assert int(requests[1]) == pytest.approx(5 * LOAD_SECONDS, abs=2)


def test_graphiql_has_its_script_without_debug(day):
    assert day["page"].status == 200
    assert day["script"].status == 200
    assert b"graphiql" in day["script"].body.lower()


def test_spans_say_who_sent_them_and_which_database_it_was(day):
    telemetry = day["telemetry"]
    statements = [span for span in telemetry.spans if span.kind == CLIENT and "db.system.name" in span.attributes]
    assert len(statements) > 20
    assert {span.attributes["db.system.name"] for span in statements} == {"postgresql"}
    resources = list(telemetry.resources())
    assert {resource["service.name"] for resource in resources} == {"blog"}
    assert {resource["service.namespace"] for resource in resources} == {"demo"}
    assert {resource["deployment.environment.name"] for resource in resources} == {"compose"}
    assert telemetry.undecodable == []


def test_nothing_is_lost_when_it_stops(day):
    """Each request has its span and is in the metrics, the one that was under way included; probes have none; workers exported as themselves."""
    telemetry = day["telemetry"]
    requests = int(re.search(r"(\d+) requests, ", day["load"][1])[1])
    # Of the page and its script, Django's instrumentation makes spans too.
    assert len(telemetry.servers()) == requests + 3
    assert len(telemetry.operations(day["last"].trace_id)) == 1
    durations = telemetry.metric("graphql.server.request.duration")
    assert count(durations) == len(telemetry.operations()) > requests / 2
    assert "readyz" not in str(telemetry.spans)
    assert len(telemetry.instances()) >= 2


def test_it_stops_in_order(day):
    """The request that was under way is answered, and the engine has no reason to kill."""
    code, ending = day["exit"]
    assert code == 0, day["output"]
    assert day["last"].data == {"slow": "slept for 1500 ms"}
    assert 0.9 < ending < seconds(services()["app"]["stop_grace_period"]) / 2
    assert "Traceback" not in day["output"]
    assert "SIGKILL" not in day["output"]


def test_it_does_without_a_collector_but_not_without_its_cache(places, migrated, redis_of_compose, tmp_path):
    """It starts, answers and stops though nobody takes its telemetry; whoever is not ready is not visited, and is ready again by itself."""
    with nobody_listens() as address, app(replace(places, collector=address, app=free_port()), tmp_path / "log") as server:
        wait_for_health(server)
        assert server.client.query("{ feed(limit: 3) { title } }", path="/graphql/").data["feed"]
        with redis_of_compose.frozen():
            assert not server.is_healthy()
            assert server.client.get("/healthz").status == 200
            assert server.client.get("/readyz").json["checks"]["database default"]["status"] == "ok"
        wait_for_health(server)
        # As a container it would be killed after 45 s.
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(40) == 0


def load(*arguments):
    return subprocess.run([sys.executable, "load.py", *arguments], cwd=DEMO, capture_output=True, text=True, check=False, timeout=60)


def test_load_says_that_nobody_answers():
    done = load("--address", f"http://127.0.0.1:{free_port()}", "--seconds", "0.5", "--rate", "10")
    assert done.returncode == 1
    assert ": no answer: " in done.stderr
    assert re.search(r"^(\d+) requests, \1 unexpected answers", done.stdout)


@pytest.mark.parametrize("wrong", ["--rate=0", "--seconds=-1", "--clients=0"])
def test_load_refuses_what_is_impossible(wrong):
    assert load(wrong).returncode == 2


def test_load_ends_when_it_is_told_to(tmp_path):
    """Long before its next report, with a report."""
    command = [sys.executable, "load.py", "--address", f"http://127.0.0.1:{free_port()}", "--rate", "20"]
    process = subprocess.Popen(command, cwd=DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert ": no answer: " in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=5)
    finally:
        process.kill()
    assert re.search(r"\d+ requests", output)


def test_the_mix_of_the_load_is_made_of_the_steps_of_the_tour():
    from load import MIX, steps_by_name

    assert set(MIX) <= set(steps_by_name())
    assert len(MIX) == 18
