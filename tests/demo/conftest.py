"""A small blog for each test: six users with three posts each, and two comments on every post."""

import json

import pytest
from django.core.management import call_command

from config import settings as demo_settings


@pytest.fixture(autouse=True)
def _as_the_demo(settings):
    """The demo's own URLs and middleware; models and database are those of every test."""
    for name in ("ROOT_URLCONF", "MIDDLEWARE", "STATIC_URL", "GRAPHENE"):
        setattr(settings, name, getattr(demo_settings, name))


@pytest.fixture
def blog(db):
    call_command("seed", users=6, posts=3, comments=2, verbosity=0)


@pytest.fixture
def ask(client, blog):
    """Sends one document and gives back the status and the body; a batch is a list of documents."""

    def send(document, *, path="/graphql/", **variables):
        body = [{"query": each} for each in document] if isinstance(document, list) else {"query": document, "variables": variables}
        response = client.post(path, json.dumps(body), content_type="application/json")
        return response.status_code, response.json()

    return send
