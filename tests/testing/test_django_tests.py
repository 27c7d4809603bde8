"""Budgets in the test cases of Django, run by unittest and by Django's own runner."""

# ruff: noqa: PT009 - the cases are written as users of unittest write them

import json
import unittest
from urllib.request import Request, urlopen

import pytest
from django.test import LiveServerTestCase, SimpleTestCase, TestCase, TransactionTestCase, override_settings

from blog.factories import CommentFactory, PostFactory
from otel_graphql_auto.testing import max_queries, no_n_plus_one
from tests.testing.documents import FAST, FAST_COUNT, NAIVE

URLS = override_settings(ROOT_URLCONF="tests.testing.urls")


class Asking:
    """What the cases below share."""

    def ask(self, document):
        answer = self.client.post("/graphql", json.dumps({"query": document}), content_type="application/json").json()
        self.assertNotIn("errors", answer)
        (rows,) = answer["data"].values()
        return rows

    def fill(self):
        for _ in range(6):
            CommentFactory(post=PostFactory())


@URLS
class Cases(Asking, TestCase):
    __test__ = False

    @classmethod
    def setUpTestData(cls):
        cls.fill(cls)

    def test_kept(self):
        with max_queries(FAST_COUNT), no_n_plus_one():
            self.assertEqual(len(self.ask(FAST)), 6)

    def test_statements_of_the_test_do_not_count(self):
        with max_queries(FAST_COUNT, total=True):
            self.fill()
            self.ask(FAST)

    def test_exceeded(self):
        with max_queries(FAST_COUNT):
            self.assertEqual(len(self.ask(NAIVE)), 6)

    def test_n_plus_one(self):
        with no_n_plus_one():
            self.ask(NAIVE)

    @max_queries(FAST_COUNT - 1)
    def test_decorated(self):
        self.ask(FAST)

    @max_queries(FAST_COUNT - 1)
    async def test_decorated_and_async(self):
        answer = await self.async_client.post("/graphql", json.dumps({"query": FAST}), content_type="application/json")
        self.assertEqual(len(answer.json()["data"]["postsFast"]), 6)

    def test_nothing(self):
        with max_queries(FAST_COUNT):
            self.client.get("/nowhere")


@URLS
class Transactions(Asking, TransactionTestCase):
    __test__ = False

    def test_exceeded(self):
        self.fill()
        with max_queries(FAST_COUNT - 1):
            self.assertEqual(len(self.ask(FAST)), 6)


@URLS
class Simple(Asking, SimpleTestCase):
    __test__ = False

    def test_kept(self):
        with max_queries(0):
            self.assertEqual(self.ask("{ hello }"), "Hello, world!")


@override_settings(ROOT_URLCONF="tests.testing.urls", STATIC_URL="/static/")
class Live(Asking, LiveServerTestCase):
    __test__ = False

    def ask(self, document):
        body, headers = json.dumps({"query": document}).encode(), {"Content-Type": "application/json"}
        with urlopen(Request(f"{self.live_server_url}/graphql", body, headers), timeout=20) as response:
            answer = json.load(response)
        self.assertNotIn("errors", answer)
        return answer["data"]["postsFast"]

    def test_kept(self):
        self.fill()
        with max_queries(FAST_COUNT):
            self.assertEqual(len(self.ask(FAST)), 6)

    def test_exceeded(self):
        self.fill()
        with max_queries(FAST_COUNT - 1):
            self.ask(FAST)


def run(case):
    """The messages of what failed, by test; there are no errors."""
    suite, result = unittest.defaultTestLoader.loadTestsFromTestCase(case), unittest.TestResult()
    suite.run(result)
    assert result.errors == []
    return result.testsRun, {test._testMethodName: message for test, message in result.failures}


@pytest.fixture
def database(django_db_setup, django_db_blocker):
    """Django's test cases look after it themselves."""
    with django_db_blocker.unblock():
        yield


def test_in_a_test_case_a_budget_fails_as_assertions_do(database):
    """With the numbers of the rows that setUpTestData made, in a transaction that is rolled back."""
    count, failed = run(Cases)
    assert count == 7
    assert set(failed) == {"test_exceeded", "test_n_plus_one", "test_decorated", "test_decorated_and_async", "test_nothing"}
    assert "query PostsNaive ran 25 SQL statements; the budget is 2" in failed["test_exceeded"]
    assert "6 x SELECT blog_user for Post.author (demo/blog/queries.py:" in failed["test_n_plus_one"]
    assert "query PostsFast ran 2 SQL statements; the budget is 1" in failed["test_decorated"]
    assert "query PostsFast ran 2 SQL statements; the budget is 1" in failed["test_decorated_and_async"]
    assert "no GraphQL operation was executed" in failed["test_nothing"]
    # The line of the test, and none of our frames: above a decorator there are no others.
    assert all("otel_graphql_auto/testing" not in message for message in failed.values())
    assert {name for name, message in failed.items() if "test_django_tests.py" in message} == {
        "test_exceeded",
        "test_n_plus_one",
        "test_nothing",
    }


@pytest.mark.django_db(transaction=True)
def test_in_a_transaction_test_case_too():
    count, failed = run(Transactions)
    assert count == 1
    assert "query PostsFast ran 2 SQL statements; the budget is 1" in failed["test_exceeded"]


@pytest.mark.django_db(transaction=True)
def test_in_a_live_server_test_case_too():
    """The operation runs in another thread, on the connection of the test."""
    count, failed = run(Live)
    assert count == 2
    assert set(failed) == {"test_exceeded"}
    assert "query PostsFast ran 2 SQL statements; the budget is 1" in failed["test_exceeded"]


def test_in_a_simple_test_case_too():
    assert run(Simple) == (1, {})


@pytest.mark.django_db
def test_with_the_database_of_pytest_django(client, settings, django_assert_num_queries):
    """Beside its own assertion, which counts the statements of everything."""
    settings.ROOT_URLCONF = "tests.testing.urls"
    CommentFactory(post=PostFactory())
    with django_assert_num_queries(FAST_COUNT), max_queries(FAST_COUNT):
        answer = client.post("/graphql", json.dumps({"query": FAST}), content_type="application/json").json()
    assert len(answer["data"]["postsFast"]) == 1
    with pytest.raises(AssertionError, match="ran 2"), max_queries(1):
        client.post("/graphql", json.dumps({"query": FAST}), content_type="application/json")


RUNNER = """
from blog.factories import PostFactory
from blog.schema import schema
from django.test import TestCase
from otel_graphql_auto.testing import query_baseline

class Tests(TestCase):
    def test_posts(self):
        PostFactory.create_batch(6)
        with query_baseline():
            result = schema.execute("query Posts { %s { title author { username } } }")
        self.assertEqual(len(result.data["%s"]), 6)
"""


@pytest.mark.long
def test_a_baseline_is_recorded_with_djangos_own_runner(project):
    """By an environment variable: the runner has no option for it."""
    project.write("test_posts.py", RUNNER % ("postsFast", "postsFast"))
    missing = project.run("django", "test", "test_posts")
    assert missing.returncode == 1
    assert "is not in query_baseline.json" in missing.stderr
    recorded = project.run("django", "test", "test_posts", GRAPHQL_AUTO_UPDATE_QUERY_BASELINE="1")
    assert recorded.returncode == 0, recorded.stderr
    assert json.loads((project.folder / "query_baseline.json").read_text())["Posts"]["total"] == 2
    assert project.run("django", "test", "test_posts").returncode == 0
    project.write("test_posts.py", RUNNER % ("postsNaive", "postsNaive"))
    grown = project.run("django", "test", "test_posts")
    assert grown.returncode == 1
    assert "query Posts ran 7 SQL statements, query_baseline.json has 2; Post.author from 0 to 6" in grown.stderr
