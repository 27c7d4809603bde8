"""The pages about alerts say what is there: alerts, panels, settings, numbers, files and examples."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry import environment_variables as api_variables
from opentelemetry.sdk import environment_variables as sdk_variables

from dashboards import choices
from dashboards.everything import ALERTS
from dashboards.everything import PAGES as DEFINED
from dashboards.pages import panels_of
from otel_graphql_auto import semconv, settings
from otel_graphql_auto.execution.errors import CLIENT_CODES

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "dashboards" / "generated"
RUNBOOKS = ROOT / "docs" / "runbooks"
SLOW_OPERATIONS = ROOT / "docs" / "slow-operations.md"
DOCUMENTS = [*sorted(RUNBOOKS.glob("*.md")), SLOW_OPERATIONS, ROOT / "dashboards" / "README.md"]
FIRST_OF_NAME = {alert.name: alert for alerts in reversed(ALERTS.values()) for alert in reversed(alerts)}
"""Exceptions for single operations have the name of the rule that they are exceptions of."""
NAMES = list(dict.fromkeys(alert.name for alerts in ALERTS.values() for alert in alerts))
MADE = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((GENERATED / "dashboards").glob("*.json"))]
PAGES = {made["title"]: {panel["title"]: panel["type"] for panel in panels_of(made)} for made in MADE}
TITLES = {made["uid"]: made["title"] for made in MADE}
NAMED = re.compile(
    r"(?:(?<=\n\n)|^\* )\*\*[^*]+\*\*"
    r"|(?<!\*)\*(?P<page>GraphQL: [^*]+)\*"
    r"|(?P<table>\b[Tt]able\s+)?\*\*(?P<panel>[^*]+)\*\*(?:\s+on\s+\*(?P<its_page>GraphQL: [^*]+)\*)?",
    re.MULTILINE,
)
UPPER = re.compile(r"(?<![\w<])[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+(?!\w)")


def words(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """What stands in fences of this language, without the indentation of the list that it is part of."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indentation}", "", inside, flags=re.MULTILINE) for indentation, inside in found]


def prose(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def named_panels(text: str) -> Iterator[tuple[str, str, bool]]:
    """Each panel in bold with its page, and whether it is called a table.

    The page is the one behind it (`**panel** on *page*`), else the one named before. What is bold at the beginning of a paragraph or of an item with
    a `*` is a heading.
    """
    page = ""
    for match in NAMED.finditer(text):
        page = match["page"] or match["its_page"] or page
        if match["panel"]:
            yield page, " ".join(match["panel"].split()), bool(match["table"])


def test_every_alert_has_its_runbook_and_every_runbook_its_alert():
    assert NAMES
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_answers_the_same_questions_as_the_others(name):
    """And it sends people to the page that the alert's link opens, and to its panel."""
    text = words(RUNBOOKS / f"{name}.md")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Is it urgent", "Find the cause", "Fix it", "Change or silence it"]
    alert = FIRST_OF_NAME[name]
    assert (TITLES[alert.page], alert.panel) in {(page, panel) for page, panel, _ in named_panels(prose(text))}


def test_the_table_of_pages_is_the_pages():
    """In their order, each with what it answers."""
    rows = re.findall(r"^\| \*(GraphQL: .+?)\* \| [^|]{20,} \|$", words(ROOT / "dashboards" / "README.md"), re.MULTILINE)
    assert rows == [page.title for page in DEFINED.values()]


def test_the_table_of_runbooks_is_the_rules():
    """Names, severities, limits, times and pages, in the order of the rules."""
    rows = re.findall(
        r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| [^|]+ \| ([^|]+) \| (\w+) \| (\w+) \| \*(.+?)\* \|$",
        words(RUNBOOKS / "README.md"),
        re.MULTILINE,
    )
    alerts = [FIRST_OF_NAME[name] for name in NAMES]
    assert rows == [
        (alert.name, alert.name, alert.severity, f"{alert.above:g}", alert.lasting, alert.keep, TITLES[alert.page]) for alert in alerts
    ], "the table of docs/runbooks/README.md has other rows"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
class TestEachDocument:
    """Whatever it names exists."""

    def test_panels_are_on_the_page_that_is_named_with_them(self, path):
        found = list(named_panels(prose(words(path))))
        assert found or path == RUNBOOKS / "README.md"
        assert [(page, panel) for page, panel, _ in found if panel not in PAGES.get(page, ())] == []
        assert [(page, panel) for page, panel, is_table in found if is_table and PAGES[page][panel] != "table"] == []
        assert set(re.findall(r"\*(GraphQL: [^*]+)\*", words(path))) <= set(PAGES)

    def test_settings_and_variables_exist(self, path):
        keys = {field.name for field in dataclasses.fields(settings.Settings)}
        known = keys | {settings.ENVIRONMENT_PREFIX + key for key in (*keys, settings.STRICT)} | {settings.DJANGO_SETTING, *CLIENT_CODES}
        known |= {name for name in vars(choices) if name.isupper()}
        known |= {value for module in (api_variables, sdk_variables) for value in vars(module).values() if isinstance(value, str)}
        known |= set(re.findall(r"(?:\$\{(?:env:)?)([A-Z_]+)", "".join(words(file) for file in (ROOT / "collector").rglob("*.yaml"))))
        assert len(known) > 100
        without_examples = re.sub(r"^ *```yaml\n.*?^ *```$", "", words(path), flags=re.MULTILINE | re.DOTALL)
        assert set(UPPER.findall(without_examples)) - known == set()

    def test_numbers_are_those_of_the_code(self, path):
        """A name with its value, `NAME` = value: of a choice, or the default of a setting."""
        values = {field.name: field.default for field in dataclasses.fields(settings.Settings)} | vars(choices)
        wrong = {name: value for name, value in shown_values(words(path)) if value != written(values[name])}
        assert wrong == {}, f"{path.name} has other values than choices.py or the settings"

    def test_links_lead_somewhere(self, path):
        links = re.findall(r"\]\(([^)\s]+)\)", words(path))
        assert links
        for link in links:
            target, _, anchor = link.partition("#")
            file = (path.parent / target).resolve() if target else path
            assert file.exists(), link
            if anchor:
                headings = re.findall(r"^#+ (.*)$", words(file), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, link

    def test_queries_ask_for_names_that_are_sent(self, path):
        metrics = "".join(words(file) for file in GENERATED.rglob("*.*"))
        for query in [*blocks(words(path), "promql"), *blocks(words(path), "console")]:
            assert [name for name in names_of_metrics(query) if not re.search(rf"\b{name}\b", metrics)] == []
        attributes = {value for value in vars(semconv).values() if isinstance(value, str)}
        for query in blocks(words(path), "traceql"):
            assert set(names_of_attributes(query)) <= attributes

    def test_commands_name_services_and_files_that_exist(self, path):
        services = set(yaml.safe_load(words(ROOT / "docker-compose.yml"))["services"])
        for command in commands_of_compose(words(path)):
            asked, *_ = re.split(r" [|<] ", re.sub(r" --since \w+", "", command))
            verb, *rest = [word for word in shlex.split(asked)[2:] if not word.startswith("-")]
            assert set(rest[:1] if verb == "exec" else rest) <= services, command
            for file in re.findall(r" < (\S+)", command):
                assert (ROOT / file).exists(), command


def names_of_metrics(query: str) -> list[str]:
    return [name for name in re.findall(r"\b(?:graphql|otelcol)_[a-z_]{4,}", query) if name != "graphql_auto"]


def names_of_attributes(query: str) -> list[str]:
    return re.findall(r"\b(?:span|resource)\.([a-z_.]+)", query)


def commands_of_compose(text: str) -> list[str]:
    return re.findall(r"^\$ (docker compose .*)$", "\n".join(blocks(text, "console")), re.MULTILINE)


def shown_values(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`([A-Z_0-9]+)` = (\S*\w)", text)


def written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def test_the_documents_have_what_is_looked_at():
    """Each of them may have no query, command or number, but not all."""
    texts = [words(path) for path in DOCUMENTS]
    assert sum(bool(names_of_metrics(query)) for text in texts for query in blocks(text, "promql")) >= 5
    assert sum(bool(names_of_attributes(query)) for text in texts for query in blocks(text, "traceql")) >= 3
    assert sum(len(commands_of_compose(text)) for text in texts) >= 15
    assert sum(len(shown_values(text)) for text in texts) >= 20
    assert sum(is_table for text in texts for _, _, is_table in named_panels(prose(text))) >= 4


def test_every_limit_has_its_value_in_a_runbook():
    """So that a changed limit is a failing test until the words have followed."""
    limits = {name for name, value in vars(choices).items() if name.isupper() and isinstance(value, int | float)} | {"SLOW_WINDOW"}
    assert len(limits) > 10
    assert limits - {name for path in RUNBOOKS.glob("*.md") for name, _ in shown_values(words(path))} == set()


def test_notifications_of_grafana_are_whole():
    """Each route names a contact point and mute timings of the same file, chooses by labels that alerts have, and reaches both severities."""
    made = example("contactPoints")
    points = {point["name"] for point in made["contactPoints"]}
    assert points == {receiver["uid"] for point in made["contactPoints"] for receiver in point["receivers"]}
    policy = made["policies"][0]
    for route in every(policy["routes"]):
        assert route["receiver"] in points
        assert set(route.get("mute_time_intervals", ())) <= {timing["name"] for timing in made["muteTimes"]}
        for label, operator, value in route["object_matchers"]:
            assert operator in {"=", "!=", "=~", "!~"}
            assert isinstance(value, str)
            assert label in labels()


def test_routes_of_an_alertmanager_are_whole():
    """The same, in its own words."""
    made = example("receivers")
    for route in every([made["route"]]):
        assert route["receiver"] in {receiver["name"] for receiver in made["receivers"]}
        assert set(route.get("mute_time_intervals", ())) <= {timing["name"] for timing in made["time_intervals"]}
        for matcher in route.get("matchers", ()):
            assert re.split(r"[!=~]+", matcher)[0] in labels()
    for rule in made["inhibit_rules"]:
        alerts = re.findall(r"(?:GraphQL|Collector)\w+", " ".join(rule["source_matchers"] + rule["target_matchers"]))
        assert len(alerts) > 1
        assert set(alerts) <= set(NAMES)


def test_a_rule_to_be_deleted_has_an_id_that_there_is():
    uids = {rule["uid"] for group in yaml.safe_load(words(GENERATED / "alerts" / "grafana.yaml"))["groups"] for rule in group["rules"]}
    assert {rule["uid"] for rule in example("deleteRules")["deleteRules"]} <= uids


def test_every_example_of_yaml_is_yaml():
    examples = [block for path in DOCUMENTS for block in blocks(words(path), "yaml")]
    assert len(examples) >= 4
    for block in examples:
        assert isinstance(yaml.safe_load(block), dict)


def example(key: str) -> dict[str, Any]:
    """The one example with this key."""
    (found,) = [made for path in DOCUMENTS for block in blocks(words(path), "yaml") if key in (made := yaml.safe_load(block))]
    return found


def every(routes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for route in routes:
        yield route
        yield from every(route.get("routes", []))


def labels() -> set[str]:
    """Of alerts: those that their rules give them, and those that they are about."""
    return {"alertname", "severity", "product", *(label for alert in FIRST_OF_NAME.values() for label in alert.variables.values())}
