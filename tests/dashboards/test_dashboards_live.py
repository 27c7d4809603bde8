"""Every query of every dashboard, asked of a real stack that has seen every scenario: it is understood, it shows something, and nothing is left unshown."""

from __future__ import annotations

import re

import pytest

from otel_graphql_auto.semconv import METRIC_ATTRIBUTES
from tests.services.blog import SERVICES

from .asked import FILES, targets, variable_queries
from .observed import Observed, has_data
from .promql import Labels, selectors

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]

EMPTY = {("pipeline", "Lost telemetry", letter): "nothing was lost" for letter in "ABCDEF"} | {
    ("pipeline", "Spans that Tempo refuses", "A"): "it refused none",
}
"""Queries that show nothing here, by dashboard, panel and letter, and why."""

WITHOUT_TEMPO = {
    ("pipeline", "Spans that Tempo takes", "A"): "the tests have something that stands for it",
}
"""The same, where no TEMPO_BINARY is named."""

ABSENT = {
    "otelcol_exporter_(send|enqueue)_failed_.*": "nothing was lost",
    "tempo_discarded_spans_total": "Tempo refused none",
}
"""Metrics of queries that are not there when all is well, as patterns, and why."""

UNSHOWN = {
    "otelcol_process_runtime_alloc_bytes_total": "what Go has ever allocated; the heap and the resident memory are shown",
    "otelcol_scraper_scraped_metric_points_total": "the same points are shown as accepted ones of the receiver",
    "pg_exporter_(last_scrape_duration_seconds|scrapes_total)": "whether a scrape went well is shown",
    "postgres_exporter_.*": "which release of the exporter it is",
}
"""Metrics of collector and servers that no panel shows, as patterns, and why."""

SERVERS = ("otelcol_", "redis_", "postgres_", "pg_")
QUERIES = targets()


@pytest.fixture(scope="session")
def shown(observed: Observed) -> set[str]:
    """Names of the metrics in all panels."""
    return {one.metric for target in QUERIES for one in selectors(observed.tree_of(target.query))}


def family(metric: str) -> str:
    """A histogram's parts are one metric."""
    return re.sub(r"_(bucket|count|sum)$", "", metric)


def listed(metric: str, patterns: dict[str, str]) -> bool:
    return any(re.fullmatch(pattern, metric) for pattern in patterns)


def test_there_is_something_to_ask():
    """Of each dashboard, whose panels can be told apart."""
    assert {target.dashboard for target in QUERIES} == {file.stem for file in FILES}
    assert len(QUERIES) > 100
    assert len({target.place for target in QUERIES}) == len(QUERIES)


def test_every_panel_shows_something_or_is_listed_with_the_reason(observed: Observed):
    answers = {target.place: observed.ask(target) for target in QUERIES}
    assert {place: answer for place, answer in answers.items() if isinstance(answer, str)} == {}
    expected = set(EMPTY) if observed.running.tempo else {*EMPTY, *WITHOUT_TEMPO}
    assert {place for place, answer in answers.items() if not has_data(answer)} == expected


def test_every_variable_has_values(observed: Observed):
    queries = variable_queries()
    assert len(queries) >= len(FILES)
    assert {place: query for place, query in queries.items() if not observed.variable(query)} == {}
    assert observed.variable(queries["overview", "service"]) == sorted(SERVICES)


def test_every_metric_of_a_panel_exists_or_is_listed_with_the_reason(observed: Observed, shown: set[str]):
    absent = {metric for metric in shown - observed.names if not listed(metric, ABSENT)}
    assert {metric for metric in absent if observed.running.tempo or not metric.startswith("tempo_")} == set()
    assert {metric for metric in shown & observed.names if listed(metric, ABSENT)} == set()


def test_every_label_of_a_query_exists_where_it_is_used(observed: Observed):
    """In conditions, groupings, joins and legends."""
    problems = set()
    for target in QUERIES:
        followed = Labels(observed.labels_of)
        result = followed.of(observed.tree_of(target.query))
        problems |= {(target.place, problem) for problem in followed.problems}
        if result is not None:
            wanted = set(re.findall(r"{{ *(\w+) *}}", target.legend))
            problems |= {(target.place, f"the legend's {label}") for label in wanted - result}
    assert problems == set()


def test_every_metric_that_the_code_names_is_in_a_panel(shown: set[str]):
    families = {family(metric) for metric in shown}
    names = {name: re.compile(f"{name.replace('.', '_')}(_seconds)?(_total)?") for name in METRIC_ATTRIBUTES}
    assert len(names) > 15
    assert [name for name, pattern in names.items() if not any(pattern.fullmatch(one) for one in families)] == []


def test_every_metric_of_the_application_is_in_a_panel(observed: Observed, shown: set[str]):
    """Also those that the instrumentations around this package send."""
    sent = set(observed.prometheus.api("label/__name__/values", **{"match[]": f'{{service_name=~"{"|".join(SERVICES)}"}}'}))
    sent = {family(metric) for metric in sent if not metric.startswith(("ALERTS", "target_info"))}
    assert {"graphql_server_request_duration_seconds", "http_server_request_duration_seconds", "process_cpu_time_seconds_total"} <= sent
    assert sent - {family(metric) for metric in shown} == set()


def test_every_metric_of_collector_and_servers_is_in_a_panel_or_listed_with_the_reason(observed: Observed, shown: set[str]):
    sent = {family(metric) for metric in observed.names if metric.startswith(SERVERS)}
    assert {prefix for prefix in SERVERS if not any(metric.startswith(prefix) for metric in sent)} == set()
    families = {family(metric) for metric in shown}
    assert {metric for metric in sent - families if not listed(metric, UNSHOWN)} == set()
    assert {metric for metric in sent & families if listed(metric, UNSHOWN)} == set()


def test_every_attribute_of_a_search_for_traces_is_on_spans(observed: Observed):
    """With the value that is looked for; a real Tempo finds traces."""
    searches = targets("tempo")
    assert len(searches) > 3
    if observed.running.tempo is not None:
        assert [search.place for search in searches if not observed.traces(search.query)] == []
        return
    sent = observed.attributes_sent()
    for search in searches:
        asked, _, selected = search.query.partition(" | ")
        conditions = re.findall(r"(?:span|resource)\.([\w.]+) (=~|=|>) (\S+)", asked)
        columns = re.findall(r"span\.([\w.]+)[,)]", selected)
        assert len(conditions) + len(columns) == search.query.count("span.") + search.query.count("resource."), search.query
        assert {name for name, *_ in conditions} | {*columns} <= sent.keys(), search.place
        for name, comparison, value in conditions:
            assert comparison != "=" or value.strip('"') in sent[name], search.place


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("pg_up{nothing='x'}", "pg_up has no label nothing"),
        ("sum by (job, nothing) (rate(pg_exporter_scrapes_total[1m]))", "what sum is taken of has no label nothing"),
        ("sum by (job) (pg_up) * on (instance) pg_up", "a side of * has no label instance"),
        ("pg_up * on (job) group_left (nothing) pg_exporter_last_scrape_error", "the one side of * has no label nothing"),
        ("sum by (instance) (sum by (job) (pg_up) or vector(0))", "what sum is taken of has no label instance"),
        ("histogram_quantile(0.95, sum(rate(graphql_server_request_duration_seconds_bucket[1m])))", "histogram_quantile has no label le"),
        ("label_replace(pg_up, 'new', '$1', 'nothing', '(.*)')", "label_replace has no label nothing"),
        ("sum by (le) (histogram_quantile(0.9, http_server_request_duration_seconds_bucket))", "what sum is taken of has no label le"),
    ],
)
def test_a_label_that_is_not_there_is_found(observed: Observed, query: str, problem: str):
    """By what the test above of all queries looks with."""
    followed = Labels(observed.labels_of)
    followed.of(observed.tree_of(query))
    assert followed.problems == [problem]
