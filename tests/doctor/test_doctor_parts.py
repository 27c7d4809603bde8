"""The doctor's parts in this process: what its sentences say, how it tells listeners apart, and what it does with what fails."""

from __future__ import annotations

import functools
import io
import json
import socket
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from types import SimpleNamespace

import pytest
import wrapt
from django.contrib.auth.decorators import login_required
from django.core.management import call_command
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView

import otel_graphql_auto
from otel_graphql_auto import _patching, doctor
from otel_graphql_auto.doctor import (
    bounded,
    configuration,
    delivery,
    environment,
    launch,
    listener,
    obstacles,
    options,
    pipelines,
    report,
    request,
    sending,
    spans,
    variables,
    verdicts,
)
from otel_graphql_auto.finding import ERROR, INFO, OK, WARNING, Finding
from otel_graphql_auto.frameworks.routes import graphql_routes
from tests.schema import schema

GROUPS = [
    [Finding(OK, "Django", "settings")],
    [],
    [Finding(WARNING, "request", "was refused", "Let it in."), Finding(ERROR, "endpoint", "is\ngone\x1b[2J")],
]


def test_the_text_of_a_report():
    """Marks, subjects in a column, advice below, counts at the end; an answer that is quoted cannot drive the terminal."""
    assert report.as_text(GROUPS, coloured=False).splitlines() == [
        "ok Django        settings",
        "",
        "!! request       was refused",
        "                 -> Let it in.",
        r"xx endpoint      is gone\x1b[2J",
        "",
        "1 error, 1 warning.",
    ]
    assert report.as_text(GROUPS[:1], coloured=True).startswith("\x1b[32mok\x1b[0m Django")


def test_the_json_of_a_report_and_its_exit_code():
    """One object; errors make it 1, warnings only where they shall."""
    parsed = json.loads(report.as_json(GROUPS))
    assert parsed["findings"][1] == {"level": "warning", "subject": "request", "message": "was refused", "advice": "Let it in."}
    assert (parsed["errors"], parsed["warnings"]) == (1, 1)
    assert [report.exit_code(GROUPS[:count], strict=strict) for count in (1, 3) for strict in (False, True)] == [0, 0, 1, 1]
    only_a_warning = [GROUPS[2][:1]]
    assert [report.exit_code(only_a_warning, strict=strict) for strict in (False, True)] == [0, 1]


def test_the_options_are_checked(capsys):
    """A header without a colon and a path without a slash are refused; values of headers are not repeated."""
    parser = ArgumentParser()
    options.add_arguments(parser)
    given = options.Options.of(parser.parse_args(["--header", "Cookie: a=b; c=d", "--header", "X-Key:1", "--path", "/a", "--path", "/b"]))
    assert given == options.Options(paths=("/a", "/b"), headers={"Cookie": "a=b; c=d", "X-Key": "1"})
    for wrong in (["--header", "secret"], ["--path", "a"]):
        with pytest.raises(SystemExit):
            parser.parse_args(wrong)
    assert "is not 'Name: value'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "environment", "coloured"),
    [({}, "", True), ({}, "1", False), ({"no_color": True}, "", False), ({"force_color": True}, "1", True)],
)
def test_colours_on_a_terminal(monkeypatch, given, environment, coloured):
    """Not with NO_COLOR; Django's options for that have the last word. Never where the report is read by a program."""
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setenv("NO_COLOR", environment)
    chosen = options.Options.of(given)
    assert doctor._is_coloured(chosen, terminal) is coloured
    assert doctor._is_coloured(options.Options(), io.StringIO()) is False


def test_what_asgi_needs_is_missed(monkeypatch):
    """It is a dependency, but an environment may be put together by hand."""
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    assert [finding.level for finding in environment.versions()] == [INFO, WARNING]


def test_a_look_that_fails_or_hangs_is_a_finding_beside_what_it_had_found():
    """And the next one is not held up."""
    good = Finding(OK, "x", "good")

    def fails():
        yield good
        raise ValueError("first line\nsecond line")

    def hangs():
        yield good
        done.wait(20)
        yield Finding(OK, "x", "too late")

    done = threading.Event()
    assert bounded.look("x", fails, 5) == [good, Finding(WARNING, "x", "could not look: ValueError: first line")]
    assert bounded.look("x", hangs, 0.1) == [good, Finding(WARNING, "x", "could not look: TimeoutError: no end within 0 s")]
    assert bounded.look("request", fails, 5, ERROR)[-1].level == ERROR
    assert bounded.hangs()
    done.set()
    for thread in bounded._threads:
        thread.join(5)
    assert not bounded.hangs()
    assert bounded.look("x", lambda: [good], 5) == [good]


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (b"HTTP/1.1 405 Method Not Allowed\r\n\r\n", listener.HTTP),
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00", listener.GRPC),
        (b"220 mail.example.com ESMTP\r\n", listener.UNKNOWN),
        (b"", listener.SILENT),
    ],
)
def test_whoever_listens_is_told_by_how_he_answers(answers, found):
    """Whatever he is asked."""
    door = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                connection, _ = door.accept()
            except OSError:
                return
            with connection:
                connection.recv(1000)
                connection.sendall(answers)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = door.getsockname()[1]
    assert listener.what_listens("127.0.0.1", port) == found
    stop.set()
    door.close()
    # The thread waits for one more connection, or finds the door closed.
    thread.join(0.1)


def test_nobody_and_nowhere():
    """A port that is taken by nobody who listens, and a name that never resolves."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert listener.what_listens("127.0.0.1", taken.getsockname()[1]) == listener.REFUSED
    assert listener.what_listens("collector.invalid", 4318) == listener.UNRESOLVED


HTTP, GRPC = pipelines.HTTP, pipelines.GRPC


@pytest.mark.parametrize(
    ("kind", "answer", "listens", "url", "level", "words"),
    [
        (HTTP, {"status": 200}, None, "http://c:4318/v1/traces", OK, "answers (HTTP 200)"),
        (GRPC, {"code": "OK"}, None, "http://c:4317", OK, "answers (gRPC OK)"),
        (HTTP, {"status": 403}, listener.HTTP, "http://c/v1/traces", ERROR, "OTEL_EXPORTER_OTLP_HEADERS"),
        (HTTP, {"status": 405}, listener.HTTP, "http://c/graphql", ERROR, "Nothing takes OTLP at /graphql"),
        (HTTP, {"status": 307}, listener.HTTP, "http://c/v1/traces", ERROR, "do not follow"),
        (HTTP, {"status": 415}, listener.HTTP, "http://c/v1/traces", ERROR, "no protobuf"),
        (HTTP, {"status": 503}, listener.HTTP, "http://c/v1/traces", WARNING, "cannot take anything now"),
        (HTTP, {"status": 500}, listener.HTTP, "http://c/v1/traces", ERROR, "refuses: HTTP 500"),
        (HTTP, {"status": 400}, listener.TLS, "http://c/v1/traces", ERROR, "speaks TLS"),
        (HTTP, {"error": "ProxyError"}, listener.HTTP, "http://c/v1/traces", ERROR, "the proxy does not answer"),
        (HTTP, {"error": "ConnectionError"}, listener.TIMEOUT, "http://c/v1/traces", ERROR, "cannot be reached in time"),
        (HTTP, {"error": "ConnectionError"}, listener.UNKNOWN, "http://c/v1/traces", ERROR, "does not answer: ConnectionError"),
        (HTTP, {"error": "ConnectionError"}, None, "unix:/tmp/x", ERROR, "does not answer: ConnectionError"),
        (GRPC, {"code": "UNAUTHENTICATED"}, listener.GRPC, "http://c:4317", ERROR, "OTEL_EXPORTER_OTLP_HEADERS"),
        (GRPC, {"code": "PERMISSION_DENIED"}, listener.GRPC, "http://c:4317", ERROR, "PERMISSION_DENIED"),
        (GRPC, {"code": "UNIMPLEMENTED"}, listener.GRPC, "http://c:4317", ERROR, "takes no OTLP"),
        (GRPC, {"code": "UNIMPLEMENTED"}, listener.HTTP, "http://c:4318", ERROR, "speaks HTTP, not gRPC"),
        (GRPC, {"code": "RESOURCE_EXHAUSTED"}, listener.GRPC, "http://c:4317", WARNING, "overloaded"),
        (GRPC, {"code": "UNAVAILABLE"}, listener.GRPC, "https://c:4317", ERROR, "does not speak TLS"),
        (GRPC, {"code": "UNAVAILABLE"}, listener.TLS, "https://c:4317", ERROR, "not trusted"),
    ],
)
def test_what_an_answer_means(kind, answer, listens, url, level, words):
    """Each with one line of what to do, but where all is well."""
    verdict = verdicts.judge(kind, verdicts.Answer(**answer), listens, url)
    assert verdict.level == level
    assert words in f"{verdict.message} {verdict.advice}"
    assert bool(verdict.advice) == (level != OK)


def test_exporters_are_found_behind_what_other_sdks_put_around_them(monkeypatch):
    """Wrappers, and processors that pass on to several; what only adds attributes, and the doctor's own, are none."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    class Wrapper(SpanProcessor):
        def __init__(self, processor):
            self.processor = processor

    behind = SynchronousMultiSpanProcessor()
    behind.add_span_processor(SpanProcessor())
    traces, metrics = TracerProvider(shutdown_on_exit=False), MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    traces.add_span_processor(spans.Memory())
    monkeypatch.setattr(pipelines, "provider_of", lambda signal: {"metrics": metrics}.get(signal, SimpleNamespace(provider=traces)))
    assert pipelines.exporters("traces") == []
    traces.add_span_processor(Wrapper(Wrapper(behind)))
    assert [one.kind for one in pipelines.exporters("traces")] == ["SpanProcessor"]
    behind.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    assert [one.kind for one in pipelines.exporters("traces")] == ["InMemorySpanExporter"]
    assert [one.kind for one in pipelines.exporters("metrics")] == ["InMemoryMetricReader"]
    assert pipelines.exporters("logs") is None


def test_credentials_in_an_address_are_not_shown():
    """Neither before the host nor in the query."""
    assert pipelines.shown("https://user:secret@host:4318/v1/traces?key=secret") == "https://host:4318/v1/traces"
    assert pipelines.shown("user:secret@host:4317") == "host:4317"
    assert pipelines.shown("/login/?next=/graphql&state=secret") == "/login/"


def _urls(*patterns):
    return SimpleNamespace(urlpatterns=list(patterns))


def test_every_route_to_a_graphql_view_is_found(settings, monkeypatch):
    """Nested, by regular expression, behind decorators and partials, with and without parameters; other views are not."""
    view = GraphQLView.as_view(schema=schema)

    class Batch(GraphQLView):
        batch = True

    def bare(inner):
        return functools.wraps(inner, updated=())(lambda request: inner(request))

    nested = [
        re_path(r"^v(?P<version>[0-9]+)/graphql/?$", view),
        path("batch/", Batch.as_view(schema=schema)),
        re_path(r"^also/?$", GraphQLView.as_view(schema=schema, batch=True)),
    ]
    urls = _urls(
        path("graphql", login_required(csrf_exempt(view))),
        path("partial", functools.partial(view)),
        path("wrapped", bare(view)),
        path("page/", lambda request: None),
        path("50%off/", lambda request: None),
        re_path(r"^100%/(?P<part>[a-z]+)/graphql$", view),
        path("api/<slug:tenant>/", include(nested)),
        path("plain/", include(nested)),
    )
    monkeypatch.setitem(sys.modules, "urls_of_a_test", urls)
    settings.ROOT_URLCONF = "urls_of_a_test"
    found = [(route.path, route.is_batch, route.has_parameters) for route in graphql_routes()]
    assert found == [
        ("/graphql", False, False),
        ("/partial", False, False),
        ("/wrapped", False, False),
        ("/100%/<part>/graphql", False, True),
        ("/api/<tenant>/v<version>/graphql", False, True),
        ("/api/<tenant>/batch/", True, True),
        ("/api/<tenant>/also", True, True),
        ("/plain/v<version>/graphql", False, True),
        ("/plain/batch/", True, False),
        ("/plain/also", True, False),
    ]


def test_a_patch_knows_whether_it_is_still_in_place():
    """Ours, ours inside a wrapper of wrapt or a plain one, something else, and what there never was."""

    def around(inner):
        return lambda: inner()

    owner = SimpleNamespace(function=lambda: 1)
    patch, missing = (_patching.Patch(owner, name, lambda original: lambda: original() + 1) for name in ("function", "nothing"))
    patch.attach()
    missing.attach()
    ours = owner.function
    assert (patch.state(), missing.state()[0]) == ((_patching.IN_PLACE, ours), _patching.ABSENT)
    owner.function = wrapt.FunctionWrapper(ours, lambda wrapped, instance, args, kwargs: wrapped())
    assert patch.state()[0] == _patching.WRAPPED
    owner.function = around(ours)
    assert (patch.state()[0], owner.function()) == (_patching.WRAPPED, 2)
    owner.function = lambda: 1
    assert patch.state()[0] == _patching.REPLACED
    owner.function = ours
    patch.detach()
    assert patch.state()[0] == _patching.ABSENT


def test_a_subclass_of_a_wrapped_class_counts_as_wrapped():
    """MapAsyncIterator is a class."""
    owner = SimpleNamespace(kind=dict)
    patch = _patching.Patch(owner, "kind", lambda original: type("Ours", (original,), {}))
    patch.attach()
    owner.kind = type("Theirs", (owner.kind,), {})
    assert patch.state()[0] == _patching.WRAPPED


@pytest.mark.parametrize(
    ("allowed", "debug", "host"),
    [
        ([], True, "localhost"),
        (["*"], False, "localhost"),
        ([".example.com"], False, "example.com"),
        (["shop.example.com", "localhost"], False, "localhost"),
        (["shop.example.com"], False, "shop.example.com"),
        ([], False, None),
    ],
)
def test_the_request_names_a_host_that_is_allowed(settings, allowed, debug, host):
    """localhost where that is one. Where none is allowed, a refusal has that as its reason."""
    settings.ALLOWED_HOSTS, settings.DEBUG = allowed, debug
    advice = request._refusal(sending.Answer(400, "", "", ""), proven=False).advice
    assert ("ALLOWED_HOSTS" in advice) == (host is None)
    assert sending.host() == host


def test_a_request_is_sent_to_batches_as_a_list(settings):
    """And what the application raises comes back as one line."""
    assert [target.is_batch for target in sending.targets(["/graphql", "/batch", "/nowhere"])] == [False, True, False]
    assert len(sending.targets([])) == 6
    assert json.loads(sending.send(sending.Target("/batch", True), {}).said)[0]["data"] == {"__typename": "Query"}
    assert sending.send(sending.Target("/batch", False), {}).status == 400
    assert sending.send(sending.Target("/nowhere", False), {}).said == "Not Found"


def test_spans_are_told_apart_by_ids_also_where_nothing_reads_what_is_sent(seen):
    """A span of somebody else may stand between the request's and the operation's."""
    from opentelemetry import trace

    tracer, ours = (seen.tracer_provider.get_tracer(name) for name in ("django", "otel_graphql_auto"))
    for attached in (True, False):
        seen._exporter.clear()
        parent = spans.Parent()
        with (
            tracer.start_as_current_span("POST", parent.context if attached else None, kind=trace.SpanKind.SERVER) as server,
            tracer.start_as_current_span("between"),
            ours.start_as_current_span("op", attributes={"graphql.processing.type": "request"}),
        ):
            pass
        kept = spans.sort_out(seen.spans, parent)
        assert (kept.server.context, len(kept.operations), kept.below) == (server.get_span_context(), 1, True)
        kept = spans.sort_out([span for span in seen.spans if span.name != "between"], parent)
        assert kept.below is False


def test_called_in_a_process_with_other_things_to_do_it_looks_at_that_one(seen, monkeypatch):
    """Nothing is started again, nothing ends, and the report goes where the caller wants it."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("graphql_auto", "doctor", "--json", "--path", "/graphql", stdout=out)
    assert ended.value.code == 1
    findings = json.loads(out.getvalue())["findings"]
    requests = [one for one in findings if one["subject"] == "request"]
    assert [(one["level"], one["message"]) for one in requests] == [
        ("error", "POST /graphql made an operation span, and no span of the HTTP request: Django is not instrumented")
    ]
    assert [one["level"] for one in findings if one["subject"] == "functions"] == ["ok"]
    assert len([one for one in findings if one["subject"] == "view"]) == 6
    assert otel_graphql_auto.current_operation() is None
    assert len(seen.operations) == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [({"PERFORMANCE_MONITORING": False}, "PERFORMANCE_MONITORING is False"), ({"DISABLED": ["execution"]}, "DISABLED names execution")],
)
def test_a_setting_that_switches_operations_off_is_named(seen, configure, values, reason):
    """As a warning: somebody has chosen it."""
    configure(**values)
    assert obstacles.of_operation()[:2] == (WARNING, f": {reason}")


def test_a_request_that_is_refused_is_an_error_where_nothing_else_proves_the_wiring():
    """In CI a check that has proved nothing must not pass. An answer of 200 is no refusal."""
    refused = sending.Answer(403, "no", "", "")
    assert [request._refusal(refused, proven=proven).level for proven in (False, True)] == [ERROR, WARNING]
    assert request._refusal(sending.Answer(302, "", "/login/", ""), proven=True).what.endswith("no operation began (/login/)")
    assert request._refusal(sending.Answer(200, "", "", ""), proven=False) is None


def test_propagators_of_none_are_known_to_break_requests(monkeypatch):
    """The Django instrumentation then attaches a context that is None."""
    monkeypatch.setenv("OTEL_PROPAGATORS", "none")
    assert "OTEL_PROPAGATORS=none" in obstacles.of_failure()
    monkeypatch.setenv("OTEL_PROPAGATORS", "b3")
    assert "OTEL_SDK_DISABLED" in obstacles.of_failure()


def test_settings_given_in_one_place_and_none_given(configure):
    """One row that says so."""
    assert [finding.level for finding in configuration.given_settings()] == [OK]
    configure(SLOW_QUERY_THRESHOLD=5)
    assert [*configuration.given_settings()] == [Finding(OK, "settings", "1 given: SLOW_QUERY_THRESHOLD")]


def test_a_setting_that_is_overridden_with_the_same_value_is_not_worth_a_row(configure, monkeypatch):
    """Only one that changes something."""
    configure(SLOW_QUERY_THRESHOLD=5)
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD", "5")
    otel_graphql_auto.settings.reload()
    assert [finding.level for finding in configuration.given_settings()] == [OK]
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD", "6")
    otel_graphql_auto.settings.reload()
    assert [finding.level for finding in configuration.given_settings()] == [INFO, OK]


def test_it_starts_again_with_the_same_arguments_or_says_that_it_cannot(monkeypatch):
    """Under the script beside this interpreter; what settings.py has set since does not go along."""
    started = {"OTEL_SERVICE_NAME": "shop", "HOME": "/root"}
    monkeypatch.setattr(variables, "at_start", lambda: started)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "manage.py", "graphql_auto", "doctor", "--json"])
    assert launch.is_own_process()
    calls = []

    def execve(*arguments):
        calls.append(arguments)
        raise InterruptedError

    monkeypatch.setattr("os.execve", execve)
    order = []
    with pytest.raises(InterruptedError):
        launch.relaunch(lambda: order.append("before"))
    [(script, arguments, environment)] = calls
    assert (Path(script).name, Path(script).parent, order) == ("opentelemetry-instrument", Path(sys.executable).parent, ["before"])
    assert arguments == [script, sys.executable, *sys.orig_argv[1:]]
    assert environment["OTEL_SERVICE_NAME"] == "shop"
    assert "OTEL_TRACES_EXPORTER" not in environment
    monkeypatch.setenv(launch._MARKER, "1")
    assert [finding.subject for finding in launch.relaunched()] == ["start"]
    assert launch.relaunched() == []
    monkeypatch.setattr(launch, "_script", lambda: None)
    assert [(finding.level, bool(finding.advice)) for finding in launch.relaunch(order.clear)] == [(ERROR, True)]


def test_a_key_in_an_address_is_not_in_what_is_said_of_a_failure(monkeypatch):
    """Exporters log the address that failed."""
    exporter = pipelines.Exporter("traces", HTTP, "http://backend/v1/traces?key=secret", None)
    monkeypatch.setattr(delivery, "otlp", lambda: [exporter])
    assert delivery._without_secrets("failed with url: /v1/traces?key=secret") == "failed with url: /v1/traces?[hidden]"


def test_whose_a_variable_is(monkeypatch):
    """The user's where it was there from the start, ours where the distribution set it, somebody's in this process, nobody's."""
    from otel_graphql_auto import distro

    monkeypatch.setattr(variables, "at_start", lambda: {"OTEL_SERVICE_NAME": "shop"})
    monkeypatch.setattr(distro, "_set_by_us", ["OTEL_LOGS_EXPORTER"])
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_PROPAGATORS", "b3")
    monkeypatch.delenv("OTEL_TRACES_EXPORTER", raising=False)
    assert variables.origin(["OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME"]) == "OTEL_SERVICE_NAME, yours"
    assert variables.origin(["OTEL_PROPAGATORS"]) == "OTEL_PROPAGATORS, set by code in this process"
    assert (variables.origin(["OTEL_LOGS_EXPORTER"]), variables.value("OTEL_LOGS_EXPORTER")) == (variables.OURS, "none")
    assert (variables.origin(["OTEL_TRACES_EXPORTER"]), variables.value("OTEL_TRACES_EXPORTER")) == (variables.SDKS, None)
    assert "OTEL_PROPAGATORS" in variables.came_late()
    assert "OTEL_SERVICE_NAME" not in variables.came_late()
