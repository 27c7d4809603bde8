"""Attaches rooms and frameworks in order, each guarded by itself, and detaches them in reverse."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.metrics import CallbackOptions, Observation

from otel_graphql_auto import lifecycle, semconv, settings
from otel_graphql_auto._providers import Providers
from otel_graphql_auto._safety import guard, internal_errors
from otel_graphql_auto.database import Database
from otel_graphql_auto.execution import Execution
from otel_graphql_auto.frameworks.graphene import Graphene
from otel_graphql_auto.http import Http, health
from otel_graphql_auto.room import Room

__all__ = ["FRAMEWORKS", "ROOMS", "GraphQLInstrumentor"]

ROOMS: tuple[type[Any], ...] = (Execution, Database, Http)
"""The rooms, outermost first: the first one hears of a moment before the others, of its end after them, and answers before them."""

FRAMEWORKS: tuple[type[Any], ...] = (Graphene,)

_logger = logging.getLogger("otel_graphql_auto")


class GraphQLInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """The one instrumentor of this package. `instrument()` takes tracer_provider, meter_provider and logger_provider.

    With `for_tests` it attaches with OTEL_SDK_DISABLED too: what is counted in a test is not exported.
    """

    _attached: ClassVar[list[Any]] = []
    given: ClassVar[dict[str, Any]] = {}
    """The providers that `instrument()` was given; None for each that is the global one."""

    _meters: ClassVar[weakref.WeakSet[Any]] = weakref.WeakSet()

    def instrumentation_dependencies(self) -> Collection[str]:
        """What has to be installed for it to be of use."""
        return ("graphql-core >= 3.2, < 3.3", "graphene-django >= 3.1", "django >= 4.2")

    def _instrument(self, **kwargs: Any) -> None:
        guard("health", health.attach)()  # a component of the application: it answers without telemetry too
        if settings.sdk_is_disabled() and not kwargs.get("for_tests"):
            return
        given = {name: kwargs.get(name) for name in ("tracer_provider", "meter_provider", "logger_provider")}
        type(self).given = given
        providers: Providers | None = guard("providers", Providers)(**given)
        if providers is None:
            return
        guard("providers", self._observe_internal_errors)(providers.meter)
        rooms = [room for kind in ROOMS if (room := guard(kind.name, kind)(providers)) is not None]
        lifecycle.set_rooms(rooms)
        self._attached.extend(rooms)
        for kind in FRAMEWORKS:
            framework = kind()
            self._attached.append(framework)
            guard(framework.name, framework.attach)()

    def _uninstrument(self, **_: Any) -> None:
        lifecycle.set_rooms(())
        type(self).given = {}
        while self._attached:
            part = self._attached.pop()
            guard(part.name, part.detach)()

    def parts(self) -> tuple[Any, ...]:
        """The rooms and frameworks that are attached. Each has a `name`, and `diagnose()` for `graphql_auto doctor`."""
        return tuple(self._attached)

    def add_room(self, room: Room) -> None:
        """Let one more room listen until `remove_room()` or `uninstrument()`, after all others."""
        self._attached.append(room)
        lifecycle.set_rooms([part for part in self._attached if isinstance(part, Room)])

    def remove_room(self, room: Room) -> None:
        """Take back what `add_room()` added. It still hears of the operations that have begun."""
        if room in self._attached:
            self._attached.remove(room)
            lifecycle.set_rooms([part for part in self._attached if isinstance(part, Room)])

    def _observe_internal_errors(self, meter: Any) -> None:
        if meter in self._meters:
            return
        self._meters.add(meter)

        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            return [
                Observation(count, {semconv.ROOM: room, semconv.ERROR_TYPE: kind}) for (room, kind), count in internal_errors.read().items()
            ]

        metric = semconv.INTERNAL_ERRORS
        meter.create_observable_counter(metric.name, [observe], metric.unit, metric.description)
