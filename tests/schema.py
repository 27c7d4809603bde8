"""The schema of the in-process tests: one field for each thing that can happen."""

import asyncio
import threading
import time

import graphene
from graphql import GraphQLError

from otel_graphql_auto import current_operation
from otel_graphql_auto.execution import traced


class Named(graphene.Interface):
    label = graphene.String()


class Item(graphene.ObjectType):
    class Meta:
        interfaces = (Named,)

    number = graphene.Int()
    square = graphene.Int()
    broken = graphene.String()
    children = graphene.List(lambda: Item)

    def resolve_square(self, info):
        return self.number**2

    def resolve_broken(self, info):
        raise LookupError(f"item {self.number}")

    def resolve_children(self, info):
        return [Item(number=self.number * 10 + index) for index in range(2)]


class Query(graphene.ObjectType):
    hello = graphene.String(default_value="world")
    echo = graphene.String(text=graphene.String(), secret_token=graphene.String())
    old = graphene.String(deprecation_reason="use hello", default_value="old")
    slow = graphene.String(ms=graphene.Int(default_value=30))
    failing = graphene.String()
    required = graphene.NonNull(graphene.String)
    refused = graphene.String(code=graphene.String(default_value="BAD_USER_INPUT"))
    items = graphene.List(Item, count=graphene.Int(default_value=3))
    named = graphene.List(Named)
    marked = graphene.String()
    inner = graphene.String(query=graphene.String(default_value="query Inner { hello }"))
    who = graphene.String()
    thread_who = graphene.String()
    later = graphene.String(ms=graphene.Int(default_value=5))
    later_failing = graphene.String()

    def resolve_echo(self, info, text=None, secret_token=None):
        return text

    def resolve_slow(self, info, ms):
        time.sleep(ms / 1000)
        return "slow"

    def resolve_failing(self, info):
        raise ValueError("something is wrong")

    def resolve_required(self, info):
        return None

    def resolve_refused(self, info, code):
        raise GraphQLError("refused", extensions={"code": code})

    def resolve_items(self, info, count):
        return [Item(number=number) for number in range(count)]

    def resolve_named(self, info):
        return [Item(number=1)]

    @traced
    def resolve_marked(self, info):
        return "marked"

    def resolve_inner(self, info, query):
        result = schema.execute(query)
        return str(result.data)

    def resolve_who(self, info):
        return current_operation().name

    def resolve_thread_who(self, info):
        import contextvars

        found = []
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: found.append(context.run(current_operation)))
        thread.start()
        thread.join()
        return found[0].name

    async def resolve_later(self, info, ms):
        await asyncio.sleep(ms / 1000)
        operation = current_operation()
        return (operation and operation.name) or "later"

    async def resolve_later_failing(self, info):
        await asyncio.sleep(0.001)
        raise ValueError("too late")


class Touch(graphene.Mutation):
    class Arguments:
        times = graphene.Int()

    touched = graphene.Int()

    def mutate(self, info, times):
        return Touch(touched=times)


class Mutation(graphene.ObjectType):
    touch = Touch.Field()


class Subscription(graphene.ObjectType):
    count = graphene.Int(to=graphene.Int(default_value=3))
    fragile = graphene.Int()

    async def subscribe_count(self, info, to):
        for number in range(to):
            yield number

    async def subscribe_fragile(self, info):
        yield 1
        yield 2

    def resolve_fragile(self, info):
        if self == 2:
            raise ValueError("the second event breaks")
        return self


schema = graphene.Schema(Query, Mutation, Subscription, types=[Item])
