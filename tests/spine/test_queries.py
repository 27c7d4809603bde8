"""Questions in PromQL: built of names as Prometheus has them, and each one understood by Prometheus' own tool."""

from __future__ import annotations

import functools
import inspect
import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from otel_graphql_auto import queries, semconv
from otel_graphql_auto.queries import Scope
from tests.services.collector import built

BY_OPERATION = Scope('service_name="blog"', "1h", ("service_name", "graphql_operation_name"))


def asked_of_a_scope() -> Iterator[Callable[[Scope], str]]:
    """Whatever the module gives away that begins with a scope, with something for its other parameters."""
    something = {"name": "process_cpu_time_seconds_total", "metric": semconv.REQUEST_DURATION, "share": 0.99}
    for function in filter(inspect.isfunction, vars(queries).values()):
        scope, *others = inspect.signature(function).parameters.values()
        if scope.name == "scope" and function.__name__ in queries.__all__:
            yield functools.partial(
                function, **{other.name: something[other.name] for other in others if other.kind is not other.VAR_POSITIONAL}
            )


QUESTIONS = list(asked_of_a_scope())


def test_names_are_those_that_prometheus_makes():
    """Units of time and size and the kind are in a name; an annotation in braces is not."""
    assert queries.bucket(semconv.REQUEST_DURATION) == "graphql_server_request_duration_seconds_bucket"
    assert queries.count(semconv.OPERATION_DB_QUERIES) == "graphql_auto_operation_db_queries_count"
    assert queries.sum_of(semconv.OPERATION_DB_DURATION) == "graphql_auto_operation_db_duration_seconds_sum"
    assert queries.total(semconv.SLOW_OPERATIONS) == "graphql_auto_operation_slow_total"
    assert queries.gauge(semconv.OPERATION_NAMES) == "graphql_auto_operation_names"
    assert (queries.SERVICE, queries.ENVIRONMENT) == ("service_name", "deployment_environment_name")


def test_a_scope_is_in_every_part_of_a_question():
    """Its selector, its window and its labels."""
    count = "graphql_server_request_duration_seconds_count"
    assert queries.requests(Scope()) == f"sum(rate({count}[5m]))"
    assert queries.operations(BY_OPERATION) == (
        f'sum by (service_name, graphql_operation_name) (increase({count}{{service_name="blog"}}[1h]))'
    )
    assert queries.duration_quantile(Scope("", "5m", ("service_name",)), 0.5) == (
        "histogram_quantile(0.5, sum by (le, service_name) "
        '(rate(graphql_server_request_duration_seconds_bucket{graphql_operation_type!="subscription"}[5m])))'
    )
    assert len(QUESTIONS) > 12
    for question in QUESTIONS:
        expression = question(BY_OPERATION)
        assert expression.count('{service_name="blog"') == expression.count("[1h]") > 0
        assert expression.count("(service_name, graphql_operation_name)") + expression.count("(le, service_name,") == expression.count(
            "[1h]"
        )


def test_a_label_is_one_of_some_values_whatever_they_are_made_of():
    """One is compared as it is; several are a regular expression, and a string around it."""
    assert queries.one_of("x", []) == ""
    assert queries.one_of("x", ['a"b\\']) == r'x="a\"b\\"'
    assert queries.one_of("x", ["a\nb"]) == r'x="a\nb"'
    assert queries.one_of("x", ["a.b", 'c"', "d|e\\"]) == r'x=~"a\\.b|c\"|d\\|e\\\\"'


@pytest.mark.end_to_end
def test_prometheus_understands_every_question(tmp_path):
    """In whatever scope: as rules they pass `promtool check rules`, which reads them as the server does."""
    selectors = ["", 'service_name="blog"', queries.one_of("service_name", ['a"b\\', "c.d\ne", "é|(["])]
    scopes = [Scope(selector, "1h30m", by) for selector in selectors for by in ((), ("service_name", "graphql_operation_type"))]
    rules = [{"record": f"answer{number}", "expr": question(scope)} for scope in scopes for number, question in enumerate(QUESTIONS)]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "questions", "rules": rules}]}))
    command = [built("prometheus") / "promtool", "check", "rules", "--lint=none", "rules.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
