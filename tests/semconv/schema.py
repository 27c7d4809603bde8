"""A schema with one field for each thing that telemetry has to tell: fast, slow, traced, failing, deprecated, streamed."""

import time

import graphene
from django.db import connection
from graphql import GraphQLError

from otel_graphql_auto.execution import traced

SLOW_SECONDS = 0.012
"""Longer than the 10 ms from which a resolver gets a span."""


def ask(sql):
    """What a database answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


class Item(graphene.ObjectType):
    number = graphene.Int()
    broken = graphene.String()
    sql = graphene.Int()

    @staticmethod
    def resolve_sql(root, info):
        return ask("SELECT 1 AS one")

    @staticmethod
    def resolve_broken(root, info):
        raise LookupError(f"no part for {root.number}")


class Query(graphene.ObjectType):
    hello = graphene.String()
    echo = graphene.String(text=graphene.String(required=True))
    slow = graphene.String()
    marked = graphene.String()
    fails = graphene.String()
    required_fails = graphene.NonNull(graphene.String)
    forbidden = graphene.String()
    old = graphene.String(deprecation_reason="hello says the same")
    items = graphene.List(Item, count=graphene.Int(required=True))
    nested = graphene.String()
    bad_sql = graphene.Int()

    @staticmethod
    def resolve_bad_sql(root, info):
        return ask("SELECT * FROM no_such_table")

    @staticmethod
    def resolve_hello(root, info):
        return "world"

    @staticmethod
    def resolve_echo(root, info, text):
        return text

    @staticmethod
    def resolve_slow(root, info):
        time.sleep(SLOW_SECONDS)
        return "at last"

    @staticmethod
    @traced
    def resolve_marked(root, info):
        return "seen"

    @staticmethod
    def resolve_fails(root, info):
        raise ValueError("the shelf is empty")

    @staticmethod
    def resolve_required_fails(root, info):
        raise KeyError("nothing to give")

    @staticmethod
    def resolve_forbidden(root, info):
        raise GraphQLError("not for you", extensions={"code": "FORBIDDEN"})

    @staticmethod
    def resolve_old(root, info):
        return "still here"

    @staticmethod
    def resolve_items(root, info, count):
        return [Item(number=number) for number in range(count)]

    @staticmethod
    def resolve_nested(root, info):
        return schema.execute("query Inner { hello }").data["hello"]


class Rename(graphene.Mutation):
    class Arguments:
        name = graphene.String(required=True)

    name = graphene.String()

    @staticmethod
    def mutate(root, info, name):
        return Rename(name=name.upper())


class Mutation(graphene.ObjectType):
    rename = Rename.Field()


class Subscription(graphene.ObjectType):
    numbers = graphene.Int(failing=graphene.Int())

    @staticmethod
    async def subscribe_numbers(root, info, failing=None):
        for number in range(3):
            yield number

    @staticmethod
    def resolve_numbers(root, info, failing=None):
        if root == failing:
            raise ArithmeticError(f"{root} does not add up")
        return root


class OtherQuery(graphene.ObjectType):
    hello = graphene.String()

    @staticmethod
    def resolve_hello(root, info):
        return "another world"


schema = graphene.Schema(query=Query, mutation=Mutation, subscription=Subscription)
other_schema = graphene.Schema(query=OtherQuery)
