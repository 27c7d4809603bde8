"""Where a setting's value comes from, and what is said of a wrong one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import WARNING
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from otel_graphql_auto import settings as package_settings
from otel_graphql_auto.checks import check_settings, idle

ROOT = Path(__file__).parents[2]


def test_the_environment_beats_the_dict_which_beats_the_default(configure, monkeypatch):
    """And each is read late, so that override_settings works."""
    assert package_settings.get().SLOW_QUERY_THRESHOLD == 1000
    configure(SLOW_QUERY_THRESHOLD=5)
    assert package_settings.get().SLOW_QUERY_THRESHOLD == 5
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD", "7.5")
    package_settings.reload()
    assert package_settings.get().SLOW_QUERY_THRESHOLD == 7.5


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("PERFORMANCE_MONITORING", "false", False),
        ("CAPTURE_USER", "1", True),
        ("DISABLED", '["execution"]', ["execution"]),
        ("SLOW_QUERY_THRESHOLDS", '{"Export": 5000}', {"Export": 5000}),
        ("OPERATION_NAMES_LIMIT", "17", 17),
        ("SPAN_KIND", "server", "server"),
        ("ERROR_CLASSIFIER", "json.dumps", "json.dumps"),
        ("OPERATION_MANIFEST", "none", None),
        ("RESPONSE_HEADERS", " never ", "never"),
        ("HEALTH_PATHS", '{"live": "/healthz", "ready": "/readyz"}', {"live": "/healthz", "ready": "/readyz"}),
        ("HEALTH_PATHS", "", None),
    ],
)
def test_each_type_can_be_given_in_the_environment(monkeypatch, key, text, value):
    """JSON for lists and dicts, words for the rest."""
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_" + key, text)
    package_settings.reload()
    assert getattr(package_settings.get(), key) == value
    assert package_settings.problems() == []


@pytest.mark.parametrize(
    ("values", "code", "words", "hint"),
    [
        ({"SLOW_QUERY_TRESHOLD": 5}, "E001", "not a setting", "Did you mean SLOW_QUERY_THRESHOLD?"),
        ({"slow_query_threshold": 5}, "E001", "not a setting", "Did you mean SLOW_QUERY_THRESHOLD?"),
        ({"NONSENSE_ENTIRELY": 5}, "E001", "not a setting", "Known keys"),
        ({"SLOW_QUERY_THRESHOLD": "fast"}, "E002", "number of milliseconds", "1000"),
        ({"SLOW_QUERY_THRESHOLD": -1}, "E002", "number of milliseconds", "1000"),
        ({"SLOW_QUERY_THRESHOLD": float("inf")}, "E002", "number of milliseconds", "1000"),
        ({"SLOW_QUERY_THRESHOLD": True}, "E002", "number of milliseconds", "1000"),
        ({"PERFORMANCE_MONITORING": "no"}, "E002", "True or False", "True"),
        ({"DISABLED": ["kitchen"]}, "E002", "'execution'", "[]"),
        ({"PHASE_SPANS": "sometimes"}, "E002", "'always'", "'slow'"),
        ({"OPERATION_NAMES_LIMIT": 0}, "E002", "whole number", "200"),
        ({"SLOW_QUERY_THRESHOLDS": {"A": "x"}}, "E002", "dict of operation name", "{}"),
        ({"REQUEST_HOOK": "no.such.hook"}, "E003", "cannot be imported", "ignored"),
        ({"REQUEST_HOOK": "tests.broken_module.hook"}, "E003", "cannot be imported", "ignored"),
        ({"REQUEST_HOOK": "json.__name__"}, "E003", "not callable", "ignored"),
        ({"RESPONSE_HEADERS": True}, "E002", "'staff'", "debug"),
        ({"RESPONSE_EXTENSIONS": "everybody"}, "E002", "'always'", "never"),
        ({"HEALTH_PATHS": "/healthz"}, "E002", "a dict of", "None"),
        ({"HEALTH_PATHS": {}}, "E002", "a dict of", "None"),
        ({"HEALTH_PATHS": {"alive": "/healthz"}}, "E002", "a dict of", "None"),
        ({"HEALTH_PATHS": {"live": "healthz"}}, "E002", "begin with", "None"),
        ({"HEALTH_PATHS": {"live": "/healthz", "ready": "/healthz"}}, "E002", "different paths", "None"),
        ({"OPERATION_MANIFEST": "/no/such/file.json"}, "E004", "no such file", "relative"),
        ({"OPERATION_MANIFEST": __file__}, "E004", "not JSON", "ignored"),
    ],
)
def test_a_wrong_setting_fails_manage_py_check_with_a_hint(configure, values, code, words, hint):
    """And never the application: it runs with the default."""
    configure(**values)
    (error,) = check_settings()
    assert error.id == f"otel_graphql_auto.{code}"
    assert words in error.msg
    assert hint in error.hint
    with pytest.raises(SystemCheckError):
        call_command("check")
    package_settings.get()


@pytest.mark.parametrize(
    ("values", "room", "code", "words"),
    [
        ({"PERFORMANCE_MONITORING": False, "CAPTURE_USER": True}, {}, "W001", "PERFORMANCE_MONITORING is False, so that CAPTURE_USER does"),
        (
            {"DISABLED": ["execution"], "SPAN_KIND": "server", "FIELD_SPANS": "never"},
            {},
            "W001",
            "so that SPAN_KIND, FIELD_SPANS do nothing",
        ),
        ({"DISABLED": ["http"], "RESPONSE_HEADERS": "always"}, {}, "W001", "DISABLED names 'http', so that RESPONSE_HEADERS does nothing"),
        ({"SPAN_NAMES": "type_and_name"}, {}, "W002", "does nothing without OPERATION_MANIFEST"),
        ({"RESPONSE_HEADERS": "staff"}, {"INSTALLED_APPS": ["otel_graphql_auto"]}, "W003", "RESPONSE_HEADERS is 'staff', and nobody"),
        ({"RESPONSE_EXTENSIONS": "staff"}, {"INSTALLED_APPS": ["otel_graphql_auto"]}, "W003", "RESPONSE_EXTENSIONS is 'staff'"),
        ({"CAPTURE_USER": True}, {"INSTALLED_APPS": ["otel_graphql_auto"]}, "W003", "there are no users"),
        (
            {"RESPONSE_HEADERS": "never"},
            {"MIDDLEWARE": ["otel_graphql_auto.http.PerformanceMiddleware"]},
            "W004",
            "in MIDDLEWARE does nothing",
        ),
        ({"EXPLAIN_SLOW_SQL": True}, {}, "W005", "no database is PostgreSQL"),
    ],
)
def test_settings_that_do_nothing_together_are_warnings(settings, configure, values, room, code, words):
    """Right one by one, and nobody would notice. A warning fails no deployment."""
    for name, value in room.items():
        setattr(settings, name, value)
    configure(**values)
    (warning,) = check_settings()
    assert (warning.id, warning.level) == (f"otel_graphql_auto.{code}", WARNING)
    assert words in warning.msg
    assert warning.hint
    assert [(problem.code, problem.message) for problem in idle()] == [(code, warning.msg)]


@pytest.mark.parametrize(
    ("values", "room"),
    [
        ({"PERFORMANCE_MONITORING": False, "HEALTH_PATHS": {"live": "/healthz"}}, {}),
        ({"DISABLED": ["http"], "SPAN_KIND": "server"}, {}),
        ({"RESPONSE_HEADERS": "staff", "CAPTURE_USER": True}, {}),
        ({"RESPONSE_HEADERS": "staff"}, {"INSTALLED_APPS": ["otel_graphql_auto"], "DEBUG": True}),
        ({"RESPONSE_HEADERS": "always"}, {"MIDDLEWARE": ["otel_graphql_auto.http.PerformanceMiddleware"]}),
        ({"RESPONSE_HEADERS": "never"}, {"MIDDLEWARE": ["no.such.Middleware"]}),
        ({"RESPONSE_HEADERS": "never"}, {"MIDDLEWARE": ["tests.broken_module.Middleware"]}),
        ({"RESPONSE_HEADERS": "staff"}, {"INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.auth.apps.AuthConfig", "blog"]}),
        ({}, {}),
    ],
)
def test_settings_that_do_something_are_no_warnings(settings, configure, values, room):
    """No false alarm."""
    for name, value in room.items():
        setattr(settings, name, value)
    configure(**values)
    assert check_settings() == []


def test_a_setting_in_the_environment_that_does_nothing_is_named_too(monkeypatch):
    """Wherever it was given."""
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_PERFORMANCE_MONITORING", "off")
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD", "5")
    package_settings.reload()
    (problem,) = idle()
    assert "SLOW_QUERY_THRESHOLD does nothing" in problem.message


def test_a_wrong_variable_is_named_as_such(monkeypatch):
    """The message says where the value stands, and does not print a long one whole."""
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_SPAN_KIND", "s" * 500)
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_SPAN_KINDS", "server")
    found = sorted(package_settings.problems())
    assert [problem.message.split()[0] for problem in found] == [
        "OTEL_PYTHON_GRAPHQL_AUTO_SPAN_KINDS",
        "OTEL_PYTHON_GRAPHQL_AUTO_SPAN_KIND",
    ]
    assert all(len(problem.message) < 150 for problem in found)


def test_a_dict_that_is_none_is_named(settings):
    """GRAPHQL_AUTO = [] is a mistake, not a crash."""
    settings.GRAPHQL_AUTO = ["PERFORMANCE_MONITORING"]
    assert [error.id for error in check_settings()] == ["otel_graphql_auto.E001"]
    assert package_settings.get().PERFORMANCE_MONITORING is True


def test_good_settings_pass_the_check(configure):
    """No false alarm."""
    configure(SLOW_QUERY_THRESHOLD=10, DISABLED=[], REQUEST_HOOK="json.dumps")
    call_command("check")
    assert check_settings() == []


def test_the_rooms_that_can_be_disabled_are_the_rooms_that_there_are():
    """And the command line of opentelemetry-instrument knows every setting."""
    from otel_graphql_auto.instrumentor import ROOMS

    assert tuple(room.name for room in ROOMS) == package_settings.ROOMS
    code = "import otel_graphql_auto.environment_variables as names; print(*[n for n in dir(names) if n.startswith('OTEL_')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {
        package_settings.ENVIRONMENT_PREFIX + name for name in package_settings.Settings.__dataclass_fields__
    }


def test_the_settings_page_lists_every_setting_and_default():
    """docs/settings.md against settings.py, both ways."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+)\|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    defaults = {name: getattr(package_settings.Settings(), name) for name in package_settings.Settings.__dataclass_fields__}
    documented = {name: cell.strip().rsplit(", ", 1)[-1].strip("`") for name, cell in rows}
    assert documented == {name: str(value) for name, value in defaults.items()}
