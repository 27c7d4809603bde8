"""DataLoaders: what many fields ask for one by one is fetched in one query for all of them, for the length of one request."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from aiodataloader import DataLoader
from django.http import HttpRequest
from graphql import GraphQLError

from blog.models import Comment, User


class Loaders:
    """Made where an event loop runs: under the async view."""

    def __init__(self) -> None:
        self.users = DataLoader(users_by_key)
        self.comments_of_post = DataLoader(comments_by_post)


def loaders_of(request: HttpRequest) -> Loaders:
    """Those of this request alone: a loader remembers what it has fetched, and another request may have to see something newer."""
    if not hasattr(request, "loaders"):
        request.loaders = Loaders()
    return request.loaders


async def users_by_key(keys: list[int]) -> list[User | None]:
    found = await User.objects.ain_bulk(keys)
    return [found.get(key) for key in keys]


async def comments_by_post(keys: list[int]) -> list[list[Comment]]:
    by_post = defaultdict(list)
    async for comment in Comment.objects.filter(post__in=keys):
        by_post[comment.post_id].append(comment)
    return [by_post[key] for key in keys]


def awaited(resolver: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """An async resolver that says so where nobody would await it: graphene-django's own view would answer with HTTP 500."""

    @wraps(resolver)
    def resolve(root: Any, info: Any, **arguments: Any) -> Awaitable[Any]:
        if not runs_in_event_loop():
            raise GraphQLError("A DataLoader needs an event loop: ask /graphql/async/.", extensions={"code": "BAD_USER_INPUT"})
        return resolver(root, info, **arguments)

    return resolve


def runs_in_event_loop() -> bool:
    """Under the async view a resolver may return an awaitable; under the sync view nobody would await it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
