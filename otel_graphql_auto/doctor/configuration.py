"""What is wrong with the settings of this package, and which of them do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from otel_graphql_auto import checks, settings
from otel_graphql_auto.finding import ERROR, INFO, OK, WARNING, Finding

__all__ = ["given_settings"]

_SUBJECT = "settings"


def given_settings() -> Iterator[Finding]:
    """A row for each that is wrong, idle or overridden; else one row that says how many were given."""
    problems, idle = settings.problems(), checks.idle()
    for problem in problems:
        yield Finding(ERROR, _SUBJECT, problem.message, problem.hint)
    for problem in idle:
        yield Finding(WARNING, _SUBJECT, problem.message, problem.hint)
    given = settings.given()
    yield from _overridden(given)
    if not problems and not idle:
        names = f": {', '.join(sorted(given))}" if given else ""
        yield Finding(OK, _SUBJECT, f"{len(given)} given{names}" if given else "none given: every default is in force")


def _overridden(given: dict[str, list[str]]) -> Iterator[Finding]:
    from django.conf import settings as django_settings

    declared = getattr(django_settings, settings.DJANGO_SETTING, {})
    values = settings.get()
    for key, places in given.items():
        if len(places) > 1 and declared[key] != getattr(values, key):
            yield Finding(INFO, _SUBJECT, f"{places[-1]} overrides {' and '.join(places[:-1])}")
