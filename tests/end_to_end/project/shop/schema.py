"""GraphQL schema of the shop: fields that answer, fail, wait, recurse and write."""

import asyncio
import os
import time

import graphene
from django.conf import settings
from graphene_django import DjangoObjectType
from graphql import GraphQLError

from shop.models import Article

BALLAST = []
"""Memory that one process keeps, so that its size tells it from its parent."""


def free_frames(level=0):
    """How many more calls the interpreter's stack takes from here."""
    try:
        return free_frames(level + 1)
    except RecursionError:
        return level


class ArticleType(DjangoObjectType):
    """An article."""

    class Meta:
        model = Article
        fields = ("id", "name")


class Node(graphene.ObjectType):
    """An object as deep as somebody asks for."""

    name = graphene.String()
    child = graphene.Field(lambda: Node)
    free_frames = graphene.Int()

    def resolve_name(root, info):
        return "node"

    def resolve_child(root, info):
        return Node()

    def resolve_free_frames(root, info):
        return free_frames()


class Query(graphene.ObjectType):
    """Everything that can be read."""

    hello = graphene.String(name=graphene.String(default_value="world"))
    marker = graphene.String()
    installed_apps = graphene.Int()
    process = graphene.Int()
    articles = graphene.List(graphene.NonNull(ArticleType))
    failing = graphene.String()
    forbidden = graphene.String()
    slow = graphene.String(milliseconds=graphene.Int(default_value=30))
    later = graphene.String(label=graphene.String(required=True), milliseconds=graphene.Int(default_value=30))
    node = graphene.Field(Node)
    length = graphene.Int(text=graphene.String(required=True))
    ballast = graphene.Int(megabytes=graphene.Int(required=True))

    def resolve_hello(root, info, name):
        return f"hello {name}"

    def resolve_marker(root, info):
        return settings.SHOP_MARKER

    def resolve_installed_apps(root, info):
        return len(settings.INSTALLED_APPS)

    def resolve_process(root, info):
        return os.getpid()

    def resolve_articles(root, info):
        return Article.objects.order_by("id")

    def resolve_failing(root, info):
        raise ValueError("this field always fails")

    def resolve_forbidden(root, info):
        raise GraphQLError("not for you", extensions={"code": "FORBIDDEN"})

    def resolve_slow(root, info, milliseconds):
        time.sleep(milliseconds / 1000)
        return "slow"

    async def resolve_later(root, info, label, milliseconds):
        await asyncio.sleep(milliseconds / 1000)
        return label

    def resolve_node(root, info):
        return Node()

    def resolve_length(root, info, text):
        return len(text)

    def resolve_ballast(root, info, megabytes):
        BALLAST.append(b"x" * (megabytes << 20))
        return os.getpid()


class AddArticle(graphene.Mutation):
    """Writes one article."""

    class Arguments:
        name = graphene.String(required=True)

    article = graphene.Field(ArticleType)

    def mutate(root, info, name):
        return AddArticle(article=Article.objects.create(name=name))


class Mutation(graphene.ObjectType):
    """Everything that can be written."""

    add_article = AddArticle.Field()


schema = graphene.Schema(query=Query, mutation=Mutation)
