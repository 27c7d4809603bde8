"""What every in-process test shares: our own errors raise, and telemetry is captured in memory."""

from __future__ import annotations

import json
import os

import pytest
from opentelemetry.context import Context, attach, detach

import otel_graphql_auto
from otel_graphql_auto import settings
from otel_graphql_auto.operation import current
from otel_graphql_auto.testing import capture

pytest_plugins = ["tests.services.fixtures"]


def pytest_sessionfinish(session):
    """In CI a skipped test is a failure: whatever is missing there, the build has to install."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("Nothing may be skipped where CI=true; see the reasons below.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _strict(monkeypatch):
    """Errors that the package would keep from an application fail the test instead. What a planted error leaves behind ends with its test."""
    token = attach(Context())
    monkeypatch.setenv("OTEL_PYTHON_GRAPHQL_AUTO_STRICT", "1")
    settings.reload()
    yield
    otel_graphql_auto.uninstrument()
    settings.reload()
    current.set(None)
    detach(token)


@pytest.fixture
def forgiving(monkeypatch):
    """As in production: errors of ours are swallowed."""
    monkeypatch.delenv("OTEL_PYTHON_GRAPHQL_AUTO_STRICT")


@pytest.fixture
def configure(settings):
    """Set GRAPHQL_AUTO for the length of a test."""

    def configure(**values):
        settings.GRAPHQL_AUTO = values

    return configure


@pytest.fixture
def seen():
    """What the package emits during the test."""
    with capture() as captured:
        yield captured


@pytest.fixture
def post(client):
    """POST a GraphQL request to a view and give the response."""

    def post(query, path="/graphql", variables=None, operation_name=None, **headers):
        body = {"query": query}
        if variables is not None:
            body["variables"] = variables
        if operation_name is not None:
            body["operationName"] = operation_name
        return client.post(path, json.dumps(body), content_type="application/json", headers=headers or None)

    return post
