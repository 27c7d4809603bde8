"""The pytest plugin: `max_queries`, `no_n_plus_one` and `query_baseline` as fixtures and as marks, and the option that records baselines.

pytest imports this in every run of everybody who has the package: nothing else of it, and nothing of Django, is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

__all__ = ["max_queries", "no_n_plus_one", "query_baseline"]

_OPTION = "--update-query-baseline"

_MARKS = {
    "max_queries": "max_queries(limit, *, operation=None, total=False): each GraphQL operation of the test may run `limit` SQL statements",
    "no_n_plus_one": "no_n_plus_one(threshold=None): no field of a GraphQL operation of the test may run the same SELECT again and again",
    "query_baseline": "query_baseline(path=None): no GraphQL operation of the test may run more SQL statements than the file says",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("otel-graphql-auto").addoption(
        _OPTION, action="store_true", help="query_baseline records the SQL statements of GraphQL operations instead of comparing them"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks, and tell `query_baseline` of the option, inside and outside of fixtures."""
    for line in _MARKS.values():
        config.addinivalue_line("markers", line)
    if config.getoption(_OPTION):
        from otel_graphql_auto.testing.baseline import UPDATE

        restore = pytest.MonkeyPatch()
        restore.setenv(UPDATE, "1")
        config.add_cleanup(restore.undo)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Put the blocks of its marks around a test: around its own code, not around its fixtures."""
    if not any(item.get_closest_marker(name) for name in _MARKS):
        yield
        return
    with ExitStack() as entered:
        blocks = list(_blocks(item))
        for block in blocks:
            entered.enter_context(block)
        entered.pop_all()  # they are left one by one below, and each of them says what it has to say
    outcome: Any = yield
    problems = list(_leave(blocks[::-1], outcome.excinfo))
    if problems:
        outcome.force_exception(pytest.fail.Exception("\n".join(problems), pytrace=False))


def _leave(blocks: list[Any], excinfo: Any) -> Iterator[str]:
    """What the blocks say of a test that ended like this, without a traceback: all of it would be ours."""
    for block in blocks:
        try:
            block.__exit__(*(excinfo or (None, None, None)))
        except (AssertionError, RuntimeError) as error:  # noqa: PERF203 - each of them is asked
            yield str(error)


def _blocks(item: pytest.Item) -> Iterator[Any]:
    """Of the same mark for the same operation, the closest to the test counts."""
    from otel_graphql_auto import testing
    from otel_graphql_auto.testing.baseline import FILE

    seen = set()
    for name in _MARKS:
        for mark in item.iter_markers(name):
            about = name, mark.kwargs.get("operation")
            if about in seen:
                continue
            seen.add(about)
            args = mark.args
            if name == "query_baseline":
                args = (item.path.parent / (args[0] if args else FILE),)
            try:
                block = getattr(testing, name)(*args, **mark.kwargs)
            except (TypeError, ValueError) as error:
                pytest.fail(f"@pytest.mark.{name}: {error}", pytrace=False)
            yield block


@pytest.fixture(scope="session")
def max_queries() -> Callable[..., Any]:
    """The function of that name in `otel_graphql_auto.testing`, for a `with` statement."""
    from otel_graphql_auto import testing

    return testing.max_queries


@pytest.fixture(scope="session")
def no_n_plus_one() -> Callable[..., Any]:
    """The function of that name in `otel_graphql_auto.testing`, for a `with` statement."""
    from otel_graphql_auto import testing

    return testing.no_n_plus_one


@pytest.fixture(scope="session")
def query_baseline() -> Callable[..., Any]:
    """The function of that name in `otel_graphql_auto.testing`, for a `with` statement."""
    from otel_graphql_auto import testing

    return testing.query_baseline
