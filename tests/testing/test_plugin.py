"""pytest finds fixtures, marks and the option by itself, and pays nothing for them where nobody uses them."""

import json

import pytest

pytestmark = pytest.mark.long

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
    "test_mark_threshold": "PASSED",
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


def test_fixtures_and_marks_check_tests_of_every_kind(project):
    """Functions, classes, coroutines and unittest's cases; the same names as fixtures and as marks."""
    project.write("conftest.py", CONFTEST)
    project.write("test_budgets.py", BUDGETS)
    outcomes, output = project.outcomes()
    assert outcomes == BUDGET_OUTCOMES, output
    assert "1 skipped" in output
    assert "test_mark_exceeded - Failed: query PostsFast ran 2 SQL statements; the budget is 1" in output
    assert "test_unittest_exceeded - Failed: query PostsFast ran 2 SQL statements; the budget is 1" in output
    assert "test_mark_async_exceeded - Failed: query Later ran 1 SQL statement; the budget is 0" in output
    assert "test_mark_nothing - Failed: max_queries: no GraphQL operation was executed" in output
    assert "test_mark_own_failure - AssertionError: its own" in output
    assert "test_mark_wrong - Failed: @pytest.mark.max_queries: max_queries() missing 1 required positional argument" in output
    assert "6 x SELECT blog_user for Post.author (" in output
    assert "test_fixture_exceeded - AssertionError: query PostsFast ran 2 SQL statements; the budget is 1" in output
    assert "otel_graphql_auto/testing" not in output  # of a failure the test is shown, and none of our frames


BASELINE = """
import pytest

@pytest.mark.query_baseline
def test_mark(ask):
    ask("query Posts { %(field)s { title author { username } } }")

def test_fixture(ask, query_baseline):
    with query_baseline("fixture.json"):
        ask("query Posts { %(field)s { title category { name } } }")

@pytest.mark.query_baseline("counts/mark.json")
def test_mark_with_a_path(ask):
    ask("query Others { %(field)s { title } }")
"""
NAMES = ("test_mark", "test_fixture", "test_mark_with_a_path")


def test_a_baseline_is_recorded_with_an_option(project):
    """Beside the tests, wherever pytest is started; then what grows fails."""
    tests = project.folder / "tests_of_shop"
    (tests / "counts").mkdir(parents=True)
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "test_posts.py").write_text(BASELINE % {"field": "postsFast"})
    outcomes, output = project.outcomes()
    assert outcomes == dict.fromkeys(NAMES, "FAILED")
    assert output.count("To record it: pytest --update-query-baseline") >= 3
    assert not list(tests.rglob("*.json"))
    outcomes, output = project.outcomes("--update-query-baseline")
    assert outcomes == dict.fromkeys(NAMES, "PASSED"), output
    recorded = {str(path.relative_to(tests)): json.loads(path.read_text()) for path in tests.rglob("*.json")}
    assert recorded == {
        "query_baseline.json": {"Posts": {"total": 2, "Query.postsFast": 2}},
        "fixture.json": {"Posts": {"total": 2, "Query.postsFast": 2}},
        "counts/mark.json": {"Others": {"total": 2, "Query.postsFast": 2}},
    }
    outcomes, output = project.outcomes()
    assert outcomes == dict.fromkeys(NAMES, "PASSED"), output
    (tests / "test_posts.py").write_text(BASELINE % {"field": "postsNaive"})
    outcomes, output = project.outcomes()
    assert outcomes == {"test_mark": "FAILED", "test_fixture": "FAILED", "test_mark_with_a_path": "PASSED"}
    assert "query Posts ran 7 SQL statements, tests_of_shop/query_baseline.json has 2; Post.author from 0 to 6" in output


NOTHING_IMPORTED = """
import sys

def test_nothing_is_imported(request):
    assert request.config.pluginmanager.has_plugin("graphql_auto")
    ours = sorted(name for name in sys.modules if name.partition(".")[0] == "otel_graphql_auto")
    assert ours == ["otel_graphql_auto", "otel_graphql_auto.testing", "otel_graphql_auto.testing.plugin"]
    assert {"django", "graphql", "graphene", "graphene_django", "opentelemetry", "pytest_django"}.isdisjoint(sys.modules)
"""
NOT_INSTALLED = "raise ImportError('not installed here')\n"


def test_a_project_without_django_runs_its_tests_as_before(project):
    """The plugin is there, and nothing behind it is imported; not even for the help and the list of marks."""
    for name in ("django", "pytest_django", "pytest_asyncio"):
        folder = project.folder / name
        folder.mkdir()
        (folder / "__init__.py").write_text(NOT_INSTALLED)
    project.write("pytest.ini", "[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    project.write("test_plain.py", NOTHING_IMPORTED)
    without = ("-p", "no:django", "-p", "no:asyncio")
    outcomes, output = project.outcomes(*without)
    assert outcomes == {"test_nothing_is_imported": "PASSED"}, output
    marks = project.run("pytest", *without, "--markers")
    assert marks.returncode == 0, marks.stderr
    assert "@pytest.mark.max_queries(limit" in marks.stdout
    usage = project.run("pytest", *without, "--help")
    assert "--update-query-baseline" in usage.stdout


def test_instrumented_from_outside_it_does_not_disturb_pytest(project):
    """The package is imported before pytest can rewrite its assertions, which it would complain about: here as an error."""
    project.write("conftest.py", CONFTEST)
    project.write("test_fast.py", "def test_kept(fast, max_queries):\n    with max_queries(2):\n        fast()\n")
    program = "import sys, pytest, otel_graphql_auto; otel_graphql_auto.instrument(); sys.exit(pytest.main())"
    project.write("instrumented.py", program)
    outcomes = project.run("instrumented")
    assert "1 passed" in outcomes.stdout, outcomes.stdout + outcomes.stderr
