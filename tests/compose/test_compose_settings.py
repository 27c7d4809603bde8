"""The demo's settings under docker-compose: PostgreSQL, Redis and secrets by the environment, and embedded without it."""

import importlib

import pytest

from config import servers

VARIABLES = (
    "DEMO_POSTGRES_HOST",
    "DEMO_REDIS_HOST",
    "DEMO_DATABASE",
    "DEMO_SECRET_KEY",
    "DEMO_SECRET_KEY_FILE",
    "DEMO_POSTGRES_STATEMENT_TIMEOUT",
)


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_a_secret_comes_from_its_file_then_from_its_variable_then_it_is_the_default(monkeypatch, tmp_path):
    assert servers.secret("DEMO_SECRET_KEY", "default") == "default"
    monkeypatch.setenv("DEMO_SECRET_KEY", "variable")
    assert servers.secret("DEMO_SECRET_KEY", "default") == "variable"
    (tmp_path / "key").write_text("file\n")
    monkeypatch.setenv("DEMO_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert servers.secret("DEMO_SECRET_KEY", "default") == "file"


def test_a_secret_whose_file_is_missing_stops_the_start(monkeypatch, tmp_path):
    """Rather than going on with a key that everybody knows."""
    monkeypatch.setenv("DEMO_SECRET_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        servers.secret("DEMO_SECRET_KEY", "default")


def test_without_hosts_everything_is_embedded(tmp_path):
    assert servers.database(tmp_path / "db")["ENGINE"] == "django.db.backends.sqlite3"
    assert servers.cache()["BACKEND"].endswith("LocMemCache")


def test_a_host_is_enough(monkeypatch, tmp_path):
    monkeypatch.setenv("DEMO_POSTGRES_HOST", "db")
    monkeypatch.setenv("DEMO_REDIS_HOST", "cache")
    database = servers.database(tmp_path / "db")
    assert {name: database[name] for name in ("HOST", "PORT", "NAME", "USER")} == {
        "HOST": "db",
        "PORT": "5432",
        "NAME": "blog",
        "USER": "blog",
    }
    assert database["OPTIONS"] == {"connect_timeout": 5, "server_side_binding": True}
    assert servers.cache()["LOCATION"] == "redis://cache:6379/0"
    monkeypatch.setenv("DEMO_POSTGRES_STATEMENT_TIMEOUT", "20s")
    assert servers.database(tmp_path / "db")["OPTIONS"]["options"] == "-c statement_timeout=20s"


def test_hosts_that_may_be_asked_for_can_be_named(monkeypatch):
    from config import settings

    assert settings.ALLOWED_HOSTS == ["127.0.0.1", "localhost", "[::1]"]
    with monkeypatch.context() as patch:
        patch.setenv("DEMO_ALLOWED_HOSTS", "blog.example,app")
        assert importlib.reload(settings).ALLOWED_HOSTS == ["blog.example", "app"]
    importlib.reload(settings)
