"""Grafana has data sources that lead to the services of the compose file, all pages, and all alerts."""

import re

import pytest

from .stack import ROOT, environment, mounts, read, services

FOLDER = ROOT / "dashboards" / "provisioning" / "datasources"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def sources():
    """By uid."""
    files = sorted(FOLDER.glob("*.yaml"))
    assert len(files) == 2
    return {source["uid"]: source for file in files for source in read(file)["datasources"]}


def test_the_folder_is_mounted_where_grafana_looks(sources):
    assert ("./dashboards/provisioning/datasources", "/etc/grafana/provisioning/datasources", False) in mounts("grafana")
    assert {uid: source["type"] for uid, source in sources.items()} == {"prometheus": "prometheus", "tempo": "tempo"}
    assert [uid for uid, source in sources.items() if source.get("isDefault")] == ["prometheus"]


def test_each_is_a_service_that_grafana_reaches(sources):
    for source in sources.values():
        host = re.fullmatch(r"http://([\w-]+):\d+", source["url"])[1]
        assert set(services()["grafana"]["networks"]) & set(services()[host]["networks"])
    assert sources["prometheus"]["url"] == environment("collector")["PROMETHEUS_OTLP_URL"].removesuffix("/api/v1/otlp")


def test_prometheus_leads_to_traces(sources):
    settings = sources["prometheus"]["jsonData"]
    assert settings["timeInterval"] == "15s"
    assert [(one["name"], one["datasourceUid"]) for one in settings["exemplarTraceIdDestinations"]] == [("trace_id", "tempo")]
    assert services()["prometheus"]["image"] == f"prom/prometheus:v{settings['prometheusVersion']}"


def test_tempo_leads_to_metrics_and_no_variable_is_taken_for_grafanas_own(sources):
    settings = sources["tempo"]["jsonData"]
    assert settings["tracesToMetrics"]["datasourceUid"] == settings["serviceMap"]["datasourceUid"] == "prometheus"
    assert settings["nodeGraph"]["enabled"] is True
    queries = [query["query"] for query in settings["tracesToMetrics"]["queries"]]
    assert len(queries) == 3
    for query in queries:
        assert "$$__tags" in query
        assert not re.search(r"(?<!\$)\$(?!\$)", query)


def test_pages_are_mounted_where_their_provider_looks():
    """And nothing else is there; the first of them is what one sees after logging in."""
    mounted = {target: source for source, target, writable in mounts("grafana") if not writable}
    [provider] = read(ROOT / mounted["/etc/grafana/provisioning/dashboards"] / "graphql.yaml")["providers"]
    folder = ROOT / mounted[provider["options"]["path"]]
    assert len(list(folder.iterdir())) == len(list(folder.glob("*.json"))) >= 6
    home = environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (folder / home.removeprefix(f"{provider['options']['path']}/")).is_file()


def test_alerts_are_grafanas_and_nobody_is_told_twice():
    """They stand in the folder of the pages, ask the data source that is there, and Prometheus has none of them."""
    mounted = {target: source for source, target, _ in mounts("grafana")}
    groups = read(ROOT / mounted["/etc/grafana/provisioning/alerting/graphql.yaml"])["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 12
    [provider] = read(ROOT / mounted["/etc/grafana/provisioning/dashboards"] / "graphql.yaml")["providers"]
    assert {group["folder"] for group in groups} == {provider["folder"]}
    assert {query["datasourceUid"] for rule in rules for query in rule["data"]} == {"prometheus", "__expr__"}
    assert read(ROOT / "collector/prometheus/prometheus.yml")["rule_files"] == ["rules/*.yaml"]
    assert not [target for _, target, _ in mounts("prometheus") if "rules" in target]


def test_links_in_notifications_begin_where_grafana_is_published():
    [published] = services()["grafana"]["ports"]
    address = re.sub(r"\$\{\w+:-(\d+)\}", r"\1", published.removesuffix(":3000"))
    assert environment("grafana")["GF_SERVER_ROOT_URL"] == f"http://{address}/"


def test_nobody_gets_in_without_the_password_and_nothing_is_fetched():
    variables = environment("grafana")
    assert variables["GF_AUTH_ANONYMOUS_ENABLED"] == variables["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert variables["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert all(variables[name] == "false" for name in variables if name.startswith("GF_ANALYTICS"))
