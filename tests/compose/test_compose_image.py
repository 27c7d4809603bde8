"""demo/Dockerfile: small, cached in the right order, nobody's root, and with the versions that the tests ran."""

import fnmatch
import json
import re

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.end_to_end.service import run

from .image import DOCKERFILE, REQUIREMENTS, image_environment, image_variables, stages
from .stack import ROOT, seconds, services

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def instructions(stage, name):
    return [rest for found, rest in stages()[stage] if found == name]


def copied():
    """(source in the checkout, where to) of every COPY from outside."""
    for stage in stages():
        for name, rest in stage:
            if name == "COPY" and not rest.startswith("--from"):
                *sources, target = rest.split()
                yield from ((source, target) for source in sources)


def is_sent_to_the_builder(path):
    """By the rules of .dockerignore: the last one that fits the path or a folder above it decides."""
    parts = path.split("/")
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        rule = line.strip()
        if rule and not rule.startswith("#"):
            pattern = rule.removeprefix("!").removeprefix("**/")
            above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
            if any(fnmatch.fnmatch(part, pattern) for part in ([*above, *parts] if "**/" in rule else above)):
                sent = rule.startswith("!")
    return sent


def test_everything_that_is_copied_is_there_and_is_sent():
    sources = [source for source, _ in copied()]
    assert len(sources) >= 6
    for source in sources:
        assert (ROOT / source).exists(), source
        assert is_sent_to_the_builder(source), source


def test_nothing_else_is_sent():
    """No secret of the checkout, no environment, no history; and a change elsewhere does not make an image anew."""
    for path in (
        ".git/config",
        ".venv/bin/python",
        ".env",
        "tests/schema.py",
        "docker-compose.yml",
        "demo/db.sqlite3",
        "demo/blog/__pycache__/models.pyc",
    ):
        assert not is_sent_to_the_builder(path), path
    for path in ("demo/blog/models.py", "demo/gunicorn.conf.py", "demo/load.py", "otel_graphql_auto/distro.py"):
        assert (ROOT / path).exists(), path
        assert is_sent_to_the_builder(path), path


def test_dependencies_are_installed_before_sources_are_copied():
    """A change of the code does not fetch anything again."""
    build = [f"{name} {rest}" for name, rest in stages()[0]]
    order = [
        next(n for n, text in enumerate(build) if part in text)
        for part in ("COPY demo/requirements.txt", "-r /build/demo/requirements.txt", "COPY otel_")
    ]
    assert order == sorted(order)


def test_the_last_stage_runs_nothing_and_is_not_root():
    assert len(stages()) == 2
    assert instructions(1, "RUN") == []
    assert instructions(1, "USER") == ["10001:10001"]
    bases = {rest.split()[0] for stage in (0, 1) for rest in instructions(stage, "FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases.pop())
    assert image_variables() == {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def test_the_image_and_compose_start_the_same():
    (command,) = instructions(1, "CMD")
    assert json.loads(command) == services()["app"]["command"]
    assert instructions(1, "WORKDIR") == ["/app/demo"]
    assert services()["migrate"]["build"] == {"context": ".", "dockerfile": str(DOCKERFILE.relative_to(ROOT))}


def test_the_image_is_named_after_the_version_that_is_in_it():
    assert services()["app"]["image"].endswith(f":{PYPROJECT['project']['version']}")


def test_every_requirement_of_the_project_has_its_pinned_version():
    """demo/requirements.txt is what the group `compose` and the package itself ask for."""
    pinned = dict(line.split("==") for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#"))
    groups = PYPROJECT["dependency-groups"]
    wanted = [one for one in [*groups["compose"], *groups["demo"]] if isinstance(one, str)] + PYPROJECT["project"]["dependencies"]
    assert {"include-group": "demo"} in groups["compose"]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement
    assert {"psycopg", "psycopg-binary", "redis", "gunicorn"} <= set(pinned)


def test_what_the_image_installs_fits_together():
    """The same versions, without the dependencies of anything: what was forgotten would be missing."""
    binaries = image_environment()
    assert {"gunicorn", "opentelemetry-instrument"} <= {path.name for path in binaries.iterdir()}
    # Its output is in the failure message.
    run(("python", "manage.py", "check", "--fail-level", "WARNING"), cwd=ROOT / "demo", binaries=binaries)


@pytest.fixture(scope="module")
def gunicorn():
    """The names in gunicorn.conf.py, and gunicorn's own defaults around them."""
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self):
            names = {}
            path = ROOT / "demo" / "gunicorn.conf.py"
            exec(compile(path.read_text(), path, "exec"), names)
            for name, value in names.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)
            self.names = names

        def load(self):
            raise NotImplementedError

    return Application()


def test_whoever_waits_longer_is_further_outside(gunicorn):
    """Statement < gunicorn < proxy (60 s by default), and a stop lasts longer than the statements that it waits for."""
    statement = seconds(services()["app"]["environment"]["DEMO_POSTGRES_STATEMENT_TIMEOUT"])
    settings = gunicorn.cfg
    assert 0 < statement < settings.graceful_timeout < settings.timeout < 60 < settings.keepalive
    assert seconds(services()["app"]["stop_grace_period"]) >= settings.graceful_timeout + 15


def test_gunicorn_listens_on_loopback_and_believes_nobody_from_elsewhere(gunicorn):
    """Unless the environment says otherwise."""
    assert gunicorn.cfg.bind == ["127.0.0.1:8000"]
    assert gunicorn.cfg.forwarded_allow_ips == ["127.0.0.1", "::1"]


def test_workers_are_as_many_as_the_container_has_cpus(gunicorn, tmp_path):
    available = gunicorn.names["available_cpus"]
    limit = tmp_path / "cpu.max"
    limit.write_text("150000 100000\n")
    assert available(limit) == 1
    limit.write_text("5000 100000\n")
    assert available(limit) == 1
    limit.write_text("max 100000\n")
    assert available(limit) == available(tmp_path / "no such file") >= 1
    assert gunicorn.cfg.workers >= 2


def test_database_connections_are_far_fewer_than_postgresql_takes(gunicorn):
    configuration = (ROOT / "collector/postgres/postgresql.conf").read_text()
    most = int(re.search(r"^max_connections = (\d+)", configuration, re.MULTILINE)[1])
    workers = int(re.search(r":-(\d+)", services()["app"]["environment"]["WEB_CONCURRENCY"])[1])
    assert gunicorn.cfg.worker_class_str == "gthread"
    assert workers * gunicorn.cfg.threads <= most / 4
