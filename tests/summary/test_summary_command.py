"""`graphql_auto summary` as its users call it: as a management command, and without Django as a module of Python."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from otel_graphql_auto import __main__ as module
from otel_graphql_auto.management.commands.graphql_auto import Command
from tests.end_to_end.service import environment
from tests.summary.conftest import BLOG, vector


@pytest.fixture
def stub(serve):
    """A Prometheus in which one service has reported."""
    return serve(vector((BLOG, "1")))


def test_the_management_command_writes_to_its_own_streams(stub):
    """With Django's options after it, and with the exit code of a failure."""
    out, errors = io.StringIO(), io.StringIO()
    call_command(Command(stdout=out, stderr=errors), "summary", "--prometheus", stub.url, "--since=15m", "--no-color")
    assert out.getvalue().startswith(f"GraphQL operations of the last 15m, from {stub.url}\n")
    assert errors.getvalue() == ""

    stub.answer = lambda _: (401, {}, b"")
    out.truncate(0)
    with pytest.raises(SystemExit) as ended:
        call_command(Command(stdout=out, stderr=errors), "summary", "--prometheus", stub.url)
    assert ended.value.code == 1
    assert out.getvalue() == ""
    assert "refuses to answer" in errors.getvalue()


def test_options_are_the_same_for_a_program_that_calls_the_command(stub):
    out = io.StringIO()
    call_command(Command(stdout=out), "summary", prometheus=stub.url, service=["blog"], environment=["test"], limit=3)
    assert 'service_name="blog", deployment_environment_name="test"' in stub.questions[0]["query"]
    assert "blog" in out.getvalue()


def test_the_module_takes_the_same_options(stub, capsys):
    assert module.main(["summary", f"--prometheus={stub.url}", "--service=blog", "--limit=3", "--json"]) == 0
    assert 'service_name="blog"' in stub.questions[0]["query"]
    assert '"name": "blog"' in capsys.readouterr().out


def test_a_process_of_its_own_ends_with_the_exit_code(stub, tmp_path):
    """In an empty folder, without settings; standard output has the summary, standard error the rest, and the variable is heeded."""
    command = [sys.executable, "-m", "otel_graphql_auto", "summary"]

    def run(url):
        variables = environment(tmp_path, {"PROMETHEUS_URL": url, "COLUMNS": "100"})
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=30, check=False)

    done = run(stub.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nblog " in done.stdout
    failed = run(f"{stub.url}x")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("The address of Prometheus (PROMETHEUS_URL) ")
    assert "Traceback" not in failed.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "wrong", ["--since=1x", "--since=0m", "--since=", "--since=1m30h", "--limit=0", "--limit=x", "--limit=-1", "--service=a\nb"]
)
def test_options_that_make_no_sense_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        module.main(["summary", wrong])
    assert ended.value.code == 2
    assert wrong.split("=")[0] in capsys.readouterr().err
    with pytest.raises(CommandError):
        call_command(Command(), "summary", wrong)
