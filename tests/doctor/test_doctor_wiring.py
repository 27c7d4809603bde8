"""What the doctor says of the wiring: who set OpenTelemetry up, what is hooked, and what a request made. Each case is a real process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doctor.conftest import DOCTOR, INSTRUMENT, MANAGE, Shop
from tests.end_to_end.receiver import Receiver

pytestmark = pytest.mark.end_to_end

QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
"""For what has nothing to do with exports."""

OWN = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from shop.apps import ShopConfig

class OwnConfig(ShopConfig):
    def ready(self):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        DjangoInstrumentor().instrument()
        super().ready()
"""

OTHER = """
from opentelemetry import trace
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _BaseConfigurator
from opentelemetry.sdk.trace import TracerProvider

class StandIn(trace.TracerProvider):
    def __init__(self):
        self.provider = TracerProvider()
    def get_tracer(self, *args, **kwargs):
        return self.provider.get_tracer(*args, **kwargs)
    def add_span_processor(self, processor):
        self.provider.add_span_processor(processor)

class OtherDistro(BaseDistro):
    def _configure(self, **kwargs):
        pass

class OtherConfigurator(_BaseConfigurator):
    def _configure(self, **kwargs):
        trace.set_tracer_provider(StandIn())
"""

VIEWS = """
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django import views
from graphql.language.parser import parse
from graphene_django.views import GraphQLView
from shop.schema import schema

class Theirs(GraphQLView):
    pass

class Replaced(GraphQLView):
    def get_response(self, request, data, show_graphiql=False):
        return super().get_response(request, data, show_graphiql)

def around(get_response):
    def timed(self, *args, **kwargs):
        return get_response(self, *args, **kwargs)
    return timed

def instead(self, request, data, show_graphiql=False):
    return '{"data": null}', 200

views.parse = lambda source: parse(source)
Theirs.get_response = around(GraphQLView.get_response)
Replaced.get_response = instead

urlpatterns = [
    path("theirs", csrf_exempt(Theirs.as_view(schema=schema))),
    path("replaced", csrf_exempt(Replaced.as_view(schema=schema))),
    path("<slug:tenant>/graphql", csrf_exempt(GraphQLView.as_view(schema=schema))),
]
"""

GUARD = """
from django.http import HttpResponseForbidden

def guard(get_response):
    def answer(request):
        refused = request.path != "/graphql" and request.headers.get("X-Key") != "right"
        return HttpResponseForbidden("Members only") if refused else get_response(request)
    return answer
"""


def test_a_project_that_instruments_itself_is_looked_at_as_it_is(shop: Shop, to: dict[str, str], receiver: Receiver) -> None:
    """With an SDK and `otel_graphql_auto.instrument()` in its own code: not started again, and its own exporter is found and asked."""
    shop.module("own", OWN)
    extra = shop.settings("INSTALLED_APPS = [*INSTALLED_APPS[:-1], 'shop.own.OwnConfig']")
    report = shop.examine({**to, **extra, "SHOP_AGENT": "instrument"}, command=(*DOCTOR, "--json"))
    assert report.rows("start") == []
    assert report.row("distro")[0] == "info"
    assert report.row("traces")[:2] == ("ok", f"OTLP over HTTP to {receiver.endpoint}/v1/traces")
    assert report.row("endpoint")[0] == "ok"
    assert (report.code, len(report.rows("request"))) == (0, 3)
    assert report.bad == [("warning", "metrics"), ("warning", "service")]
    assert len(receiver.telemetry.operations()) == 3


def test_a_project_with_an_sdk_that_does_not_instrument(shop: Shop, to: dict[str, str]) -> None:
    """It has set up an SDK and forgot us: the advice is the one line that is missing."""
    shop.module("own", OWN)
    report = shop.examine(
        {**to, **shop.settings("INSTALLED_APPS = [*INSTALLED_APPS[:-1], 'shop.own.OwnConfig']")}, command=(*DOCTOR, "--json")
    )
    level, message, advice = report.row("instrumentor")
    assert (report.code, level, message) == (1, "error", "graphql_auto is not attached")
    assert "otel_graphql_auto.instrument()" in advice
    assert "made a SERVER span, and no operation" in report.row("request")[1]


def test_the_sdk_disabled(shop: Shop) -> None:
    """A warning, no request, exit code 0; with a health path it still answers, which is none of the doctor's business."""
    report = shop.examine({"OTEL_SDK_DISABLED": "true"}, command=(*DOCTOR, "--json"))
    assert (report.code, report.bad) == (0, [("warning", "OpenTelemetry")])
    assert report.rows("request") == report.rows("start") == []


def test_another_distribution_and_another_sdk(shop: Shop, tmp_path: Path) -> None:
    """The user has chosen them: who runs is told, who chose, whose provider it is, and the operations are seen all the same."""
    (tmp_path / "othersdk.py").write_text(OTHER)
    information = tmp_path / "othersdk-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: othersdk\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[opentelemetry_distro]\nother = othersdk:OtherDistro\n[opentelemetry_configurator]\nother = othersdk:OtherConfigurator\n"
    )
    chosen = {"OTEL_PYTHON_DISTRO": "other", "OTEL_PYTHON_CONFIGURATOR": "other", "DJANGO_SETTINGS_MODULE": "shop.settings"}
    runs = (chosen, QUIET, {**QUIET, "OTEL_PYTHON_DISTRO": "nope"})
    report, beside, nope = shop.examine_all(*({**variables, "PYTHONPATH": str(tmp_path)} for variables in runs))
    assert report.rows("distro") == [
        ("info", "other (OTEL_PYTHON_DISTRO, yours); installed too: graphql_auto", "The defaults of otel-graphql-auto are not in force.")
    ]
    assert report.row("configurator")[1] == "other (OTEL_PYTHON_CONFIGURATOR, yours); installed too: graphql_auto"
    assert report.rows("traces")[0][:2] == ("info", "the provider is StandIn of othersdk")
    assert [level for level, _, _ in report.rows("request")] == ["ok", "ok", "ok"]
    assert beside.row("distro")[:2] == ("ok", "graphql_auto (default of otel-graphql-auto); installed too: other, and its configurator")
    # The stock one runs where none is found, and Django's settings are lost to it: said together with the reason.
    assert (nope.code, nope.rows("Django")[0][1].startswith("the project has lost its settings")) == (1, True), nope.output
    assert nope.row("distro")[1] == "none ran: OTEL_PYTHON_DISTRO is 'nope', which is not installed"


def test_hooks_that_are_gone_and_one_that_is_wrapped(shop: Shop) -> None:
    """A view's and a function's that are gone are errors that name who did it, a wrapped one is fine; an address with parameters is not tried."""
    shop.module("views_of_others", VIEWS)
    report = shop.examine({**QUIET, **shop.settings("ROOT_URLCONF = 'shop.views_of_others'")})
    theirs, replaced, tenant = report.rows("view")
    assert theirs[:2] == ("ok", "/theirs: Theirs is hooked, and shop.views_of_others stands around it")
    assert replaced[0] == "error"
    assert replaced[1].startswith("/replaced: Replaced.get_response is no longer ours")
    assert replaced[2].startswith("shop.views_of_others has replaced it")
    assert tenant[:2] == ("ok", "/<tenant>/graphql: GraphQLView is hooked")
    assert [row for row in report.rows("functions") if row[0] != "ok"] == [
        (
            "error",
            "graphene_django.views.parse is no longer ours: what goes through it is not seen",
            "shop.views_of_others has replaced it: have it call the function that it replaces, or attach it first.",
        )
    ]
    assert [(level, message.split(" (")[0]) for level, message, _ in report.rows("request")] == [
        ("ok", "POST /theirs made a SERVER span with an operation below it"),
        ("error", "POST /replaced made a SERVER span, and no operation"),
    ]
    assert report.code == 1


def test_a_protected_endpoint(shop: Shop) -> None:
    """Refused without the header, well with it. Beside a request that was proven a refusal is a warning."""
    shop.module("guarding", GUARD)
    extra = {**QUIET, **shop.settings("MIDDLEWARE = [*MIDDLEWARE, 'shop.guarding.guard']")}
    command = (*INSTRUMENT, *DOCTOR, "--json")
    report, let_in = shop.examine_all(extra, extra, commands=[command, (*command, "--header", "X-Key: right")])
    level, message, advice = report.rows("request")[1]
    assert (report.code, level) == (0, "warning")
    assert message == "POST /api/gql/ and /batch/ got HTTP 403, and no operation began (Members only)"
    assert "--header" in advice
    assert (let_in.code, let_in.bad, len(let_in.rows("request"))) == (0, [], 3)
    assert "right" not in let_in.output


def test_a_project_without_a_graphql_view(shop: Shop) -> None:
    """One warning, with what to do. No handler was loaded then; the middleware will be in place all the same."""
    shop.module("no_urls", "urlpatterns = []")
    report = shop.examine({**QUIET, **shop.settings("ROOT_URLCONF = 'shop.no_urls'")})
    assert (report.code, report.bad) == (0, [("warning", "request")])
    assert "--path" in report.row("request")[2]
    assert report.row("view")[0] == "info"
    assert report.row("middleware")[0] == "ok"


def test_an_async_view_of_the_projects_own(shop: Shop) -> None:
    """No class that could be found in the URLconf: named with --path it is asked like any other. One that is not there is an error."""
    # Without csrf_exempt, which knows no async views before Django 5.
    shop.module("later", "from shop.urls import *\nurlpatterns = [path('later/', later.__wrapped__), path('broken/', broken)]")
    extra = {**QUIET, **shop.settings("ROOT_URLCONF = 'shop.later'")}
    report = shop.examine(extra, command=(*INSTRUMENT, *DOCTOR, "--json", "--path", "/later/", "--path", "/nowhere/", "--path", "/broken/"))
    later, nowhere, broken = report.rows("request")
    assert later[0] == "ok"
    assert later[1].startswith("POST /later/ made a SERVER span with an operation below it")
    assert nowhere[1].startswith("POST /nowhere/ got HTTP 404")
    assert broken[1] == "POST /broken/ failed: RuntimeError: this page always fails"
    assert report.code == 1
    assert report.errors == ""


SWITCHES = [
    (
        {"OTEL_PYTHON_DJANGO_INSTRUMENT": "False"},
        "an operation span, and no span of the HTTP request: OTEL_PYTHON_DJANGO_INSTRUMENT is False",
    ),
    (
        {"OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "graphql"},
        "an operation span, and no span of the HTTP request: OTEL_PYTHON_DJANGO_EXCLUDED_URLS excludes this address",
    ),
    (
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "django, graphql_auto"},
        "no span: OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names django, and the instrumentor is not attached",
    ),
    ({"OTEL_TRACES_SAMPLER": "always_off"}, "no span: it was not sampled"),
]


def test_a_switch_that_somebody_has_thrown_is_named(shop: Shop) -> None:
    """It explains what is missing; a warning, because it was chosen."""
    reports = shop.examine_all(
        *({**QUIET, **variables} for variables, _ in SWITCHES),
        commands=[(*INSTRUMENT, *DOCTOR, "--json", "--path", "/graphql")] * len(SWITCHES),
    )
    for report, (_, message) in zip(reports, SWITCHES, strict=True):
        assert report.row("request")[:2] == ("warning", f"POST /graphql made {message}")
        assert report.row("request")[2]
        assert report.code == 0


def test_what_is_set_too_late_does_nothing(shop: Shop, to: dict[str, str]) -> None:
    """A variable that settings.py sets: named where the process was started right, and without effect where the doctor starts it again."""
    late = shop.settings("import os\nos.environ['OTEL_SERVICE_NAME'] = 'late'\nINSTALLED_APPS += ['otel_graphql_auto']")
    report, again = shop.examine_all({**to, **late}, {**to, **late}, commands=[(*INSTRUMENT, *DOCTOR, "--json"), (*MANAGE, "--json")])
    assert report.bad == again.bad == [("warning", "variables")]
    assert "OTEL_SERVICE_NAME" in report.row("variables")[1]
    assert again.row("service")[1].startswith("shop (")


def test_settings_that_are_wrong_idle_or_overridden(shop: Shop) -> None:
    """Each in a row of its own, with its advice."""
    chosen = shop.settings("GRAPHQL_AUTO = {'SLOW_QUERY_TRESHOLD': 5, 'SLOW_QUERY_THRESHOLD': 6, 'SPAN_NAMES': 'type_and_name'}")
    report = shop.examine({**QUIET, **chosen, "OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD": "7"})
    wrong, idle, overridden = report.rows("settings")
    assert wrong == (
        "error",
        "GRAPHQL_AUTO['SLOW_QUERY_TRESHOLD'] is not a setting of otel_graphql_auto.",
        "Did you mean SLOW_QUERY_THRESHOLD?",
    )
    assert idle[:2] == ("warning", "SPAN_NAMES is 'type_and_name', which does nothing without OPERATION_MANIFEST.")
    assert overridden[:2] == ("info", "OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD overrides GRAPHQL_AUTO['SLOW_QUERY_THRESHOLD']")
    assert report.code == 1


def test_the_middleware_and_the_health_paths_are_looked_at(shop: Shop) -> None:
    """Listed by the user, and the paths of HEALTH_PATHS."""
    chosen = shop.settings(
        "MIDDLEWARE += ['otel_graphql_auto.http.PerformanceMiddleware']\n"
        "GRAPHQL_AUTO = {'RESPONSE_HEADERS': 'always', 'HEALTH_PATHS': {'live': '/healthz'}}"
    )
    report = shop.examine({**QUIET, **chosen})
    assert report.row("middleware") == ("ok", "PerformanceMiddleware stands where MIDDLEWARE lists it; RESPONSE_HEADERS is 'always'", "")
    assert report.row("health") == ("ok", "/healthz: answered before all middleware", "")
    assert report.bad == []
