"""Every setting of this package: its default, its type, what it means, and where its value comes from.

The environment (`OTEL_PYTHON_GRAPHQL_AUTO_<KEY>`) beats Django's `GRAPHQL_AUTO` dict, which beats the default. Values are read when
they are first needed and again after `override_settings`; a wrong value never raises here: its default is used and `problems()` says so.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from otel_graphql_auto._kinds import (
    AUDIENCE,
    BOOL,
    COUNT,
    HEALTH_PATHS,
    IMPORT,
    MILLISECONDS,
    PATH,
    SEVERAL,
    THRESHOLDS,
    Kind,
    file_complaint,
    import_complaint,
    list_of,
    one_of,
    shown,
)

__all__ = [
    "DJANGO_SETTING",
    "ENVIRONMENT_PREFIX",
    "ROOMS",
    "Problem",
    "Settings",
    "get",
    "given",
    "off_reload",
    "on_reload",
    "problems",
    "refresh",
    "reload",
    "room_of",
    "sdk_is_disabled",
    "strict",
]

DJANGO_SETTING = "GRAPHQL_AUTO"
ENVIRONMENT_PREFIX = "OTEL_PYTHON_GRAPHQL_AUTO_"
STRICT = "STRICT"
"""Environment only, for tests: errors that this package would swallow are raised."""

ROOMS = ("execution", "database", "http")
"""The names that DISABLED takes."""

_logger = logging.getLogger("otel_graphql_auto")


class Problem(NamedTuple):
    """One thing that is wrong with the settings, in words for the person who wrote them."""

    code: str
    message: str
    hint: str


def _setting(kind: Kind, default: Any, room: str, meaning: str) -> Any:
    metadata = {"kind": kind, "room": room, "meaning": meaning}
    if isinstance(default, dict | list):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """The values in force. Field metadata holds the kind, the room that reads it and the meaning."""

    PERFORMANCE_MONITORING: bool = _setting(BOOL, True, "all", "False: no telemetry of ours and no cost; upstream's HTTP span stays.")
    DISABLED: list[str] = _setting(list_of(ROOMS), [], "all", "Rooms to switch off.")
    SLOW_QUERY_THRESHOLD: float = _setting(
        MILLISECONDS, 1000, "execution", "An operation that takes longer is slow: span attribute, event, counter, one log line."
    )
    SLOW_QUERY_THRESHOLDS: Mapping[str, float] = _setting(
        THRESHOLDS, {}, "execution", "Thresholds of single operations, by operation name."
    )
    ERROR_CLASSIFIER: Any = _setting(IMPORT, None, "execution", "`classify(error)` returns whose fault an error is: 'client' or 'server'.")
    REQUEST_HOOK: Any = _setting(
        IMPORT, None, "execution", "`hook(operation, request)` runs when the operation is known; may add attributes."
    )
    RESPONSE_HOOK: Any = _setting(IMPORT, None, "execution", "`hook(operation, result)` runs when it has ended, before its span does.")
    SPAN_KIND: str = _setting(one_of("internal", "server"), "internal", "execution", "The draft's span kind, or that of released versions.")
    SPAN_NAMES: str = _setting(
        one_of("type", "type_and_name"), "type", "execution", "'type_and_name' names the spans of declared operations `{type} {name}`."
    )
    PHASE_SPANS: str = _setting(
        one_of("slow", "always", "never"), "slow", "execution", "Which phases get a span: failed or 1 ms and more, all, none."
    )
    FIELD_SPANS: str = _setting(
        one_of("slow", "selected", "never"),
        "slow",
        "execution",
        "Which resolvers get a span: `@traced` ones and those that failed or took 10 ms and more, only `@traced` ones, none.",
    )
    CAPTURE_DOCUMENT: str = _setting(
        one_of("never", "redacted", "full"), "never", "execution", "The document's text on the operation span; redacted: without literals."
    )
    CAPTURE_VARIABLES: bool = _setting(BOOL, False, "execution", "Variables on the operation span, as JSON, secrets redacted by name.")
    CAPTURE_USER: bool = _setting(BOOL, False, "execution", "The id of the authenticated user on the operation span.")
    OPERATION_NAMES_LIMIT: int = _setting(COUNT, 200, "execution", "Operation names that may become metric attributes, per process.")
    OPERATION_MANIFEST: str | None = _setting(
        PATH, None, "execution", "A JSON file of declared operations, `{hash: {name, document}}`: their names are admitted at once."
    )
    SLOW_SQL_THRESHOLD: float = _setting(
        MILLISECONDS, 100, "database", "A SQL statement that takes longer is slow: marked on its span, counted."
    )
    N_PLUS_ONE_THRESHOLD: int = _setting(
        SEVERAL, 5, "database", "So many times one field must run the same statement in one operation to be reported as N+1."
    )
    SQL_SPANS_PER_FIELD: int = _setting(
        COUNT, 10, "database", "Statements of one shape and field that get a span each; further ones share one span."
    )
    SQL_COMMENTS: bool = _setting(
        BOOL, False, "database", "A comment with the trace id in each statement, and `application_name` on PostgreSQL connections."
    )
    EXPLAIN_SLOW_SQL: bool = _setting(
        BOOL, False, "database", "Now and then the plan of a slow SELECT on PostgreSQL, asked for on a connection of its own."
    )
    RESPONSE_HEADERS: str = _setting(
        AUDIENCE,
        "debug",
        "http",
        "Who gets `Server-Timing` and the `X-GraphQL-` headers: all while DEBUG is on, staff (and all while DEBUG is on), all, nobody.",
    )
    RESPONSE_EXTENSIONS: str = _setting(AUDIENCE, "never", "http", "Who gets `extensions.performance` in answers to POST; as above.")
    HEALTH_PATHS: Mapping[str, str] | None = _setting(
        HEALTH_PATHS, None, "health", '`{"live": path, "ready": path}`: answered before host checks, middleware and telemetry.'
    )


_FIELDS = {item.name: item for item in fields(Settings)}
_current: Settings | None = None
_before_django = False
"""The current values were read before Django had settings, and have to be read again once it has."""
_listeners: list[Callable[[], None]] = []


def get() -> Settings:
    """The settings in force."""
    global _current, _before_django
    refresh()
    current = _current
    if current is None:
        values, found = _read()
        for problem in found:
            _logger.warning("%s (%s)", problem.message, problem.hint)
        current = _current = Settings(**values)
        _before_django = not _django_is_configured()
    return current


def refresh() -> None:
    """Forget what was read before Django had settings, once it has."""
    if _before_django and _django_is_configured():
        reload()


def reload(**_: object) -> None:
    """Forget what was read, so that the next look reads again. Also the receiver of Django's `setting_changed`."""
    global _current, _before_django
    _current, _before_django = None, False
    for listener in _listeners:
        listener()


def on_reload(listener: Callable[[], None]) -> None:
    """Call `listener()` whenever the settings may have changed."""
    _listeners.append(listener)


def off_reload(listener: Callable[[], None]) -> None:
    """Take `listener` back."""
    if listener in _listeners:
        _listeners.remove(listener)


def strict() -> bool:
    """Whether errors that would be swallowed shall raise."""
    return os.environ.get(ENVIRONMENT_PREFIX + STRICT, "").strip().lower() in ("1", "true")


def sdk_is_disabled() -> bool:
    """Whether `OTEL_SDK_DISABLED` switches all telemetry off."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def problems() -> list[Problem]:
    """What is wrong with the settings now, for `manage.py check`."""
    values, found = _read()
    found.extend(_useless(values))
    return found


def given() -> dict[str, list[str]]:
    """Where each setting was given: the places in words, the one that counts last."""
    places: dict[str, list[str]] = {}
    for place, key, _, _ in _given([]):
        places.setdefault(key, []).append(place)
    return places


def room_of(key: str) -> str:
    """The room that reads a setting; `all` and `health` are none that can be switched off."""
    return str(_FIELDS[key].metadata["room"])


def _read() -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    found: list[Problem] = []
    for source, key, raw, parse in _given(found):
        kind: Kind = _FIELDS[key].metadata["kind"]
        try:
            value = kind.parse(raw) if parse else raw
            accepted = kind.accepts(value)
        except (ValueError, KeyError, TypeError):
            value, accepted = raw, False
        if accepted:
            values[key] = value
        else:
            found.append(
                Problem("E002", f"{source} is {shown(value)}: it must be {kind.words}.", f"The default is used: {_default(key)!r}.")
            )
    return values, found


def _given(found: list[Problem]) -> Iterator[tuple[str, str, Any, bool]]:
    """Each value that somebody set, weakest source first: where it stands, its key, the raw value, whether it must be parsed."""
    declared = _django_dict()
    if not isinstance(declared, Mapping):
        found.append(Problem("E001", f"{DJANGO_SETTING} must be a dict, not {shown(declared)}.", "It is ignored."))
        declared = {}
    for key, value in declared.items():
        if key in _FIELDS:
            yield f"{DJANGO_SETTING}[{key!r}]", key, value, False
        else:
            found.append(_unknown(f"{DJANGO_SETTING}[{key!r}]", str(key)))
    for variable, text in os.environ.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        key = variable.removeprefix(ENVIRONMENT_PREFIX)
        if key in _FIELDS:
            yield variable, key, text, True
        elif key != STRICT:
            found.append(_unknown(variable, key))


def _django_is_configured() -> bool:
    """Whether Django has settings. Looks without importing Django, and never makes it read them."""
    module = sys.modules.get("django.conf")
    return module is not None and bool(module.settings.configured)


def _django_dict() -> Any:
    if not _django_is_configured():
        return {}
    from django.conf import settings as django_settings
    from django.core.signals import setting_changed

    setting_changed.connect(reload, dispatch_uid="otel_graphql_auto.settings")
    return getattr(django_settings, DJANGO_SETTING, {})


def _unknown(source: str, key: str) -> Problem:
    close = get_close_matches(key.upper(), _FIELDS, n=1)
    hint = f"Did you mean {close[0]}?" if close else "Known keys: " + ", ".join(sorted(_FIELDS))
    return Problem("E001", f"{source} is not a setting of otel_graphql_auto.", hint)


def _useless(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Values that are of the right kind, and name what is not there."""
    for key, value in values.items():
        kind = _FIELDS[key].metadata["kind"]
        if kind is IMPORT and isinstance(value, str) and (complaint := import_complaint(value)):
            yield Problem("E003", f"{key} {complaint}.", "It is ignored until it can be.")
        if kind is PATH and value is not None and (complaint := file_complaint(Path(value))):
            yield Problem("E004", f"{key} is {str(value)!r}, {complaint}.", "It is ignored; paths are relative to the working directory.")


def _default(key: str) -> Any:
    return getattr(Settings(), key)
