"""docker-compose.yml keeps its own promises: pinned, limited, hardened, closed to the outside, and complete without a file made by hand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .stack import FILE, ROOT, environment, interpolated, mebibytes, mounts, read, services, stack, words

SERVICES = sorted(services())
SERVERS = sorted(name for name, service in services().items() if service["restart"] == "unless-stopped")
GO = ("collector", "grafana", "postgres-exporter", "prometheus", "tempo")

NO_HEALTH = {"collector": "its image can run nothing else; collector-health asks"}

PUBLISHED = {"app": ("${APP_PORT:-8000}", "8000"), "grafana": ("${GRAFANA_PORT:-3000}", "3000")}

pytestmark = pytest.mark.long

each_service = pytest.mark.parametrize("name", SERVICES)
each_server = pytest.mark.parametrize("name", SERVERS)


def run(program, *arguments):
    done = subprocess.run([Path(sys.executable).with_name(program), *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_file_fits_the_schema_of_compose():
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)


def test_the_linters_are_silent():
    run("yamllint", "--strict", "docker-compose.yml", "dashboards")
    run("hadolint", "demo/Dockerfile")


def test_everything_of_the_issue_is_there():
    assert {"app", "migrate", "postgres", "redis", "collector", "prometheus", "tempo", "grafana", "postgres-exporter", "load"} <= set(
        SERVICES
    )
    assert len(SERVERS) == 9


@each_service
def test_every_image_has_a_full_version(name):
    repository, _, tag = services()[name]["image"].partition(":")
    assert repository
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-alpine)?", tag)


def test_one_image_has_one_version_everywhere():
    images = {service["image"] for service in services().values()}
    assert len({image.split(":")[0] for image in images}) == len(images) == 8


def test_only_the_application_and_grafana_are_published_and_only_to_this_machine():
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {name: [f"127.0.0.1:{outside}:{inside}"] for name, (outside, inside) in PUBLISHED.items()}
    assert not any("expose" in service or service.get("network_mode") == "host" for service in services().values())


def test_stores_have_no_way_out():
    """Only what is published, and who visits it, is on a network that leads anywhere."""
    networks = stack()["networks"]
    assert {name for name, network in networks.items() if not network.get("internal")} == {"published"}
    outside = {name for name, service in services().items() if "published" in service.get("networks", [])}
    assert outside == {*PUBLISHED, "load"}
    assert {network for service in services().values() for network in service.get("networks", [])} == set(networks)
    assert all("networks" in service or service["network_mode"] == "none" for service in services().values())


@each_service
def test_nobody_can_do_more_than_it_has_to(name):
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) == (["CHOWN"] if name == "prepare" else [])
    assert not any(service.get(key) for key in ("privileged", "devices", "pid", "ipc", "userns_mode"))
    assert not any("docker.sock" in source for source, _, _ in mounts(name))


@each_service
def test_nobody_but_the_job_that_gives_files_away_is_root(name):
    user = services()[name].get("user") or image_user()
    assert re.fullmatch(r"\d+:\d+", user)
    assert user.startswith("0:") == (name == "prepare")


def image_user():
    """The user of demo/Dockerfile, for services that run its image."""
    return re.search(r"^USER (\S+)$", (ROOT / "demo" / "Dockerfile").read_text(), re.MULTILINE)[1]


@each_service
def test_nobody_can_use_up_the_machine(name):
    service = services()[name]
    assert 32 <= mebibytes(service["mem_limit"]) <= 1536
    # Threads count, and Grafana has a process for each data source.
    assert service["pids_limit"] <= (500 if name == "grafana" else 200)
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


@pytest.mark.parametrize("name", GO)
def test_go_collects_garbage_before_the_kernel_kills(name):
    # Grafana's is for each of its processes.
    least = 0.4 if name == "grafana" else 0.78
    assert least <= mebibytes(environment(name)["GOMEMLIMIT"]) / mebibytes(services()[name]["mem_limit"]) <= 0.82


def test_redis_forgets_before_the_kernel_kills():
    configuration = dict(line.split(" ", 1) for line in words("redis")[0].splitlines()[1:-1])
    assert mebibytes(configuration["maxmemory"]) <= 0.75 * mebibytes(services()["redis"]["mem_limit"])
    assert configuration["maxmemory-policy"] == "allkeys-lru"


@each_server
def test_the_health_of_every_server_is_known(name):
    assert ("healthcheck" in services()[name]) != (name in NO_HEALTH)


@each_service
def test_whoever_is_waited_for_can_be(name):
    for other, how in services()[name].get("depends_on", {}).items():
        service = services()[other]
        if how["condition"] == "service_healthy":
            assert "healthcheck" in service, other
        elif how["condition"] == "service_completed_successfully":
            assert service["restart"] == "no", other
        else:
            assert how["condition"] == "service_started"


def waited_for(name):
    """All whose failure keeps this one from starting."""
    found = set()
    for other, how in services()[name].get("depends_on", {}).items():
        if how["condition"] != "service_started":
            found |= {other} | waited_for(other)
    return found


def test_telemetry_keeps_nothing_from_starting():
    assert waited_for("app") == {"prepare", "migrate", "postgres", "redis"}
    assert waited_for("load") == {"app"} | waited_for("app")
    assert all(waited_for(name) <= {"prepare"} for name in ("collector", "prometheus", "tempo", "grafana"))


def test_whoever_sends_stops_before_whoever_receives():
    """Compose stops in the order of depends_on: the last spans still find the collector, and the collector its stores."""
    assert "collector" in services()["app"]["depends_on"]
    assert {"prometheus", "tempo"} <= set(services()["collector"]["depends_on"])
    assert "prometheus" in services()["tempo"]["depends_on"]


@each_service
def test_whatever_is_mounted_from_the_checkout_is_in_the_checkout(name):
    """And cannot be changed from inside. A path that is missing would become an empty folder of root's."""
    for source, target, writable in mounts(name):
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert not writable, target


def test_every_volume_is_used_and_every_used_one_is_declared():
    used = {source for name in SERVICES for source, _, _ in mounts(name) if not source.startswith(".")}
    assert used == set(stack()["volumes"])


def test_nothing_has_to_be_made_by_hand():
    """No secret in the file, no variable without a default, no env_file, and compose's own `secrets:`, which want a file, are not used."""
    text = FILE.read_text()
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    interpolated(code)
    assert not re.search(r"env_file|^secrets:|^ +secrets:", code, re.MULTILINE)
    for name in SERVICES:
        for variable, value in environment(name).items():
            if re.search(r"PASS|SECRET|TOKEN|KEY", variable):
                assert variable.endswith(("_FILE", "__FILE")), variable
                assert value.startswith("/run/secrets/"), variable


def test_files_of_configuration_find_every_variable_that_they_read():
    """`${env:NAME}` of the collector and `${NAME}` of Tempo: given by the service, or with a default of its own."""
    found = 0
    for service, path in (("collector", "collector/collector.yaml"), ("tempo", "collector/tempo/tempo.yaml")):
        text = "\n".join(line for line in (ROOT / path).read_text().splitlines() if not line.lstrip().startswith("#"))
        for name, default in re.findall(r"\$\{(?:env:)?([A-Z]\w*)(:-)?", text):
            found += 1
            assert default or name in environment(service), f"{path}: {name}"
        for name in environment(service):
            assert name in text or name.startswith("GO"), f"{service} does not read {name}"
    assert found >= 10


def test_what_listens_on_loopback_by_default_is_opened_to_the_networks():
    assert environment("collector")["COLLECTOR_BIND"] == environment("tempo")["TEMPO_BIND"] == "0.0.0.0"
    assert environment("app")["DEMO_BIND"] == "0.0.0.0:8000"


def test_whoever_talks_to_a_service_is_on_one_of_its_networks():
    """Every host in an address is a service (or its own loopback address), and both share a network."""
    talks = 0
    for name in SERVICES:
        settings = [*environment(name).values(), *words(name), *services()[name].get("healthcheck", {}).get("test", [])]
        for host in re.findall(r"\b(?:https?://)?([a-z][\w-]*):\d{4,5}\b", " ".join(map(str, settings))):
            talks += 1
            assert set(services()[name]["networks"]) & set(services()[host]["networks"]), f"{name} -> {host}"
    assert talks >= 8
    targets = [
        target
        for job in read(ROOT / "collector/prometheus/prometheus.yml")["scrape_configs"]
        for target in job["static_configs"][0]["targets"]
    ]
    for host in {target.split(":")[0] for target in targets} - {"localhost"}:
        assert set(services()["prometheus"]["networks"]) & set(services()[host]["networks"]), host
    assert "postgres-exporter:9187" in targets


def test_prometheus_has_the_flags_that_its_configuration_needs():
    flags = words("prometheus")
    assert "--storage.tsdb.retention.time=15d" in flags
    assert {"--web.enable-otlp-receiver", "--web.enable-remote-write-receiver"} <= set(flags)
    assert "--enable-feature=exemplar-storage,created-timestamp-zero-ingestion" in flags


def test_the_exporter_asks_what_the_page_on_postgresql_says():
    page = (ROOT / "docs" / "postgresql.md").read_text()
    documented = {f"--no-collector.{name}" for names in re.findall(r"--no-collector\.\{(.*?)\}", page) for name in names.split(",")}
    assert len(documented) == 15
    assert set(words("postgres-exporter")) == documented | {
        "--disable-default-metrics",
        "--extend.query-path=/etc/postgres-exporter/queries.yaml",
    }
    assert services()["postgres-exporter"]["image"].rsplit(":v")[1] in page
