"""The distribution in this process: defaults, the project's name, the resource after a fork, a quiet exporter."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from otel_graphql_auto import _leaving, distro, project, resource, semconv

MANAGE = """
import os
def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", {module!r})
"""


@pytest.fixture
def started_as(monkeypatch, tmp_path):
    """Pretend that this process was started in a project's directory with these arguments."""

    def started_as(*arguments, module="bookshop.settings"):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "manage.py").write_text(MANAGE.format(module=module))
        monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
        monkeypatch.setattr(sys, "orig_argv", ["python", *arguments])
        return tmp_path

    return started_as


def test_the_defaults_give_way_to_what_the_user_has_set(monkeypatch):
    """Every one of them is an ordinary OTEL_* variable."""
    for variable in distro.DEFAULTS:
        monkeypatch.setenv(variable, "as the user wants it")
    distro.GraphQLDistro()._configure()
    assert {os.environ[variable] for variable in distro.DEFAULTS} == {"as the user wants it"}


def test_an_empty_variable_counts_as_unset(monkeypatch):
    """As the OpenTelemetry specification wants it, and as compose files write an optional one."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "")
    monkeypatch.setattr(distro, "_set_by_us", [])
    distro.GraphQLDistro()._configure()
    assert os.environ["OTEL_TRACES_EXPORTER"] == "otlp"
    for variable in distro._set_by_us:
        monkeypatch.delenv(variable)


def test_the_settings_are_found_where_only_manage_py_names_them(started_as, monkeypatch):
    """Without running it; the environment comes first."""
    started_as("manage.py", "runserver", module="bookshop.settings.dev")
    assert project.settings_module() == "bookshop.settings.dev"
    assert project.project_name() == "bookshop"
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "library.settings")
    assert project.project_name() == "library"


def test_an_everyday_package_name_gives_way_to_the_directorys(started_as):
    """`config.settings` names nothing."""
    directory = started_as("gunicorn", "config.wsgi", module="config.settings")
    assert project.project_name() == directory.name


def test_no_django_project_no_name(monkeypatch, tmp_path):
    """A manage.py that is not Django's, or none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "pass"])
    assert project.project_name() is None
    (tmp_path / "manage.py").write_text("this is not (python")
    assert project.project_name() is None


@pytest.mark.parametrize(
    ("arguments", "run_main", "silent"),
    [
        (("manage.py", "runserver"), None, True),
        (("./manage.py", "runserver", "8001"), None, True),
        (("manage.py", "runserver"), "true", False),
        (("manage.py", "runserver", "--noreload"), None, False),
        (("gunicorn", "shop.wsgi"), None, False),
    ],
)
def test_the_parent_of_the_reloader_is_silent(started_as, monkeypatch, arguments, run_main, silent):
    """It serves nothing."""
    started_as(*arguments)
    if run_main:
        monkeypatch.setenv("RUN_MAIN", run_main)
    assert project.is_reloader_parent() is silent


def test_a_given_service_name_is_left_alone(started_as, monkeypatch):
    """By either of the two variables that give it."""
    started_as("manage.py", "runserver")
    assert resource.GraphQLResourceDetector().detect().attributes[semconv.SERVICE_NAME] == "bookshop"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=mine")
    assert semconv.SERVICE_NAME not in resource.GraphQLResourceDetector().detect().attributes


def test_a_given_instance_id_is_kept_and_made_unique_after_a_fork(monkeypatch):
    """Whole in the first process, as a prefix in another."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-7")
    detector = resource.GraphQLResourceDetector()
    assert detector.is_process_dependent()
    assert semconv.SERVICE_INSTANCE_ID not in detector.detect().attributes
    monkeypatch.setattr(resource, "_first_pid", os.getpid() + 1)
    first, second = (detector.detect().attributes[semconv.SERVICE_INSTANCE_ID] for _ in range(2))
    assert first.startswith("pod-7-")
    assert first != second


DETECTORS = """
import os
os.environ.update(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="process", OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="none")
os.environ.update(OTEL_RESOURCE_ATTRIBUTES="service.instance.id=pod-7")
from opentelemetry import trace
from otel_graphql_auto import distro
distro.GraphQLConfigurator().configure()
def told():
    attributes = trace.get_tracer_provider().resource.attributes
    instance = attributes["service.instance.id"]
    return os.environ["OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"], "process.pid" in attributes, instance[:5], len(instance) > 5
before, (reader, writer) = told(), os.pipe()
if os.fork() == 0:
    os.write(writer, repr(told()).encode())
    os._exit(0)
os.wait()
print(before, os.read(reader, 1000).decode(), told() == before)
"""

LEAVING = """
import multiprocessing, signal, time
from otel_graphql_auto import _leaving
_leaving.bound_exit()
assert signal.getsignal(signal.SIGTERM) is _leaving._terminate
multiprocessing.set_start_method("fork")
worker = multiprocessing.Process(target=lambda: sum(range(10**11)))
worker.start()
time.sleep(0.2)
worker.terminate()
worker.join(5)
print(worker.exitcode)
worker.kill()
"""

EARLY = """
import graphene, django.conf, otel_graphql_auto
from otel_graphql_auto.testing import capture
class Query(graphene.ObjectType):
    hello = graphene.String(default_value="x")
schema = graphene.Schema(Query)
with capture() as seen:
    schema.execute("{ hello }")
    django.conf.settings.configure(GRAPHQL_AUTO={"PERFORMANCE_MONITORING": False})
    schema.execute("{ hello }")
    print(len(seen.operation_spans))
"""


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        (LEAVING, "-15"),
        (EARLY, "1"),
        (DETECTORS, "('process', True, 'pod-7', False) ('process', True, 'pod-7', True) True"),
    ],
    ids=["a forked worker dies at once", "settings may come late", "the user's detectors stay, under another distro too"],
)
def test_in_a_process_of_its_own(code, printed):
    """A signal handler of Python's would make a pool wait for its workers; settings read too early are read again; detectors are given back."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (printed, "")


def test_failing_exports_are_logged_seldom(caplog):
    """The first one with a hint; the next ones for five minutes not at all; others' loggers as ever."""
    logger = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    before = list(logger.filters)
    _leaving.quieten_exporters()
    try:
        with caplog.at_level(logging.INFO):
            for number in range(50):
                logger.warning("cannot export %d", number)
            logging.getLogger("app").warning("the application's own")
    finally:
        for name in _leaving._EXPORTER_LOGGERS:
            logging.getLogger(name).filters[:] = before
    assert [record.getMessage() for record in caplog.records] == [
        "cannot export 0 (the application is not affected; said once in 5 minutes)",
        "the application's own",
    ]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "graphql_auto graphql_auto"),
        ({"OTEL_PYTHON_DISTRO": "distro"}, "distro None"),
        ({"OTEL_PYTHON_CONFIGURATOR": "configurator"}, "None configurator"),
    ],
)
def test_the_command_line_chooses_this_distribution_unless_the_user_chose(environment, expected):
    """Beside opentelemetry-distro the stock loader would take whichever it finds first."""
    code = (
        "import os, otel_graphql_auto.environment_variables;"
        "print(os.environ.get('OTEL_PYTHON_DISTRO'), os.environ.get('OTEL_PYTHON_CONFIGURATOR'))"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], env={**clean, **environment}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_the_package_imports_without_django_settings_or_django():
    """At start-up nothing of the application is there yet, and nothing of it may be touched."""
    code = (
        "import sys, otel_graphql_auto, otel_graphql_auto.distro, otel_graphql_auto.settings;"
        "otel_graphql_auto.instrument();"
        "import django.conf; assert not django.conf.settings.configured;"
        "assert 'graphene_django' not in sys.modules; print('ok')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("ok", "")
