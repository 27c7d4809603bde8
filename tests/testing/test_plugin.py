"""pytest finds fixtures, marks and the option by itself, and pays nothing for them where nobody uses them."""

import json

CONFTEST = """
import pytest
from blog.factories import CommentFactory, PostFactory
from blog.schema import schema
from tests.testing.documents import FAST, NAIVE

@pytest.fixture
def ask(db):
    for _ in range(6):
        CommentFactory(post=PostFactory())
    def ask(document):
        result = schema.execute(document)
        assert not result.errors, result.errors
        assert len(list(result.data.values())[0]) == 6
    return ask

@pytest.fixture
def fast(ask):
    return lambda: ask(FAST)

@pytest.fixture
def naive(ask):
    return lambda: ask(NAIVE)
"""

BUDGETS = """
import unittest, pytest

def test_fixture_kept(fast, max_queries, no_n_plus_one):
    with max_queries(2), no_n_plus_one():
        fast()

def test_fixture_exceeded(fast, max_queries):
    with max_queries(1):
        fast()

def test_fixture_n_plus_one(naive, no_n_plus_one):
    with no_n_plus_one():
        naive()

@pytest.mark.max_queries(2)
@pytest.mark.no_n_plus_one
def test_mark_kept(fast):
    fast()

@pytest.mark.max_queries(1)
def test_mark_exceeded(fast):
    fast()

@pytest.mark.no_n_plus_one
def test_mark_n_plus_one(naive):
    naive()

@pytest.mark.no_n_plus_one(7)
def test_mark_threshold(naive):
    naive()

@pytest.mark.max_queries(1)
def test_mark_nothing(fast):
    pass

@pytest.mark.max_queries(1, operation="PostsFast")
@pytest.mark.max_queries(25, operation="PostsNaive")
def test_mark_each_operation(fast, naive):
    fast()
    naive()

@pytest.mark.max_queries(1)
def test_mark_own_failure(fast):
    fast()
    assert [] == [7], "its own"

@pytest.mark.max_queries(1)
def test_mark_skipped(fast):
    fast()
    pytest.skip("not today")

@pytest.mark.max_queries()
def test_mark_wrong(fast):
    fast()

@pytest.mark.max_queries(2)
async def test_mark_async(transactional_db):
    from blog.schema import schema
    result = await schema.execute_async("query Later { postsAsync { title } }")
    assert result.data == {"postsAsync": []}

@pytest.mark.max_queries(0)
async def test_mark_async_exceeded(transactional_db):
    from blog.schema import schema
    await schema.execute_async("query Later { postsAsync { title } }")

@pytest.mark.max_queries(1)
class TestClass:
    def test_mark_of_class(self, fast):
        fast()

    @pytest.mark.max_queries(2)
    def test_mark_closer(self, fast):
        fast()

class Case(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _fast(self, fast):
        self.fast = fast

    @pytest.mark.max_queries(1)
    def test_unittest_exceeded(self):
        self.fast()

    @pytest.mark.max_queries(2)
    def test_unittest_kept(self):
        self.fast()
"""

BUDGET_OUTCOMES = {
    "test_fixture_kept": "PASSED",
    "test_fixture_exceeded": "FAILED",
    "test_fixture_n_plus_one": "FAILED",
    "test_mark_kept": "PASSED",
    "test_mark_exceeded": "FAILED",
    "test_mark_n_plus_one": "FAILED",
    "test_mark_threshold": "FAILED",
    "test_mark_nothing": "FAILED",
    "test_mark_each_operation": "FAILED",
    "test_mark_own_failure": "FAILED",
    "test_mark_wrong": "FAILED",
    "test_mark_async": "PASSED",
    "test_mark_async_exceeded": "FAILED",
    "test_mark_of_class": "FAILED",
    "test_mark_closer": "PASSED",
    "test_unittest_exceeded": "FAILED",
    "test_unittest_kept": "PASSED",
}
