"""What `manage.py check` says of GRAPHQL_AUTO: wrong settings are errors, settings that do nothing are warnings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core import checks

from otel_graphql_auto import settings
from otel_graphql_auto.http.middleware import is_listed
from otel_graphql_auto.settings import Problem

__all__ = ["check_settings", "idle"]


_OTHER_ENGINES = tuple(f"django.db.backends.{name}" for name in ("sqlite3", "mysql", "oracle", "dummy"))


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """One message for each problem, whether it stands in Django's settings or in the environment."""
    wrong = [checks.Error(problem.message, hint=problem.hint, id=f"otel_graphql_auto.{problem.code}") for problem in settings.problems()]
    return wrong + [checks.Warning(problem.message, hint=problem.hint, id=f"otel_graphql_auto.{problem.code}") for problem in idle()]


def idle() -> list[Problem]:
    """Settings that are right one by one and do nothing together."""
    values = settings.get()
    return [
        *_of_rooms_that_are_off(values),
        *_without_a_manifest(values),
        *_without_users(values),
        *_without_readers(values),
        *_without_postgresql(values),
    ]


def _of_rooms_that_are_off(values: settings.Settings) -> Iterator[Problem]:
    given = settings.given()
    if not values.PERFORMANCE_MONITORING:
        keys = [key for key in given if settings.room_of(key) in settings.ROOMS or key == "DISABLED"]
        if keys:
            yield Problem("W001", f"PERFORMANCE_MONITORING is False, so that {_does_nothing(keys)}.", "Switch it on, or leave these out.")
        return
    for room in values.DISABLED:
        keys = [key for key in given if settings.room_of(key) == room]
        if keys:
            yield Problem(
                "W001", f"DISABLED names {room!r}, so that {_does_nothing(keys)}.", "Take it out of DISABLED, or leave these out."
            )


def _without_a_manifest(values: settings.Settings) -> Iterator[Problem]:
    if values.SPAN_NAMES == "type_and_name" and values.OPERATION_MANIFEST is None:
        hint = "It names the spans of declared operations only: declare them in OPERATION_MANIFEST."
        yield Problem("W002", "SPAN_NAMES is 'type_and_name', which does nothing without OPERATION_MANIFEST.", hint)


def _without_users(values: settings.Settings) -> Iterator[Problem]:
    if apps.is_installed("django.contrib.auth"):
        return
    for key in ("RESPONSE_HEADERS", "RESPONSE_EXTENSIONS"):
        if getattr(values, key) == "staff" and not django_settings.DEBUG:
            yield Problem("W003", f"{key} is 'staff', and nobody can be staff.", "Install django.contrib.auth, or choose another audience.")
    if values.CAPTURE_USER:
        yield Problem("W003", "CAPTURE_USER is True, and there are no users.", "Install django.contrib.auth, or leave it out.")


def _without_readers(values: settings.Settings) -> Iterator[Problem]:
    if values.RESPONSE_HEADERS != "never":
        return
    try:
        listed = is_listed(django_settings.MIDDLEWARE)
    except Exception:  # noqa: BLE001 - importing runs whatever a module does; Django says so when it serves
        return
    if listed:
        hint = "Take it out of MIDDLEWARE, or choose another audience."
        yield Problem("W004", "RESPONSE_HEADERS is 'never', so that the PerformanceMiddleware in MIDDLEWARE does nothing.", hint)


def _without_postgresql(values: settings.Settings) -> Iterator[Problem]:
    engines = [str(database.get("ENGINE", "")) for database in django_settings.DATABASES.values()]
    # A backend of somebody else's may be PostgreSQL by any name.
    if values.EXPLAIN_SLOW_SQL and engines and all(engine.startswith(_OTHER_ENGINES) for engine in engines):
        hint = "Only PostgreSQL is asked for plans: leave it out."
        yield Problem("W005", "EXPLAIN_SLOW_SQL is True, and no database is PostgreSQL.", hint)


def _does_nothing(keys: list[str]) -> str:
    return f"{', '.join(keys)} {'does' if len(keys) == 1 else 'do'} nothing"
