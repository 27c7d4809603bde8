"""The command: how it is started, what it prints, and how it ends."""

from __future__ import annotations

import json
import re

import pytest

from tests.doctor.conftest import DOCTOR, INSTRUMENT, MANAGE, Shop
from tests.end_to_end.receiver import Receiver, never_answers

pytestmark = pytest.mark.end_to_end

WITH_APP = 'INSTALLED_APPS += ["otel_graphql_auto"]'


def test_all_is_well_where_all_is_well(shop: Shop, to: dict[str, str], receiver: Receiver) -> None:
    """Exit code 0 and no complaint; each route's request made the two spans, and those arrive at the collector under the trace named."""
    report = shop.examine(to)
    assert (report.code, report.bad) == (0, []), report.output
    requests = report.rows("request")
    assert [message.split(" made ")[0] for _, message, _ in requests] == ["POST /graphql", "POST /api/gql/", "POST /batch/"]
    assert report.row("endpoint")[1] == f"{receiver.endpoint} (traces and metrics) answers (HTTP 200)"
    assert report.row("export")[0] == "ok"
    assert report.row("service") == ("ok", "shop (from the Django project)", "")
    for _, message, _ in requests:
        trace_id = re.search(r"\(trace (\w{32})\)", message).group(1)
        assert [span.attributes["graphql.operation.name"] for span in receiver.telemetry.operations(trace_id)] == ["GraphqlAutoDoctor"]
        assert receiver.telemetry.operations(trace_id)[0].parent_id == receiver.telemetry.servers(trace_id)[0].span_id
    assert report.errors == ""


def test_the_text_has_a_line_for_each_finding_and_the_counts(shop: Shop, to: dict[str, str]) -> None:
    """No colours where nobody's terminal is; advice stands below its finding. With --strict a setting that does nothing makes exit code 1."""
    idle = {"OTEL_PYTHON_GRAPHQL_AUTO_SPAN_NAMES": "type_and_name"}
    command = (*INSTRUMENT, *DOCTOR)
    report, strict = shop.examine_all(to, {**to, **idle}, commands=[command, (*command, "--strict")])
    assert report.code == 0
    assert report.output.endswith("\nAll well.\n")
    assert re.search(r"^ok request +POST /graphql made a SERVER span", report.output, re.MULTILINE)
    assert "\x1b" not in report.output
    assert " -> " not in report.output
    assert (strict.code, strict.output.splitlines()[-1]) == (1, "no errors, 1 warning.")
    assert re.search(r"^!! settings +SPAN_NAMES .*\n +-> ", strict.output, re.MULTILINE)


def test_without_opentelemetry_instrument_it_starts_again_under_it(shop: Shop, to: dict[str, str], receiver: Receiver) -> None:
    """`python -m otel_graphql_auto doctor` alone finds the same, and says so once; options and exit code are kept."""
    report = shop.examine(to, command=(*DOCTOR, "--json", "--path", "/graphql"))
    level, message, _ = report.row("start")
    assert (level, "without opentelemetry-instrument" in message) == ("info", True)
    assert (report.code, report.bad, len(report.rows("request"))) == (0, [], 1)
    assert len(receiver.telemetry.servers()) == 1
    assert report.row("Django")[1] == "settings shop.settings, named by manage.py"


def test_it_is_a_management_command_where_the_app_is_installed(shop: Shop, to: dict[str, str]) -> None:
    """Which starts again in the same way, and takes Django's own options."""
    module = shop.settings(WITH_APP)["DJANGO_SETTINGS_MODULE"]
    report = shop.examine(to, command=(*MANAGE, "--json", f"--settings={module}", "-v", "2"))
    assert (report.code, report.bad) == (0, []), report.output
    assert report.row("Django")[1] == f"settings {module}, named by --settings"
    assert len(report.rows("start")) == 1
    assert len(report.rows("request")) == 3


def test_the_commands_alone_print_their_help(shop: Shop) -> None:
    """And exit with 0."""
    for alone in shop.examine_all(shop.settings(WITH_APP), {}, commands=[MANAGE[:-1], DOCTOR[:-1]]):
        assert (alone.code, "doctor" in alone.output) == (0, True)


def test_json_stays_json_whatever_else_is_printed(shop: Shop) -> None:
    """The console exporter prints spans, the project prints when it starts, in requests and at its end: none of it is in the report."""
    shop.module(
        "loud",
        "import atexit, os\nprint('start')\natexit.register(print, 'end')\ndef loud(get):\n  return lambda r: os.write(1, b'request') and get(r)",
    )
    extra = shop.settings("import shop.loud\nMIDDLEWARE = ['shop.loud.loud', *MIDDLEWARE]")
    report = shop.examine({**extra, "OTEL_TRACES_EXPORTER": "graphql_console", "OTEL_METRICS_EXPORTER": "none"})
    assert set(json.loads(report.output)) == {"findings", "errors", "warnings"}
    assert (report.code, report.bad) == (0, [])
    assert report.row("traces")[1].startswith("graphql_console, printed by this process (exporter: OTEL_TRACES_EXPORTER, yours")
    for word in ("start", "request", "end", "query GraphqlAutoDoctor"):
        assert word in report.errors
    assert "Operations so far" not in report.errors  # a table of the doctor's own operations is of no use


def test_a_project_that_does_not_start_is_one_finding(shop: Shop, to: dict[str, str]) -> None:
    """With the class of the exception and its first line, exit code 1, and no traceback: settings, URLconf and middleware."""
    shop.module("broken_urls", "from django.urls import include, path\nurlpatterns = [path('api/', include('shop.no_such_urls'))]")
    broken = [
        "raise RuntimeError('no licence\\nsecond line')",
        "ROOT_URLCONF = 'shop.broken_urls'",
        "MIDDLEWARE = ['shop.missing.Middleware']",
    ]
    settings, urls, middleware = shop.examine_all(*({**to, **shop.settings(text)} for text in broken))
    assert (settings.code, settings.bad) == (urls.code, urls.bad) == (1, [("error", "Django")])
    assert settings.row("Django")[1].endswith("does not start: RuntimeError: no licence")
    assert urls.rows("Django")[1][1].startswith("the URLconf does not load: ModuleNotFoundError: No module named 'shop.no_such_urls'")
    assert urls.row("endpoint")[0] == "ok"
    # All three fail for one reason, and share a row.
    assert (middleware.code, middleware.bad) == (1, [("error", "request")])
    assert middleware.row("request")[1].startswith("POST /graphql, /api/gql/ and /batch/ failed: ModuleNotFoundError: No module named")


def test_where_there_is_no_project_it_says_so(shop: Shop, tmp_path) -> None:
    """In a directory without manage.py."""
    report = Shop(tmp_path).examine()
    assert (report.code, report.bad) == (1, [("error", "Django")])
    assert "no manage.py" in report.row("Django")[1]


def test_it_ends_in_time_when_everything_hangs(shop: Shop) -> None:
    """A view that never answers and an endpoint that never does: both are findings."""
    shop.module("hanging", "import threading\ndef hang(get):\n  return lambda r: threading.Event().wait()")
    extra = shop.settings("MIDDLEWARE = ['shop.hanging.hang', *MIDDLEWARE]")
    with never_answers() as endpoint:
        report = shop.examine({**extra, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert report.code == 1
    assert [message for _, message, _ in report.rows("request")][0] == "POST /graphql failed: TimeoutError: no end within 5 s"
    assert report.row("endpoint")[1] == f"{endpoint} (traces and metrics) takes connections and does not answer"
    assert report.rows("settings")
