"""What can be listened to: a countdown, and comments as they are written."""

# graphene calls resolvers without an instance: their first argument is the parent value.
# ruff: noqa: N805

import asyncio
import time

import graphene

from blog.models import Comment
from blog.types import CommentType

LONGEST_COUNTDOWN = 100
LONGEST_INTERVAL_SECONDS = 5.0
LONGEST_LISTENING_SECONDS = 60.0
POLL_SECONDS = 0.25


class Subscription(graphene.ObjectType):
    countdown = graphene.Int(
        required=True,
        from_=graphene.Int(name="from", default_value=3),
        interval=graphene.Float(default_value=0.2, description="Seconds between two numbers."),
        fail_at=graphene.Int(description="The event with this number fails."),
    )
    new_comments = graphene.Field(
        graphene.NonNull(CommentType),
        limit=graphene.Int(default_value=1, description="Ends after this many."),
        seconds=graphene.Float(default_value=10.0, description="Ends after this time."),
    )

    def resolve_countdown(number, info, from_, interval, fail_at=None):
        if number == fail_at:
            raise ConnectionError("The launch pad does not answer.")
        return number

    async def subscribe_countdown(root, info, from_, interval, fail_at=None):
        pause = min(max(interval, 0.0), LONGEST_INTERVAL_SECONDS)
        for number in range(min(from_, LONGEST_COUNTDOWN), -1, -1):
            yield number
            if number:
                await asyncio.sleep(pause)

    async def subscribe_new_comments(root, info, limit, seconds):
        """Asks the database four times a second: a message broker would be more than this demo needs."""
        end = time.monotonic() + min(seconds, LONGEST_LISTENING_SECONDS)
        newest = await Comment.objects.order_by("-pk").values_list("pk", flat=True).afirst() or 0
        while limit > 0 and time.monotonic() < end:
            async for comment in Comment.objects.filter(pk__gt=newest).select_related("author", "post").order_by("pk")[:limit]:
                newest = comment.pk
                limit -= 1
                yield comment
            await asyncio.sleep(POLL_SECONDS)
