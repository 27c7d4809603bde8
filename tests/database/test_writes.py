"""Writes are noticed wherever they happen: what the response cache will need to forget what has changed."""

import pytest
from django.db import connections, transaction

from blog.models import Category
from otel_graphql_auto.instrumentor import GraphQLInstrumentor
from otel_graphql_auto.room import Room
from tests.database.schema import schema


class Listener(Room):
    """A room that keeps what it hears."""

    name = "listener"
    telemetry = False

    def __init__(self):
        self.heard = []

    def tables_written(self, alias, tables):
        self.heard.append((alias, tables))


@pytest.fixture
def listener(seen):
    room = Listener()
    GraphQLInstrumentor().add_room(room)
    return room


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def db(request, blog_on):
    server = "sqlite" if request.param == "sqlite" else request.getfixturevalue(request.param)
    with blog_on(server, fresh=True) as alias:
        connections[alias].ensure_connection()
        yield alias


def test_writes_outside_of_operations_are_noticed(listener, db):
    """Admin, commands, workers."""
    category = Category.objects.using(db).create(name="new", slug="new")
    category.name = "newer"
    category.save()
    Category.objects.using(db).bulk_create([Category(name=f"c{number}", slug=f"c{number}") for number in range(3)])
    Category.objects.using(db).filter(slug="c1").update(name="x")
    Category.objects.using(db).filter(slug="c2").delete()
    written = [tables for alias, tables in listener.heard if alias == db]
    assert len(written) >= 5
    assert all("blog_category" in tables or "blog_post" in tables for tables in written)


def test_writes_inside_of_operations_are_noticed_too(listener, db):
    result = schema.execute("mutation M($db: String!) { rename(db: $db) { renamed } }", variable_values={"db": db})
    assert result.data == {"rename": {"renamed": 1}}
    assert listener.heard == [(db, frozenset({"blog_post"}))]


def test_reads_are_no_writes(listener, db):
    """Nor are savepoints."""
    with transaction.atomic(using=db), transaction.atomic(using=db):
        assert Category.objects.using(db).count() == 3
    result = schema.execute("query Q($db: String!) { articles(db: $db) { writer } }", variable_values={"db": db})
    assert len(result.data["articles"]) == 10
    assert listener.heard == []


def test_a_write_whose_tables_cannot_be_told_is_noticed(listener, db):
    """DDL may change anything."""
    with connections[db].cursor() as cursor:
        cursor.execute("CREATE TABLE another (id INTEGER)")
    assert listener.heard == [(db, None)]


def test_a_write_that_fails_is_noticed(listener, db):
    """Some databases have written a part of it by then."""
    from django.db import IntegrityError

    with pytest.raises(IntegrityError), transaction.atomic(using=db):
        Category.objects.using(db).create(name="a", slug=Category.objects.using(db).first().slug)
    assert (db, frozenset({"blog_category"})) in listener.heard


def test_nobody_listens_and_nothing_is_looked_at(seen, db, monkeypatch):
    """Then a statement outside of an operation costs a look at a variable."""
    from otel_graphql_auto.database import capture

    def unexpected(*_):
        raise AssertionError("nobody wants to know")

    monkeypatch.setattr(capture, "understand", unexpected)
    assert Category.objects.using(db).create(name="new", slug="new").pk


def test_the_notice_stays_on_while_telemetry_is_off(listener, db, configure):
    """A component that the application relies on hears of writes under PERFORMANCE_MONITORING = False as well."""
    configure(PERFORMANCE_MONITORING=False)
    Category.objects.using(db).filter(slug="x").update(name="y")
    assert listener.heard == [(db, frozenset({"blog_category"}))]
