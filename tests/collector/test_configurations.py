"""The shipped configurations are valid, in every combination that makes sense, and use what the manifest builds and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.services.collector import BASE, REPOSITORY, SHIPPED, otelcol
from tests.services.prometheus import CONFIGURATION, built

from .combinations import OVERLAYS, sensible

ENVIRONMENT = {
    "VENDOR_OTLP_ENDPOINT": "https://otlp.example",
    "VENDOR_OTLP_HEADERS": '[{"name": "api-key", "value": "x"}]',
}


def validate(*configurations: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the collector says of these files together."""
    command = [otelcol(), "validate", *(word for file in configurations for word in ("--config", str(file)))]
    return subprocess.run(command, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file that is there: a token's existence is part of what is checked."""
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text("t")
    return str(file)


@pytest.mark.parametrize("overlays", list(sensible()), ids=lambda overlays: "+".join(overlays) or "base")
def test_the_combination_is_valid(overlays, token):
    done = validate(
        BASE,
        *(SHIPPED / "overlays" / f"{name}.yaml" for name in overlays),
        COLLECTOR_TOKEN_FILE=token,
        GATEWAY_TOKEN_FILE=token,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_mistake_would_be_seen(tmp_path):
    mistake = tmp_path / "mistake.yaml"
    mistake.write_text("processors: {memory_limiter: {limit: 3}}\n")

    done = validate(BASE, mistake)

    assert done.returncode == 1
    assert "invalid keys: limit" in done.stderr


def test_every_overlay_is_in_some_combination():
    assert {file.stem for file in (SHIPPED / "overlays").glob("*.yaml")} == set(OVERLAYS)
    assert {name for overlays in sensible() for name in overlays} == set(OVERLAYS)


def test_the_manifest_has_the_components_that_are_used_and_no_others():
    used: dict[str, set[str]] = {}
    for file in [BASE, *(SHIPPED / "overlays").glob("*.yaml"), REPOSITORY / "tests" / "services" / "backend.yaml"]:
        parsed = yaml.safe_load(file.read_text(encoding="utf-8"))
        for section in ("receivers", "processors", "exporters", "connectors", "extensions"):
            used.setdefault(section, set()).update(name.split("/")[0] for name in parsed.get(section, {}))
    modules = {
        "otlp_grpc": "otlp",
        "otlp_http": "otlphttp",
        "file_storage": "filestorage",
    }
    expected = {
        section: {
            modules.get(name, name).replace("_", "") + ("" if section == "extensions" and name == "file_storage" else section[:-1])
            for name in names
        }
        for section, names in used.items()
    }
    manifest = yaml.safe_load((SHIPPED / "builder" / "manifest.yaml").read_text(encoding="utf-8"))
    built_in = {section: {entry["gomod"].split()[0].rsplit("/", 1)[1] for entry in manifest[section]} for section in expected}

    assert built_in == expected


def test_the_image_of_compose_is_the_version_that_the_manifest_builds():
    manifest = yaml.safe_load((SHIPPED / "builder" / "manifest.yaml").read_text(encoding="utf-8"))
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))

    assert compose["services"]["collector"]["image"] == f"otel/opentelemetry-collector-contrib:{manifest['dist']['version']}"


def test_nothing_listens_beyond_loopback_unless_told():
    """Every endpoint of a receiver or extension is bound by COLLECTOR_BIND, whose default is the loopback address."""
    text = BASE.read_text(encoding="utf-8")
    bound = [line.strip() for line in text.splitlines() if "endpoint:" in line and "_PORT" in line]

    assert len(bound) == 3
    assert all("${env:COLLECTOR_BIND:-127.0.0.1}:" in line for line in bound)
    assert not [word for word in ("zpages", "pprof", "cors") if word in text]


def test_what_comes_in_is_limited_first_and_what_goes_out_waits_on_disk_for_ever():
    """In the base and in every overlay that has exporters: no queue in memory, no batch outside of it, no end of retries."""
    waiting = 0
    for file in [BASE, *(SHIPPED / "overlays").glob("*.yaml")]:
        parsed = yaml.safe_load(file.read_text(encoding="utf-8"))
        for name, exporter in parsed.get("exporters", {}).items():
            if not exporter or "retry_on_failure" not in exporter:
                continue
            queue = exporter["sending_queue"]
            assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s", (file.name, name)
            assert queue["storage"] == "file_storage/queue", (file.name, name)
            assert queue["sizer"] == "bytes", (file.name, name)
            assert queue["batch"], (file.name, name)
            if "prometheus" in name or "metrics" in name:
                assert queue["num_consumers"] == 1, (file.name, name)
            waiting += 1
    assert waiting == 5
    pipelines = yaml.safe_load(BASE.read_text(encoding="utf-8"))["service"]["pipelines"]
    from_outside = [pipeline for pipeline in pipelines.values() if "otlp" in pipeline["receivers"]]
    assert [pipeline["processors"][0] for pipeline in from_outside] == ["memory_limiter"] * 3


def test_promtool_accepts_the_configuration_of_prometheus():
    command = [built("prometheus") / "promtool", "check", "config", "--lint=all", "--lint-fatal", CONFIGURATION]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_prometheus_of_compose_has_the_version_and_the_flags_of_the_tests():
    from tests.services.prometheus import FLAGS

    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["prometheus"]
    module = (SHIPPED / "builder" / "prometheus" / "go.mod").read_text(encoding="utf-8")
    major, minor, patch = compose["image"].removeprefix("prom/prometheus:v").split(".")

    assert set(FLAGS) <= set(compose["command"])
    assert f"github.com/prometheus/prometheus v0.{major}{minor.zfill(2)}.{patch}" in module
