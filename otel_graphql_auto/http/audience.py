"""Who gets to see how long things took: an answer's times tell an attacker something too."""

from __future__ import annotations

import asyncio
from typing import Any

from asgiref.sync import sync_to_async

from otel_graphql_auto.operation import current

__all__ = ["may_see", "may_see_async", "nobody_sees"]


def nobody_sees(audience: str) -> bool:
    """Whether that is certain before it is known who asks."""
    return audience == "never" or (audience == "debug" and not _debug())


def may_see(audience: str, request: Any) -> bool:
    """Whether the sender of `request` belongs to the audience of RESPONSE_HEADERS or RESPONSE_EXTENSIONS.

    In an event loop only a user that is already loaded is known to be staff.
    """
    return audience == "always" or (audience != "never" and (_debug() or (audience == "staff" and _is_staff(request))))


async def may_see_async(audience: str, request: Any) -> bool:
    """The same in an event loop, after the answer is made: a user who has not been loaded yet is loaded."""
    if may_see(audience, request):
        return True
    return audience == "staff" and _user(request) is None and await sync_to_async(_is_staff)(request)


def _debug() -> bool:
    from django.conf import settings

    return bool(settings.DEBUG)


def _is_staff(request: Any) -> bool:
    user = _user(request)
    return bool(getattr(user, "is_active", False) and getattr(user, "is_staff", False))


def _user(request: Any) -> Any:
    """The request's user, None where nobody knows or where finding out would block an event loop."""
    from django.utils.functional import LazyObject, empty

    user = getattr(request, "_acached_user", None) or getattr(request, "user", None)
    if not isinstance(user, LazyObject) or user._wrapped is not empty:
        return user
    if asyncio._get_running_loop() is not None:
        return None
    token = current.set(None)  # whoever counts an operation's queries must not count ours
    try:
        bool(user.is_active)
    finally:
        current.reset(token)
    return user
