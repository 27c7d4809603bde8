"""A schema whose fields run SQL in every way that an application does; `db` is the alias."""

# graphene calls resolvers without an instance: their first argument is the parent value.
import asyncio
import contextvars
import threading

import graphene
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from graphene_django import DjangoObjectType

from blog.models import Category, Comment, Post, User

DB = {"db": graphene.String(required=True)}


class Author(DjangoObjectType):
    class Meta:
        model = User
        name = "Author"
        skip_registry = True
        fields = ("username",)


class Remark(DjangoObjectType):
    class Meta:
        model = Comment
        name = "Remark"
        skip_registry = True
        fields = ("text",)


class Article(DjangoObjectType):
    """`author` by a default resolver, the others by resolvers of their own."""

    writer = graphene.String()
    remarks = graphene.List(Remark)
    latest_remarks = graphene.List(Remark)
    remark_count = graphene.Int()
    body = graphene.String()
    category_name = graphene.String()
    has_category = graphene.Boolean()
    later_author = graphene.Field(Author)
    author = graphene.Field(Author)

    class Meta:
        model = Post
        name = "Article"
        skip_registry = True
        fields = ("title",)

    def resolve_writer(root, info):
        return root.author.username

    def resolve_remarks(root, info):
        return root.comments.all()

    def resolve_latest_remarks(root, info):
        return root.comments.order_by("-pk")

    def resolve_remark_count(root, info):
        return root.comments.count()

    def resolve_body(root, info):
        return root.content

    def resolve_category_name(root, info):
        return Category.objects.using(root._state.db).get(pk=root.category_id).name

    def resolve_has_category(root, info):
        return Category.objects.using(root._state.db).filter(pk=root.category_id).exists()

    async def resolve_later_author(root, info):
        return await User.objects.using(root._state.db).aget(pk=root.author_id)


def posts(db):
    return Post.objects.using(db).order_by("pk")


class Query(graphene.ObjectType):
    hello = graphene.String(default_value="world")
    articles = graphene.List(Article, first=graphene.Int(default_value=10), **DB)
    joined = graphene.List(Article, first=graphene.Int(default_value=10), **DB)
    prefetched = graphene.List(Article, first=graphene.Int(default_value=10), **DB)
    deferred = graphene.List(Article, first=graphene.Int(default_value=10), **DB)
    articles_async = graphene.List(Article, first=graphene.Int(default_value=10), **DB)
    each = graphene.Int(times=graphene.Int(required=True), **DB)
    raw = graphene.Int(sql=graphene.List(graphene.String, required=True), **DB)
    many = graphene.Int(**DB)
    iterated = graphene.Int(**DB)
    in_transaction = graphene.Int(**DB)
    in_threads = graphene.Int(threads=graphene.Int(default_value=4), each=graphene.Int(default_value=25), **DB)
    in_pool = graphene.Int(threads=graphene.Int(default_value=4), **DB)
    new_connection = graphene.Int(**DB)
    nested = graphene.Int(**DB)
    nested_async = graphene.Int(**DB)
    twice = graphene.Int(**DB)

    def resolve_articles(root, info, db, first):
        return posts(db)[:first]

    def resolve_joined(root, info, db, first):
        return posts(db).select_related("author")[:first]

    def resolve_prefetched(root, info, db, first):
        return posts(db).prefetch_related("comments", "author")[:first]

    def resolve_deferred(root, info, db, first):
        return posts(db).defer("content")[:first]

    async def resolve_articles_async(root, info, db, first):
        return [post async for post in posts(db)[:first]]

    def resolve_each(root, info, db, times):
        for number in range(times):
            Post.objects.using(db).filter(pk=number).exists()
        return times

    def resolve_raw(root, info, db, sql):
        with connections[db].cursor() as cursor:
            for statement in sql:
                cursor.execute(statement)
        return len(sql)

    def resolve_many(root, info, db):
        with connections[db].cursor() as cursor:
            cursor.executemany("UPDATE blog_post SET title = title WHERE id = %s", [(number,) for number in range(7)])
        return 7

    def resolve_iterated(root, info, db):
        return sum(1 for _ in posts(db).iterator(chunk_size=7))

    def resolve_in_transaction(root, info, db):
        with transaction.atomic(using=db):
            found = posts(db).count()
            with transaction.atomic(using=db):
                found += posts(db).count()
            return found

    def resolve_in_threads(root, info, db, threads, each):
        def run():
            for number in range(each):
                Post.objects.using(db).filter(pk=number).exists()
            connections[db].close()

        started = [threading.Thread(target=contextvars.copy_context().run, args=(run,)) for _ in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        return threads * each

    async def resolve_in_pool(root, info, db, threads):
        def run():
            try:
                return posts(db).count()
            finally:
                connections[db].close()

        return sum(await asyncio.gather(*(sync_to_async(run, thread_sensitive=False)() for _ in range(threads))))

    def resolve_new_connection(root, info, db):
        connections[db].close()
        return posts(db).count()

    def resolve_nested(root, info, db):
        result = schema.execute("query Inner($db: String!) { articles(db: $db) { writer } }", variable_values={"db": db})
        return len(result.data["articles"]) + posts(db).count()

    async def resolve_nested_async(root, info, db):
        result = await schema.execute_async(
            "query Inner($db: String!) { articlesAsync(db: $db) { laterAuthor { username } } }", variable_values={"db": db}
        )
        return len(result.data["articlesAsync"]) + await posts(db).acount()

    def resolve_twice(root, info, db):
        return (
            Post.objects.using(db).filter(pk=1).count()
            + Post.objects.using(db).filter(pk=1).count()
            + Post.objects.using(db).filter(pk=2).count()
        )


class Rename(graphene.Mutation):
    class Arguments:
        db = graphene.String(required=True)

    renamed = graphene.Int()

    def mutate(root, info, db):
        return Rename(renamed=Post.objects.using(db).filter(pk=1).update(title="renamed"))


class Mutation(graphene.ObjectType):
    rename = Rename.Field()


class Subscription(graphene.ObjectType):
    titles = graphene.String(db=graphene.String(required=True), to=graphene.Int(default_value=3))

    async def subscribe_titles(root, info, db, to):
        for number in range(to):
            yield number + 1

    async def resolve_titles(root, info, db, to):
        return [post.title async for post in posts(db).filter(pk__lte=root)][-1]


schema = graphene.Schema(query=Query, mutation=Mutation, subscription=Subscription)


def run(document, **variables):
    """The data of an operation that must not fail."""
    result = schema.execute(document, variable_values=variables)
    assert not result.errors, result.errors
    return result.data
