"""The demo's blog on databases of the tests: tables and rows made once for each server, and looked at again when a test has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.services.aliases import alias, in_own_thread

USERS, CATEGORIES, POSTS, COMMENTS = 10, 3, 20, 40

NUMBERS = count(1)


class SQLite:
    """Files with the methods of a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create_database(self, name: str) -> dict[str, Any]:
        """A new, empty file. Threads write to it in turn, as in the demo."""
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self.folder / f"{name}.sqlite3"), "OPTIONS": {"timeout": 20}}

    def drop_database(self, name: str) -> None:
        """It is gone."""
        (self.folder / f"{name}.sqlite3").unlink()


class Blogs:
    """One blog for each server, which tests share, and further ones for those that write."""

    def __init__(self, sqlite: SQLite) -> None:
        self.sqlite = sqlite
        self._shared: dict[Any, tuple[dict[str, Any], Any]] = {}

    @contextmanager
    def on(self, server: Any, name: str, *, fresh: bool = False, routed: bool = False, **changes: Any) -> Iterator[str]:
        """See the fixture `blog_on`."""
        server = self.sqlite if server == "sqlite" else server
        if fresh:
            database = f"blog_{next(NUMBERS)}"
            settings = server.create_database(database)
            try:
                _aside(settings, fill)
                with alias(name, settings | changes, routed=routed) as further:
                    yield further
            finally:
                server.drop_database(database)
            return
        if server not in self._shared:
            settings = server.create_database(f"blog_{next(NUMBERS)}")
            _aside(settings, fill)
            self._shared[server] = settings, _aside(settings, content)
        settings, before = self._shared[server]
        try:
            with alias(name, settings | changes, routed=routed) as further:
                yield further
        finally:
            same = _aside(settings, content) == before
            if not same:
                del self._shared[server]
        assert same, "This test changed the blog that others share: take `blog_on(..., fresh=True)`."


def models() -> tuple[Any, ...]:
    """The blog's, in an order in which rows can be written."""
    from blog.models import Category, Comment, Post, User

    return User, Category, Post, Comment


def fill(name: str) -> None:
    """Tables as the models say (in half the time of `migrate`), and the same few rows every time."""
    from django.contrib.auth.models import Group, Permission
    from django.contrib.contenttypes.models import ContentType
    from django.db import connections
    from django.db.models import F

    from blog.factories import CategoryFactory, CommentFactory, PostFactory, UserFactory

    User, Category, Post, Comment = models()
    with connections[name].schema_editor() as editor:
        for model in (ContentType, Permission, Group, User, Category, Post, Comment):
            editor.create_model(model)
    users = _write(name, User, [UserFactory.build(number=number) for number in range(1, USERS + 1)])
    categories = _write(name, Category, [CategoryFactory.build(number=number) for number in range(CATEGORIES)])
    posts = [
        PostFactory.build(number=number, author=users[number % USERS], category=categories[number % CATEGORIES])
        for number in range(1, POSTS + 1)
    ]
    posts = _write(name, Post, posts)
    Post.objects.using(name).update(updated_at=F("created_at"))
    comments = [
        CommentFactory.build(number=number, post=posts[(number - 1) // 2], author=users[number * 7 % USERS])
        for number in range(1, COMMENTS + 1)
    ]
    _write(name, Comment, comments)


def content(name: str) -> list[Any]:
    """Every row of the blog."""
    return [list(model._base_manager.using(name).order_by("pk").values_list()) for model in models()]


def _write(name: str, model: Any, rows: list[Any]) -> list[Any]:
    """They come back with their keys from all three."""
    return model._base_manager.using(name).bulk_create(rows)


def _aside(settings: dict[str, Any], do: Callable[[str], Any]) -> Any:
    """Call it with an alias of its own, which nothing that a test has attached sees."""
    from django.db import connections

    def quietly() -> Any:
        connections[name].ensure_connection()
        # What was added when the connection opened: the statements that prepare a test are none of its statements.
        wrappers = connections[name].execute_wrappers
        added = wrappers[:]
        wrappers.clear()
        try:
            return do(name)
        finally:
            # Whoever added them takes them away again.
            wrappers[:] = added

    with alias("aside", settings) as name:
        return in_own_thread(quietly)
