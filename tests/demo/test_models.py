"""The models have the indexes that their queries use, and no other."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

from blog.models import Category, Comment, Post, User
from blog.queries import Query

pytestmark = pytest.mark.django_db

MODELS = [User, Category, Post, Comment]


def indexed(model):
    """The columns of every whole index that Django makes for a model, in order, without their direction."""
    options = model._meta
    found = [(field.name,) for field in options.local_fields if field.unique or field.db_index]
    found += [tuple(name.lstrip("-") for name in index.fields) for index in options.indexes if index.condition is None]
    found += [tuple(names) for names in options.unique_together]
    found += [tuple(each.fields) for each in options.constraints if isinstance(each, models.UniqueConstraint) and each.condition is None]
    return found


def partial(model):
    return [(str(index.condition), *index.fields) for index in model._meta.indexes if index.condition is not None]


def redundant(indexes):
    """Pairs of which the first is the second, or its beginning, and so answers nothing that the second does not."""
    return [
        (shorter, longer)
        for position, shorter in enumerate(indexes)
        for other, longer in enumerate(indexes)
        if position != other and longer[: len(shorter)] == shorter
    ]


@pytest.mark.parametrize(
    ("indexes", "count"),
    [
        ([("id",), ("author", "published"), ("published",)], 0),
        ([("title",), ("title",)], 2),
        ([("author",), ("author", "published")], 1),
        ([("published", "author"), ("author", "published")], 0),
    ],
)
def test_redundancy_is_found(indexes, count):
    assert len(redundant(indexes)) == count


def test_the_models_are_these():
    assert set(apps.get_app_config("blog").get_models()) == set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_no_index_repeats_another(model):
    indexes = indexed(model)
    assert ("id",) in indexes
    assert redundant(indexes) == []
    assert redundant(partial(model)) == []


@pytest.mark.parametrize(("model", "count"), [(User, 5), (Category, 3), (Post, 4), (Comment, 3)])
def test_the_database_has_as_many_indexes_as_the_model_says(model, count):
    """Counted where they cost something; the pattern indexes that PostgreSQL adds for LIKE are Django's own."""
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
    real = {
        tuple(each["columns"])
        for name, each in constraints.items()
        if (each["index"] or each["unique"] or each["primary_key"]) and not name.endswith("_like")
    }
    assert len(real) == count == len(indexed(model)) + len(partial(model))


@pytest.mark.parametrize("model", MODELS)
def test_every_foreign_key_leads_an_index(model):
    """A cascade reads the rows of one parent: without an index, all rows."""
    leading = {columns[0] for columns in indexed(model)}
    assert {field.name for field in model._meta.local_fields if field.is_relation} <= leading


@pytest.mark.parametrize("model", MODELS)
def test_every_foreign_key_has_a_name_for_the_way_back(model):
    keys = [field for field in model._meta.local_fields if field.is_relation]
    assert all(field.remote_field.related_name for field in keys)


@pytest.mark.parametrize(
    ("make_queryset", "index"),
    [
        (lambda: Query.resolve_all_users(None, None), "user_name_idx"),
        (lambda: Query.resolve_newest_users(None, None, limit=3), "user_newest_active_idx"),
        (lambda: Query.resolve_feed(None, None, limit=3), "post_published_newest_idx"),
        (lambda: Query.resolve_feed(None, None, limit=3, category="graphql"), "post_category_newest_idx"),
        (lambda: User.objects.first().posts.filter(published=True), "post_author_published_idx"),
        (lambda: Post.objects.first().comments.all(), "comment_post_oldest_idx"),
        (lambda: User.objects.first().comments.all(), "blog_comment_author_id"),
    ],
)
def test_each_index_serves_the_query_it_is_there_for(blog, make_queryset, index):
    if connection.vendor != "sqlite":
        pytest.skip("reads SQLite's plans; with six users PostgreSQL rightly scans the table")
    queryset = make_queryset()
    assert list(queryset)
    plan = queryset.explain()
    assert index in plan
    # The order comes out of the index too, except where a user's comments are put in order.
    assert ("TEMP B-TREE" in plan) == (index == "blog_comment_author_id")


def test_migrations_are_complete():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
