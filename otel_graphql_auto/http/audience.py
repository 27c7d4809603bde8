"""Who gets to see how long things took: an answer's times tell an attacker something too."""

from __future__ import annotations

import asyncio
from typing import Any

from otel_graphql_auto.operation import current

__all__ = ["may_see", "nobody_sees"]


def nobody_sees(audience: str) -> bool:
    """Whether that is certain before it is known who asks."""
    return audience == "never" or (audience == "debug" and not _debug())


def may_see(audience: str, request: Any) -> bool:
    """Whether the sender of `request` belongs to the audience of RESPONSE_HEADERS or RESPONSE_EXTENSIONS.

    To be asked inside all middleware: loading the user may change the session. In an event loop only a user who is loaded already is
    known to be staff.
    """
    return audience == "always" or (audience != "never" and (_debug() or (audience == "staff" and _is_staff(request))))


def _debug() -> bool:
    from django.conf import settings

    return bool(settings.DEBUG)


def _is_staff(request: Any) -> bool:
    user = getattr(request, "_acached_user", None) or getattr(request, "user", None)
    if not _is_loaded(user) and asyncio._get_running_loop() is not None:
        return False
    token = current.set(None)  # whoever counts an operation's queries must not count ours
    try:
        return bool(getattr(user, "is_active", False) and getattr(user, "is_staff", False))
    except Exception:  # noqa: BLE001 - a broken transaction, a database that is gone: nobody is known to be staff then
        return False
    finally:
        current.reset(token)


def _is_loaded(user: Any) -> bool:
    from django.utils.functional import LazyObject, empty

    return not isinstance(user, LazyObject) or user._wrapped is not empty
