"""What an alert says: labels, sentences with their numbers, and links that lead to the right panel and the right traces."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards import choices
from dashboards.pages import panels_of

from .alert_cases import FIRES, NO_DATA, NO_ENVIRONMENT, SPECIAL, UNNAMED
from .alert_rules import CASES, PAGES, RULES, as_file
from .promtool import Case, Firing, Labels, counter, series, written

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Text:
    """What is expected of the first case in which an alert fires."""

    severity: str
    summary: str
    description: str
    """A part of it, with the number."""
    page: str
    panel: str
    traces: str | None
    """TraceQL."""


SERVICE = {"environment": "production", "service": "shop"}
OPERATION = {**SERVICE, "operation": "Feed"}
OF_SHOP = '{ resource.service.name = "shop" && resource.deployment.environment.name = "production"'
OF_FEED = f'{OF_SHOP} && span.graphql.operation.name = "Feed"'
FAILED = f'{OF_SHOP} && span.graphql_auto.error.fault = "server" }}'

TEXTS = {
    "GraphQLSlowOperations": Text(
        "warning",
        "Feed of shop was slow",
        "(SLOW_QUERY_THRESHOLD, SLOW_QUERY_THRESHOLDS): 1; allowed: 0",
        "graphql-operation",
        "Slow operations",
        f"{OF_FEED} && span.graphql_auto.operation.slow = true }}",
    ),
    "GraphQLServerErrors": Text(
        "warning",
        "5.1% of the operations of shop fail",
        "5.1% of the operations of the last 10 minutes failed by the server's fault; allowed: 5%",
        "graphql-overview",
        "Errors by fault",
        FAILED,
    ),
    "GraphQLLatencyP95": Text(
        "warning",
        "p95 of Feed of shop is 1.029s",
        "took longer than 1.029s; allowed: 1 s",
        "graphql-operation",
        "Average and percentiles",
        f"{OF_FEED} && duration > 1s }}",
    ),
    "GraphQLErrorBudgetFast": Text(
        "critical",
        "shop spends its month's error budget 14.7 times too fast",
        "more than 1.44% failed by the server's fault (14.7 times what 99.9% allows; limit 14.4)",
        "graphql-overview",
        "Burn rate",
        FAILED,
    ),
    "GraphQLErrorBudgetSlow": Text(
        "critical",
        "shop spends its month's error budget 6.1 times too fast",
        "more than 0.60% failed by the server's fault (6.1 times what 99.9% allows; limit 6)",
        "graphql-overview",
        "Burn rate",
        FAILED,
    ),
    "GraphQLOperationNamesOverflow": Text(
        "warning",
        "20.4% of the operations of shop have no name in metrics",
        "20.4% of the operations of the last 30 minutes were counted as _OTHER; allowed: 20%",
        "graphql-operation",
        "Counted as _OTHER",
        f"{OF_SHOP} && span.graphql.operation.name != nil }}",
    ),
    "GraphQLNPlusOne": Text(
        "warning",
        "Post.author of shop repeats a SQL statement (N+1)",
        "The field Post.author repeated a statement within one operation. Times in 30 minutes: 1; allowed: 0",
        "graphql-database",
        "N+1 queries",
        f"{OF_SHOP} && span.graphql_auto.n_plus_one.count > 0 }}",
    ),
    "GraphQLStatementsPerOperation": Text(
        "warning",
        "50.01 SQL statements for Feed of shop",
        "50.01 SQL statements, as a mean over 15 minutes; allowed: 50",
        "graphql-operation",
        "SQL statements: average and p95",
        f"{OF_FEED} && span.graphql_auto.db.query_count > 50 }}",
    ),
    "GraphQLSlowStatements": Text(
        "warning",
        "SQL on blog_post is slow in shop",
        "in 10 minutes that took longer than SLOW_SQL_THRESHOLD: 11; allowed: 10",
        "graphql-database",
        "Slow SQL statements",
        f"{OF_SHOP} && span.graphql_auto.db.slow = true }}",
    ),
    "GraphQLNoTelemetry": Text(
        "critical", "shop has stopped reporting", "for more than five minutes", "graphql-pipeline", "Processes by service", None
    ),
    "GraphQLInternalErrors": Text(
        "warning",
        "This instrumentation fails in shop (execution: KeyError)",
        "Errors in 15 minutes in the room execution: 1; allowed: 0",
        "graphql-pipeline",
        "Our own errors by room",
        f"{OF_SHOP} }}",
    ),
    "CollectorQueueFilling": Text(
        "warning",
        "The collector's queue of traces is 50.1% full",
        "otlp/tempo takes less than arrives: 50.1% of the queue is used, 50% is allowed",
        "graphql-pipeline",
        "Queue on disk",
        None,
    ),
    "CollectorLosesTelemetry": Text(
        "critical",
        "The collector has lost spans: the store refused them",
        "Lost spans for otlp/tempo in 10 minutes: 1; allowed: 0. Why: the store refused them",
        "graphql-pipeline",
        "Lost telemetry",
        None,
    ),
}

BY_OPERATION = {"GraphQLSlowOperations", "GraphQLLatencyP95", "GraphQLStatementsPerOperation"}
OF_COLLECTOR = {"CollectorQueueFilling", "CollectorLosesTelemetry"}

ODD: Labels = {"service_name": "shop & co: 50 % #1 + ü/ß", "deployment_environment_name": "a b&c=d", "graphql_operation_name": "_OTHER"}
ODD_NAMES = Case(
    "GraphQLSlowOperations",
    SPECIAL,
    "names that mean something in an address",
    {series("graphql_auto_operation_slow_total", ODD): counter((None, 10), (1000, 20))},
    [Firing(ODD, 10, 30)],
)
NO_TABLE = CASES["GraphQLSlowStatements"].of(SPECIAL)[0]
NOBODY = CASES["GraphQLNoTelemetry"].of(NO_DATA)[0]
SOME = [cases.of(kind)[0] for cases in CASES.values() for kind in (FIRES, UNNAMED, NO_ENVIRONMENT) if cases.of(kind)]


@pytest.fixture(scope="module")
def said() -> dict[str, list[tuple[Labels, Labels]]]:
    """What fires, when the first one does: labels and annotations, by the name of the case."""
    return written(as_file(RULES.values()), [*SOME, ODD_NAMES, NO_TABLE, NOBODY])


Said = Mapping[str, list[tuple[Labels, Labels]]]


def annotations(said: Said, case: Case) -> Labels:
    """Of the only alert that fires."""
    ((_, found),) = said[case.name]
    return found


def in_grafana(link: str) -> str:
    """What follows the address of Grafana, from its slash on."""
    assert link.startswith(f"{choices.GRAFANA}/"), link
    return link.removeprefix(choices.GRAFANA)


def chosen(link: str) -> tuple[str, str, dict[str, str]]:
    """Page, title of the panel, and variables of a link to a dashboard."""
    address = urlsplit(in_grafana(link))
    assert address.path.startswith("/d/"), link
    uid = address.path.removeprefix("/d/")
    parameters = {name: value for name, (value,) in parse_qs(address.query, keep_blank_values=True, strict_parsing=True).items()}
    assert (parameters.pop("from"), parameters.pop("to")) == ("now-1h", "now")
    number = int(parameters.pop("viewPanel").removeprefix("panel-"))
    (title,) = [panel["title"] for panel in panels_of(PAGES[uid]) if panel["id"] == number]
    variables = {variable["name"] for variable in PAGES[uid]["templating"]["list"]}
    assert {name.removeprefix("var-") for name in parameters} <= variables
    return uid, title, {name.removeprefix("var-"): value for name, value in parameters.items()}


def traceql(link: str) -> str:
    """The query that a link to Explore asks Tempo."""
    address = urlsplit(in_grafana(link))
    assert address.path == "/explore", link
    parameters = {name: value for name, (value,) in parse_qs(address.query, strict_parsing=True).items()}
    assert (parameters["schemaVersion"], parameters["orgId"]) == ("1", "1")
    pane = json.loads(parameters["panes"])["traces"]
    assert (pane["datasource"], pane["range"]) == ("tempo", {"from": "now-1h", "to": "now"})
    (query,) = pane["queries"]
    assert (query["queryType"], query["datasource"]) == ("traceql", {"type": "tempo", "uid": "tempo"})
    return str(query["query"])


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_says_what_is_wrong_and_where_to_look(alert: str, said: Said):
    expected, case = TEXTS[alert], CASES[alert].of(FIRES)[0]
    ((labels, found),) = said[case.name]
    assert labels == {"alertname": alert, "severity": expected.severity, "product": "otel-graphql-auto", **case.fires[0].labels}
    changed = f"After a change of a limit: it is in TEXTS too, and its case in alert_cases_*.py. {alert} says {found['description']!r}"
    assert found["summary"] == expected.summary, changed
    assert expected.description in found["description"], changed
    assert found["runbook_url"] == f"{choices.RUNBOOKS}/{alert}.md"
    variables = {} if alert in OF_COLLECTOR else OPERATION if alert in BY_OPERATION else SERVICE
    assert chosen(found["dashboard"]) == (expected.page, expected.panel, variables)
    assert (traceql(found["traces"]) if "traces" in found else None) == expected.traces, changed


def test_addresses_of_links_end_without_a_slash():
    """One follows them."""
    assert [address for address in (choices.GRAFANA, choices.RUNBOOKS) if address.endswith("/")] == []


def test_whatever_fires_every_text_is_filled_in(said: Said):
    assert {case.name for case in SOME} < set(said)
    for name, firing in said.items():
        assert firing, name
        for _, found in firing:
            assert {"summary", "description", "runbook_url", "dashboard"} <= set(found), name
            for text in found.values():
                assert text.strip(), name
                assert not re.search(r"no value|\{\{|\}\}|%!|NaN|\bInf|\d\.\d{4}|  ", text), (name, text)
            chosen(found["dashboard"])
            if "traces" in found:
                traceql(found["traces"])


@pytest.mark.parametrize("alert", sorted(BY_OPERATION))
def test_an_operation_without_a_name_is_called_so(alert: str, said: Said):
    """Its traces are those of the service: what has no name cannot be asked for by it."""
    case = CASES[alert].of(UNNAMED)[0]
    found = annotations(said, case)
    assert "an operation without a name of shop" in found["summary"]
    assert chosen(found["dashboard"])[2] == SERVICE
    assert (query := traceql(found["traces"])).startswith(f"{OF_SHOP} && ")
    assert "graphql.operation.name" not in query


def test_without_an_environment_none_is_chosen(said: Said):
    found = annotations(said, CASES["GraphQLServerErrors"].of(NO_ENVIRONMENT)[0])
    assert chosen(found["dashboard"])[2] == {"service": "shop"}


def test_names_keep_their_characters_in_links(said: Said):
    """Operations that are `_OTHER` in metrics have their own name in traces."""
    found = annotations(said, ODD_NAMES)
    variables = {"environment": "a b&c=d", "service": ODD["service_name"], "operation": "_OTHER"}
    assert chosen(found["dashboard"])[2] == variables
    of_service = f'resource.service.name = "{ODD["service_name"]}" && resource.deployment.environment.name = "a b&c=d"'
    assert traceql(found["traces"]) == f"{{ {of_service} && span.graphql_auto.operation.slow = true }}"


def test_statements_on_no_table_and_the_silence_of_all_have_words_of_their_own(said: Said):
    assert annotations(said, NO_TABLE)["summary"] == "SQL on no table is slow in shop"
    everybody = annotations(said, NOBODY)
    assert everybody["summary"] == "No service reports"
    assert chosen(everybody["dashboard"])[2] == {}
