"""The blog with a few rows on SQLite, PostgreSQL and MariaDB, as an alias for the length of a `with` block."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from tests.database.blogs import Blogs, SQLite


@pytest.fixture(scope="session")
def blogs(tmp_path_factory):
    """What has been filled so far."""
    return Blogs(SQLite(tmp_path_factory.mktemp("blogs")))


@pytest.fixture
def blog_on(blogs, django_db_blocker):
    """`with blog_on(postgres) as alias`: an alias of Django with the blog's tables, 10 users, 3 categories, 20 posts and 40 comments.

    `server` is "sqlite" (a file, so that threads see the same rows) or the fixture `postgres` or `mariadb`.
    No mark `django_db` is needed; with it, the alias is outside the test's transaction.
    All tests share one blog for each server. Who changes it fails; who writes says `fresh=True`, and who rolls back is welcome.
    `routed=True` sends every model there that is used without `using`, so that the demo's own resolvers read it.
    What it gives is `name` and a number; several may be open at the same time, of one server too. Further keywords change its entry of DATABASES.
    The alias has no connection yet, and what the preparation executed is seen by nobody.
    """

    @contextmanager
    def blog_on(server, *, name="blog", **options):
        with django_db_blocker.unblock(), blogs.on(server, name, **options) as alias:
            yield alias

    return blog_on
