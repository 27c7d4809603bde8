"""The demo is a Django project of its own: its settings, its commands and its tour work as a visitor runs them."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from steps import STEPS

DEMO = Path(__file__).resolve().parents[2] / "demo"

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def environment(tmp_path):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DEMO_", "OTEL_"))}
    return {**inherited, "DEMO_DATABASE": str(tmp_path / "demo.sqlite3")}


def manage(environment, *arguments):
    """Run manage.py by itself, as an executable file's interpreter line would, from another folder."""
    return subprocess.run(
        [sys.executable, DEMO / "manage.py", *arguments], cwd="/", env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_manage_py_is_executable():
    assert os.access(DEMO / "manage.py", os.X_OK)


def test_the_project_has_no_complaints(environment):
    result = manage(environment, "check", "--fail-level", "WARNING")
    assert (result.returncode, result.stdout.strip()) == (0, "System check identified no issues (0 silenced)."), result.stderr


def test_no_migration_is_missing(environment):
    result = manage(environment, "makemigrations", "--check", "--dry-run")
    assert (result.returncode, result.stdout.strip()) == (0, "No changes detected"), result.stderr


def test_migrating_and_seeding_take_seconds_and_the_second_time_does_nothing(environment):
    assert manage(environment, "migrate", "--verbosity=0").returncode == 0
    began = time.monotonic()
    first = manage(environment, "seed")
    assert (first.returncode, first.stdout.strip()) == (0, "100 users, 1000 posts, 3000 comments written."), first.stderr
    assert time.monotonic() - began < 10
    second = manage(environment, "seed")
    assert (second.returncode, second.stdout) == (0, ""), second.stderr


def _heed_control_c():
    """A build that runs in the background ignores it, and so would everything that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def tour(environment, *arguments):
    command = [sys.executable, DEMO / "tour.py", *arguments]
    process = subprocess.Popen(
        command, cwd="/", env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=_heed_control_c
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_tour_shows_each_request_with_its_answer_what_was_seen_and_why_it_matters(environment):
    with tour(environment, "--once", "--port", "0") as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    port = int(re.search(r"127\.0\.0\.1:(\d+)", output)[1])
    assert not listens(port)
    *stops, health, doctor = re.split(r"\n *\d+\. ", output.split("Operations so far")[0])[1:]
    # The request, the answer, below both what the console exporter says of it, and why anybody should care.
    for stop, step in zip(stops, [step for step in STEPS if step.is_seen], strict=True):
        assert stop.startswith(step.title)
        request, answer, why = (
            stop.index(f"    {step.method} /graphql/"),
            stop.index(" after "),
            stop.index(f"    Why it matters: {step.why}"),
        )
        documents = [step.document] if isinstance(step.document, str) else step.document
        type_, name = re.match(r"(\w+) (\w+)", documents[-1]).groups()
        shown = re.search(rf"(─ |> |^){type_} {name} +[\d.]+ m?s", stop, re.MULTILINE)
        assert shown, stop
        assert request < answer < shown.start() < why
    for stop in stops[:-1]:
        assert re.search(r"    Server-Timing  total \d+\.\d, parse \d+\.\d, validate .*, http \d+\.\d ms\n", stop), stop
    by_name = {re.search(r"(?:query|mutation|subscription) (\w+)", stop)[1]: stop for stop in stops}
    assert "ConnectionError server's fault" in by_name["UnexpectedFailure"]
    assert "BAD_USER_INPUT client's fault" in by_name["PartialData"]
    assert "from blog-web 1.4.0" in by_name["OldClient"]
    n_plus_one = {name: set(re.findall(r"^\W+N\+1  ([\w.]+) ran SELECT", stop, re.MULTILINE)) for name, stop in by_name.items()}
    assert {name: fields for name, fields in n_plus_one.items() if fields} == {
        "PostsNaive": {"Post.author", "Post.comments", "Comment.author"}
    }
    assert re.search(r"    Server-Timing .*, db \d+\.\d \(20\d\), n_plus_one \(3\), http ", by_name["PostsNaive"])
    assert re.search(r" 200 2 SQL \d", by_name["PostsFast"])
    assert re.search(r" 4 SQL \d", by_name["PostsLoaded"])
    assert re.search(r" SELECT blog_post SELECT blog_post +\d+ ms .* slow Query\.quotedPosts\n +SELECT COUNT", by_name["QuotedPosts"])
    # Of the health check nothing was seen.
    assert [line.split()[0] for line in health.splitlines() if line] == ["Readiness,", "GET", "200", "Why"]
    assert "graphql_auto doctor" in doctor
    assert "Why it matters: " in doctor
    table = output.split("Operations so far")[1]
    assert len(re.findall(r"^(query|mutation|subscription) \w+ +1 ", table, re.MULTILINE)) == 21
    assert output.rstrip().endswith("20 of 20 answers were as expected.")


def test_an_answer_that_is_not_the_expected_one_ends_the_tour_with_an_error(environment):
    """A blog in which the author of the tour's comment is gone."""
    for command in (["migrate", "--verbosity=0"], ["seed"]):
        assert manage(environment, *command).returncode == 0
    with sqlite3.connect(environment["DEMO_DATABASE"]) as database:
        database.execute("UPDATE blog_user SET username = 'gone' WHERE username = 'user0001'")
    with tour(environment, "--once", "--port", "0") as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert "This is not the answer that was expected: " in output
    assert output.rstrip().endswith("19 of 20 answers were as expected.")


def test_logs_are_json_lines_when_they_are_asked_to_be(environment):
    """DEMO_LOG_FORMAT=json is `logging_config()`: one JSON object a line on standard output."""
    code = "import django, logging; django.setup(); logging.getLogger('blog').info('Seeded.')"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=DEMO,
        env={**environment, "DJANGO_SETTINGS_MODULE": "config.settings", "DEMO_LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (line,) = result.stdout.splitlines()
    assert {"level": "INFO", "logger": "blog", "message": "Seeded."}.items() <= json.loads(line).items()


@pytest.mark.parametrize(("stop", "when"), [(signal.SIGINT, "GraphiQL: "), (signal.SIGTERM, " 2. ")])
def test_the_tour_ends_when_it_is_told_to_and_leaves_nothing_behind(environment, stop, when):
    """While it serves, and half way through; on another port than the one that was taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        taken_port = taken.getsockname()[1]
        with tour(environment, "--port", str(taken_port)) as process:
            output = ""
            for line in process.stdout:
                output += line
                if line.startswith(when):
                    break
            assert when in output, output
            port = int(re.search(r"127\.0\.0\.1:(\d+)", output)[1])
            assert port != taken_port
            assert listens(port)
            process.send_signal(stop)
            rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output + rest
    assert rest.rstrip().endswith("Stopped.")
    assert not listens(port)
