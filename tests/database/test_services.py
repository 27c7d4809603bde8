"""The databases of the tests are what they say: real servers, Django's own backends, the blog's rows, and nothing left behind."""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connections, transaction

from blog.models import Comment, Post, User
from tests.services.aliases import alias

pytestmark = pytest.mark.long

SERVERS = ("sqlite", "postgres", "mariadb")


@pytest.fixture(params=SERVERS)
def server(request):
    """Each kind in turn."""
    return request.param if request.param == "sqlite" else request.getfixturevalue(request.param)


@pytest.mark.parametrize(("name", "vendor", "words"), [("postgres", "postgresql", "PostgreSQL"), ("mariadb", "mysql", "MariaDB")])
def test_the_server_answers_through_django(request, django_db_blocker, name, vendor, words):
    """It says itself what it is, and knows its user by the password alone."""
    server = request.getfixturevalue(name)
    with django_db_blocker.unblock(), alias(name, server.settings()) as there, connections[there].cursor() as cursor:
        cursor.execute("SELECT version()")
        assert words in cursor.fetchone()[0]
        assert connections[there].vendor == vendor
        wrong = connections[there].copy()
        wrong.settings_dict = wrong.settings_dict | {"PASSWORD": "wrong"}
        with pytest.raises(DatabaseError):
            wrong.ensure_connection()


def test_the_demo_can_be_migrated(server, blogs, django_db_blocker):
    """Every migration runs, and a row can be written and read."""
    server = blogs.sqlite if server == "sqlite" else server
    settings = server.create_database("migrated")
    try:
        with django_db_blocker.unblock(), alias("migrated", settings) as there:
            call_command("migrate", database=there, verbosity=0)
            author = User.objects.using(there).create(username="ada", email="ada@example.com")
            assert User.objects.using(there).get(username="ada") == author
    finally:
        server.drop_database("migrated")


def test_the_blog_has_its_rows(server, blog_on):
    """Related ones too, and the same on each."""
    with blog_on(server) as there:
        assert (User.objects.using(there).count(), Post.objects.using(there).count(), Comment.objects.using(there).count()) == (10, 20, 40)
        posts = Post.objects.using(there).select_related("author", "category").prefetch_related("comments").order_by("pk")
        assert [len(post.comments.all()) for post in posts] == [2] * 20
        assert posts[0].author.username == "user0002"
        assert posts[1].category.name == "Django"


def test_threads_and_the_event_loop_see_the_same_rows(server, blog_on):
    """Each with a connection of its own."""
    counts = []
    with blog_on(server) as there:
        threads = [threading.Thread(target=lambda: counts.append(Post.objects.using(there).count())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts.append(asyncio.run(sync_to_async(Post.objects.using(there).count)()))
    assert counts == [20] * 4


async def test_the_blog_is_there_in_an_async_test(server, blog_on):
    """Filling and closing happen outside the event loop, where Django allows it."""
    with blog_on(server) as there:
        assert await Post.objects.using(there).acount() == 20


def test_errors_many_statements_and_transactions_are_the_servers_own(server, blog_on):
    """A constraint is kept, `executemany` writes each row, and what is rolled back is gone."""
    with blog_on(server, fresh=True) as there:
        with pytest.raises(IntegrityError), transaction.atomic(using=there):
            User.objects.using(there).create(username="user0001", email="other@example.com")
        with pytest.raises(DatabaseError), connections[there].cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
        rows = [(f"name {number}", f"slug-{number}") for number in range(5)]
        with connections[there].cursor() as cursor:
            cursor.executemany("INSERT INTO blog_category (name, slug) VALUES (%s, %s)", rows)
            cursor.execute("SELECT count(*) FROM blog_category")
            assert cursor.fetchone() == (8,)
        Post.objects.using(there).create(title="t", content="c", author_id=1, category_id=1)
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=there):
            Comment.objects.using(there).all().delete()
            raise ZeroDivisionError
        assert (Post.objects.using(there).count(), Comment.objects.using(there).count()) == (21, 40)


def test_whoever_changes_the_shared_blog_is_told(server, blog_on):
    """And the next test has the rows that it expects."""
    with pytest.raises(AssertionError, match="fresh=True"), blog_on(server) as there:
        Post.objects.using(there).filter(pk=1).update(title="changed")
    with blog_on(server) as there:
        assert Post.objects.using(there).get(pk=1).title != "changed"
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=there):
            Post.objects.using(there).filter(pk=1).update(title="changed")
            raise ZeroDivisionError


def test_models_are_read_there_where_the_test_says_so(server, blog_on):
    """Rows stay with the database they came from."""
    with blog_on(server, routed=True) as there, blog_on("sqlite", name="other") as other:
        assert Post.objects.get(pk=1)._state.db == there
        assert Post.objects.using(other).get(pk=1).author._state.db == other


def test_nothing_is_left_behind(server, blog_on):
    """The alias is gone, and every connection is closed, also those of other threads and of a transaction that was left open."""
    opened = []

    def leave_open(there):
        transaction.atomic(using=there).__enter__()
        opened.append(connections[there])
        assert Post.objects.using(there).exists()

    with blog_on(server) as there:
        thread = threading.Thread(target=leave_open, args=[there])
        thread.start()
        thread.join()
        leave_open(there)
    assert there not in connections
    assert [connection.connection for connection in opened] == [None, None]


@pytest.mark.django_db
def test_the_blog_is_there_beside_the_default_database(server, blog_on):
    """The mark alone would refuse an alias that was not known when tests were collected."""
    with blog_on(server) as there:
        assert Post.objects.using(there).count() == 20
        assert Post.objects.count() == 0


def test_the_log_of_postgresql_can_be_read(postgres, django_db_blocker):
    """A statement that fails stands there."""
    with django_db_blocker.unblock(), alias("log", postgres.settings()) as there, pytest.raises(DatabaseError):
        Post.objects.using(there).raw("SELECT nothing_of_that_name")[0]
    assert "SELECT nothing_of_that_name" in postgres.log_text()
