"""Everything that can be asked of the blog; the names say what is fast, what is not, and what fails."""

# graphene calls resolvers without an instance: their first argument is the parent value.
# ruff: noqa: N805

import asyncio
import time
from datetime import datetime, timezone

import graphene
from django.db.models import Count, Exists, OuterRef, Prefetch
from graphene import relay
from graphene_django import DjangoConnectionField
from graphql import GraphQLError

from blog.loaders import runs_in_event_loop
from blog.models import Category, Comment, Post, User
from blog.types import CategoryType, CommentType, PostType, UserType
from otel_graphql_auto.execution import traced

LONGEST_LIST = 1000
LONGEST_PAUSE_MS = 5000
"""Bounds of what a visitor may ask for: this is a demo, not a way to keep its threads busy."""


def bounded(limit: int) -> int:
    return min(max(limit, 0), LONGEST_LIST)


def pause_seconds(ms: int) -> float:
    return min(max(ms, 0), LONGEST_PAUSE_MS) / 1000


class Query(graphene.ObjectType):
    hello = graphene.String(required=True, name=graphene.String(default_value="world"))
    server_time = graphene.DateTime(required=True)

    node = relay.Node.Field()
    all_users = DjangoConnectionField(UserType, description="Relay connection, in the order of names.")
    all_categories = DjangoConnectionField(CategoryType)
    all_posts = DjangoConnectionField(PostType, description="Relay connection with authors and categories joined.")
    all_comments = DjangoConnectionField(CommentType)

    post = graphene.Field(
        PostType,
        number=graphene.Int(required=True),
        description="One post by its number, or null; marked with @traced, so that it always has a span.",
    )
    newest_users = graphene.List(graphene.NonNull(UserType), required=True, limit=graphene.Int(default_value=10))
    feed = graphene.List(
        graphene.NonNull(PostType),
        required=True,
        limit=graphene.Int(default_value=10),
        category=graphene.String(description="Slug of a category."),
        description="Published posts, newest first, with authors and categories joined.",
    )

    posts_naive = graphene.List(
        graphene.NonNull(PostType),
        required=True,
        limit=graphene.Int(default_value=20),
        description="Posts alone: each author, category and list of comments that is asked for costs a query of its own.",
    )
    posts_fast = graphene.List(
        graphene.NonNull(PostType),
        required=True,
        limit=graphene.Int(default_value=20),
        description="The same posts with authors and categories joined, comments and their authors prefetched: two queries in all.",
    )
    categories_naive = graphene.List(graphene.NonNull(CategoryType), required=True, description="Each postCount is a query.")
    categories_fast = graphene.List(graphene.NonNull(CategoryType), required=True, description="Each postCount comes with its row.")

    slow = graphene.String(required=True, ms=graphene.Int(default_value=300), description="Sleeps, 5 seconds at most.")
    quoted_posts = graphene.Int(
        required=True,
        up_to=graphene.Int(default_value=200),
        description="How many posts up to this number are quoted by title in another one: one query, which reads all texts for each of them.",
    )
    slow_async = graphene.String(required=True, ms=graphene.Int(default_value=300), description="Awaits under /graphql/async/.")
    posts_async = graphene.List(
        graphene.NonNull(PostType),
        required=True,
        limit=graphene.Int(default_value=20),
        description="Awaits the database under /graphql/async/.",
    )

    nested_operation = graphene.String(required=True, description="Runs another operation, `query Inner`, inside of this one.")

    unexpected_failure = graphene.String(description="Raises an exception that nobody planned for.")
    bad_user_input = graphene.String(description="Raises a GraphQLError with a code that says it is the client's fault.")

    def resolve_hello(root, info, name):
        return f"Hello, {name}!"

    def resolve_server_time(root, info):
        return datetime.now(tz=timezone.utc)

    def resolve_all_users(root, info, **page):
        return User.objects.order_by("last_name", "first_name", "pk")

    def resolve_all_categories(root, info, **page):
        return Category.objects.order_by("pk")

    def resolve_all_posts(root, info, **page):
        return Post.objects.select_related("author", "category").order_by("pk")

    def resolve_all_comments(root, info, **page):
        return Comment.objects.select_related("author", "post").order_by("pk")

    @traced
    def resolve_post(root, info, number):
        return Post.objects.select_related("author", "category").filter(pk=number).first()

    def resolve_newest_users(root, info, limit):
        return User.objects.filter(is_active=True).order_by("-date_joined")[: bounded(limit)]

    def resolve_feed(root, info, limit, category=None):
        posts = Post.objects.select_related("author", "category").filter(published=True).order_by("-created_at")
        if category is not None:
            # The category's key by itself, not a join: then its posts are read from their index in order.
            posts = posts.filter(category=Category.objects.filter(slug=category).values("pk")[:1])
        return posts[: bounded(limit)]

    def resolve_posts_naive(root, info, limit):
        return Post.objects.order_by("pk")[: bounded(limit)]

    def resolve_posts_fast(root, info, limit):
        comments = Comment.objects.select_related("author")
        return (Post.objects.select_related("author", "category").prefetch_related(Prefetch("comments", queryset=comments)).order_by("pk"))[
            : bounded(limit)
        ]

    def resolve_categories_naive(root, info):
        return Category.objects.order_by("name")

    def resolve_categories_fast(root, info):
        return Category.objects.annotate(counted_posts=Count("posts")).order_by("name")

    def resolve_slow(root, info, ms):
        time.sleep(pause_seconds(ms))
        return f"slept for {pause_seconds(ms) * 1000:.0f} ms"

    def resolve_quoted_posts(root, info, up_to):
        quoting = Post.objects.filter(content__contains=OuterRef("title")).exclude(pk=OuterRef("pk"))
        return Post.objects.filter(Exists(quoting), pk__lte=bounded(up_to)).count()

    def resolve_slow_async(root, info, ms):
        if not runs_in_event_loop():
            return Query.resolve_slow(root, info, ms)
        return pause(ms)

    def resolve_posts_async(root, info, limit):
        posts = Post.objects.select_related("author", "category").order_by("pk")[: bounded(limit)]
        return fetch(posts) if runs_in_event_loop() else posts

    def resolve_nested_operation(root, info):
        from blog.schema import schema  # which imports this module

        result = schema.execute('query Inner { hello(name: "from inside") }', context_value=info.context)
        return result.data["hello"].replace(", ", " ")

    def resolve_unexpected_failure(root, info):
        raise ConnectionError("The search index does not answer.")

    def resolve_bad_user_input(root, info):
        raise GraphQLError("The date of birth lies in the future.", extensions={"code": "BAD_USER_INPUT"})


async def pause(ms: int) -> str:
    await asyncio.sleep(pause_seconds(ms))
    return f"awaited for {pause_seconds(ms) * 1000:.0f} ms"


async def fetch(queryset) -> list:
    return [row async for row in queryset]
