"""Passwords are invented once, each service sees its own ones, and the servers' own commands take them from there."""

import re
import stat
import subprocess
from pathlib import Path

import pytest

from tests.services.processes import free_port

from .preparation import folders, is_root, prepare
from .stack import environment, health_command, mounts, services

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]

SECRETS = "/run/secrets"

EXPECTED = {
    "app": {"django_secret_key", "postgres_password", "redis_password"},
    "collector": {"redis_password"},
    "exporter": {"exporter_password"},
    "grafana": {"grafana_admin_password", "grafana_secret_key"},
    "postgres": {"exporter_password", "postgres_password"},
    "redis": {"redis_password"},
}
USER = {"app": "10001", "collector": "10001", "exporter": "65534", "grafana": "472", "postgres": "999", "redis": "999"}


def contents(volumes):
    return {(file.parent.name, file.name): file.read_text() for file in volumes.glob("*/*")}


def test_each_volume_holds_what_its_service_needs_and_no_more(volumes):
    found = contents(volumes)
    assert {folder: {name for there, name in found if there == folder} for folder in EXPECTED} == EXPECTED
    assert len(found) == 10


def test_a_secret_is_random_and_needs_no_quotes_anywhere(volumes):
    """A letter, then letters and digits: nothing that a URL, YAML, a shell or redis.conf would read as something else. Copies are alike."""
    by_name = {}
    for (_, name), secret in contents(volumes).items():
        assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9]{31}", secret)
        by_name.setdefault(name, set()).add(secret)
    assert all(len(secrets) == 1 for secrets in by_name.values())
    assert len(set.union(*by_name.values())) == len(by_name) == 6


def test_a_second_start_changes_nothing_and_a_new_stack_has_other_secrets(tmp_path):
    prepare(tmp_path / "one")
    first = contents(tmp_path / "one")
    prepare(tmp_path / "one")
    assert contents(tmp_path / "one") == first
    prepare(tmp_path / "two")
    assert set(contents(tmp_path / "two").values()).isdisjoint(first.values())


def test_a_start_that_was_interrupted_is_finished_by_the_next_one(tmp_path):
    prepare(tmp_path / "volumes")
    for name in ("app/redis_password", "grafana/grafana_secret_key"):
        file = tmp_path / "volumes" / name
        file.rename(f"{file}.new")
    prepare(tmp_path / "volumes")
    found = contents(tmp_path / "volumes")
    assert found["app", "redis_password"] == found["redis", "redis_password"]
    assert {name for _, name in found} == set.union(*EXPECTED.values())


def test_a_secret_belongs_to_the_user_of_its_service_who_cannot_change_it(volumes):
    owners = {(file.parent.name, file.name): str(file.stat().st_uid) for file in volumes.glob("*/*")}
    if not is_root():
        given = (volumes.parent / "programs" / "chown.log").read_text().splitlines()
        owners = {
            tuple(Path(path).with_suffix("").parts[-2:]): user.split(":")[0]
            for user, path in map(str.split, given)
            if path.endswith(".new")
        }
    assert owners == {(folder, name): USER[folder] for folder, names in EXPECTED.items() for name in names}
    assert {stat.filemode(file.stat().st_mode) for file in volumes.glob("*/*")} == {"-r--r-----"}


def test_services_run_as_the_users_that_the_files_belong_to():
    """And mount their own volume, read-only, where they look for it."""
    by_volume = {source: folder for folder, source in folders().items()}
    mounted = [
        (name, by_volume[source])
        for name in services()
        for source, target, writable in mounts(name)
        if (target, writable) == (SECRETS, False)
    ]
    assert {folder for _, folder in mounted} == set(EXPECTED)
    for name, folder in mounted:
        assert services()[name].get("user", "10001:10001").split(":")[0] == USER[folder], name
        # The exporter's role is made by a script that knows this path; redis and its healthcheck are run below.
        named = {Path(value).name for value in [*environment(name).values()] if value.startswith(f"{SECRETS}/")}
        assert named <= EXPECTED[folder], name
        if name != "redis":
            assert named, name


def test_the_collector_owns_its_queue(volumes):
    """Its image has neither a shell nor the folder: without this nothing could be written there."""
    assert any(source == folders()["queue"] and writable for source, _, writable in mounts("collector"))
    if is_root():
        assert str((volumes / "queue").stat().st_uid) == services()["collector"]["user"].split(":")[0]
    else:
        assert f"10001:0 {volumes / 'queue'}" in (volumes.parent / "programs" / "chown.log").read_text()


def test_redis_takes_its_password_from_the_file_and_shows_it_to_nobody(redis_of_compose, volumes):
    """It replaces the shell, so that signals reach it; its command line has no secret; the settings are in force."""
    import redis

    secret = (volumes / "redis" / "redis_password").read_text()
    arguments = Path(f"/proc/{redis_of_compose.process.pid}/cmdline").read_bytes()
    assert b"redis-server" in arguments
    assert secret.encode() not in arguments
    with redis.Redis(port=redis_of_compose.port, password=secret) as client:
        assert client.config_get("maxmemory*")["maxmemory"] == str(192 << 20)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("appendonly") == {"appendonly": "no"}
    with redis.Redis(port=redis_of_compose.port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_healthcheck_of_redis_tells_well_from_ill(redis_of_compose, tmp_path):
    assert redis_of_compose.is_healthy()
    (tmp_path / "redis_password").write_text("wrong")
    assert not redis_of_compose.is_healthy(secrets=tmp_path)
    assert not redis_of_compose.is_healthy(port=free_port())


def test_the_healthcheck_of_postgres_tells_well_from_ill(postgres):
    program, *arguments = health_command("postgres")
    assert program == "pg_isready"
    command = [postgres.installation.program(program), *arguments]
    environment = {**postgres.installation.environment, "PGPORT": str(postgres.port)}
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    environment["PGPORT"] = str(free_port())
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 2
