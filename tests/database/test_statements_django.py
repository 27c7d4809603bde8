"""What is understood of the SQL that Django itself makes, with the demo's models on SQLite."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.models import Avg, Count, Exists, F, OuterRef, Q, Sum, Value, Window
from django.db.models.functions import Extract, Lower, RowNumber, Substr, TruncDay

from blog.models import Category, Comment, Post, User
from otel_graphql_auto.database.statements import understand

NOTHING = frozenset()


@pytest.fixture
def statements(db):
    """Run something and give what is understood of each statement that Django handed to the driver."""
    texts = []

    def collect(execute, sql, params, many, context):
        texts.append(sql)
        return execute(sql, params, many, context)

    def statements(work):
        texts.clear()
        with connection.execute_wrapper(collect):
            work()
        assert texts
        return [understand(sql, "sqlite") for sql in texts]

    return statements


def _fill():
    category = Category.objects.create(name="Science", slug="science")
    users = [User.objects.create(username=f"u{number}", email=f"u{number}@example.com") for number in range(3)]
    posts = [Post.objects.create(title=f"Post {number}", content="…", author=users[number % 3], category=category) for number in range(6)]
    Comment.objects.bulk_create(Comment(post=post, author=users[0], text="hunter2") for post in posts)


READS = [
    (lambda: Post.objects.all(), "SELECT blog_post"),
    (lambda: Post.objects.filter(author__username="hunter2", title__in=["a", "b"]), "SELECT blog_post blog_user"),
    (lambda: Post.objects.select_related("author", "category"), "SELECT blog_post blog_user blog_category"),
    (lambda: User.objects.annotate(n=Count("posts")).filter(n__gt=1), "SELECT blog_user blog_post"),
    (lambda: Post.objects.filter(Exists(Comment.objects.filter(post=OuterRef("pk")))), "SELECT blog_post SELECT blog_comment"),
    (lambda: Post.objects.filter(author__in=User.objects.filter(is_active=True)), "SELECT blog_post SELECT blog_user"),
    (lambda: Post.objects.values("pk").union(Comment.objects.order_by().values("pk")), "SELECT blog_post SELECT blog_comment"),
    (lambda: Post.objects.annotate(n=Window(RowNumber(), partition_by="author", order_by="pk")).filter(n=1), "SELECT SELECT blog_post"),
    (lambda: Post.objects.annotate(d=TruncDay("created_at"), y=Extract("created_at", "year")).values("d", "y"), "SELECT blog_post"),
    (lambda: Post.objects.annotate(s=Substr(Lower("title"), 1, 3)).exclude(Q(s="hun") | Q(s__contains="hunter2")), "SELECT blog_post"),
    (lambda: Post.objects.filter(title__iregex="hunter2").order_by("-pk")[2:4], "SELECT blog_post"),
    (lambda: Post.objects.extra(where=["title = 'hunter2'"]), "SELECT blog_post"),
    (lambda: Post.objects.annotate(v=Value("hunter2")).only("title"), "SELECT blog_post"),
    (lambda: Post.objects.raw("SELECT * FROM blog_post WHERE title = 'hunter2'"), "SELECT blog_post"),
]


@pytest.mark.parametrize(("queryset", "summary"), READS)
def test_queries_of_the_orm_are_reads_of_their_tables(statements, queryset, summary):
    """Each is one statement, says which tables, and shows no value."""
    _fill()
    (statement,) = statements(lambda: list(queryset()))
    assert statement.summary == summary
    assert statement.collection == next(word for word in summary.split() if word != "SELECT")
    assert statement.is_read
    assert statement.tables_written == NOTHING
    assert "hunter2" not in statement.text
    assert not set("'\"") & set(statement.text)


@pytest.mark.parametrize(
    ("work", "summary"),
    [
        (lambda: Post.objects.count(), "SELECT blog_post"),
        (lambda: Post.objects.filter(title="a").exists(), "SELECT blog_post"),
        (lambda: Post.objects.values("author").annotate(n=Count("pk")).aggregate(Avg("n"), Sum("n")), "SELECT SELECT blog_post"),
        (lambda: Post.objects.order_by("title").distinct().count(), "SELECT SELECT blog_post"),
        (lambda: Post.objects.first(), "SELECT blog_post"),
        (lambda: Post.objects.in_bulk(), "SELECT blog_post"),
    ],
)
def test_aggregates_and_questions_are_reads_too(statements, work, summary):
    """The table inside a subquery is the collection where there is no other."""
    (statement,) = statements(work)
    assert (statement.summary, statement.collection, statement.is_read) == (summary, "blog_post", True)


WRITES = [
    (lambda: Category.objects.create(name="a", slug="hunter2"), "INSERT", {"blog_category"}),
    (lambda: Category.objects.bulk_create([Category(name=str(n), slug=str(n)) for n in range(9)]), "INSERT", {"blog_category"}),
    (
        lambda: Category.objects.bulk_create(
            [Category(name="a", slug="science")], update_conflicts=True, update_fields=["name"], unique_fields=["slug"]
        ),
        "INSERT",
        {"blog_category"},
    ),
    (lambda: Post.objects.update(title="hunter2", content=F("title")), "UPDATE", {"blog_post"}),
    (lambda: Post.objects.filter(author__username="hunter2").update(published=True), "UPDATE", {"blog_post"}),
    (lambda: Comment.objects.filter(post__title="hunter2")._raw_delete("default"), "DELETE", {"blog_comment"}),
]


@pytest.mark.parametrize(("work", "operation", "written"), WRITES)
def test_writes_of_the_orm_name_their_table(statements, work, operation, written):
    """And are no reads, whatever they read on the way."""
    _fill()
    found = [statement for statement in statements(work) if statement.tables_written]
    assert {statement.operation for statement in found} == {operation}
    assert set().union(*(statement.tables_written for statement in found)) == written
    assert not any(statement.is_read for statement in found)
    assert "hunter2" not in "".join(statement.text for statement in found)


def test_prefetching_more_or_less_is_one_shape(statements):
    """The IN list of a prefetch is as long as the page."""
    _fill()
    fingerprints = {
        statements(lambda: list(Post.objects.order_by("pk").prefetch_related("comments")[:number]))[1].fingerprint  # noqa: B023
        for number in (1, 2, 6)
    }
    assert len(fingerprints) == 1


def test_bulk_writes_of_any_size_are_one_shape(statements):
    """`bulk_create` makes a row of VALUES for each, `bulk_update` a branch of a CASE."""
    _fill()
    posts = list(Post.objects.all())
    created, updated = set(), set()
    for number in (1, 2, 6):
        rows = [Category(name=f"n{number}-{row}", slug=f"s{number}-{row}") for row in range(number)]
        created |= {s.fingerprint for s in statements(lambda: Category.objects.bulk_create(rows)) if s.operation == "INSERT"}  # noqa: B023
        changed = statements(lambda: Post.objects.bulk_update(posts[:number], ["title", "published"]))  # noqa: B023
        updated |= {s.fingerprint for s in changed if s.operation == "UPDATE"}
    assert len(created) == 1
    assert len(updated) == 1


def test_a_cascade_writes_each_table_that_it_empties(statements):
    """Deleting a user takes posts and comments along."""
    _fill()
    found = statements(lambda: User.objects.get(username="u0").delete())
    assert {"blog_user", "blog_post", "blog_comment"} <= set().union(*(statement.tables_written for statement in found))


def test_savepoints_have_no_names_and_write_nothing(statements):
    """Django makes the names up from the thread and a count."""

    def work():
        for _ in range(2):
            with transaction.atomic():
                Category.objects.count()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            raise ZeroDivisionError

    found = [statement for statement in statements(work) if not statement.is_read]
    assert {statement.text for statement in found} == {"SAVEPOINT ?", "RELEASE SAVEPOINT ?", "ROLLBACK TO SAVEPOINT ?"}
    assert {statement.tables_written for statement in found} == {NOTHING}


def test_a_change_of_the_schema_may_change_any_table(statements):
    """What DDL writes is not told, so that nobody relies on it."""

    def work():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE extra (a int)")
            cursor.execute("DROP TABLE extra")

    assert [(s.summary, s.tables_written) for s in statements(work)] == [("CREATE extra", None), ("DROP extra", None)]
