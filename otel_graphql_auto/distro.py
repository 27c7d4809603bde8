"""The distribution for `opentelemetry-instrument`: defaults that any OTEL_* variable overrides, and an SDK that leaves quietly.

It never configures Django's settings: whatever needs them waits until the application has loaded them.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPERIMENTAL_RESOURCE_DETECTORS,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_METRIC_EXPORT_INTERVAL,
    OTEL_METRICS_EXEMPLAR_FILTER,
)

from otel_graphql_auto import _leaving, semconv, settings
from otel_graphql_auto._safety import guard
from otel_graphql_auto.deferred import Deferred
from otel_graphql_auto.project import is_reloader_parent

__all__ = ["DEFAULTS", "GraphQLConfigurator", "GraphQLDistro"]

DEFAULTS = {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "none",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_METRIC_EXPORT_INTERVAL: "15000",
    OTEL_METRICS_EXEMPLAR_FILTER: "trace_based",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
}
"""What an environment variable is when the user has not set it."""

_NEEDED_LATER = ("OTEL_SEMCONV_STABILITY_OPT_IN",)
"""Read by instrumentors, after the SDK is set up."""

_DETECTOR = "graphql_auto"

_set_by_us: list[str] = []


_detectors_before: list[str | None] = []


def _add_detector() -> None:
    """Have the SDK ask our resource detector, as it does when it is set up and again in a forked process."""
    given = os.environ.get(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS)
    names = [name for name in (given or "").split(",") if name.strip()]
    _detectors_before.append(given)
    os.environ[OTEL_EXPERIMENTAL_RESOURCE_DETECTORS] = ",".join([*names, *([] if _DETECTOR in names else [_DETECTOR])])


def _take_detector_back() -> None:
    """Leave the variable as it was: a program in another environment would look for the detector in vain."""
    given = _detectors_before.pop()
    if given is None:
        os.environ.pop(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS, None)
    else:
        os.environ[OTEL_EXPERIMENTAL_RESOURCE_DETECTORS] = given


def _is_silent() -> bool:
    """Whether this process shall have no telemetry at all."""
    return settings.sdk_is_disabled() or is_reloader_parent()


class GraphQLDistro(BaseDistro):  # type: ignore[misc]
    """Sets the defaults and loads the instrumentors, ours and those of the user's other libraries."""

    def _configure(self, **_: Any) -> None:
        if _is_silent():
            if not settings.sdk_is_disabled():
                guard("distro", _leaving.let_child_leave)()
            return
        for variable, value in DEFAULTS.items():
            if not os.environ.get(variable):  # an empty variable counts as unset
                os.environ[variable] = value
                _set_by_us.append(variable)

    def load_instrumentor(self, entry_point: Any, **kwargs: Any) -> None:
        """Load one instrumentor. Where one fails the others are loaded all the same; the stock loader would stop."""
        if _is_silent() and (entry_point.name != "graphql_auto" or is_reloader_parent()):
            return  # ours does without the SDK what an application relies on
        if entry_point.name in Deferred.NAMES:
            Deferred.add(entry_point, kwargs)
        elif entry_point.name == "graphql_auto":
            super().load_instrumentor(entry_point, **kwargs)
        else:
            guard(entry_point.name, super().load_instrumentor)(entry_point, **kwargs)


class GraphQLConfigurator(_OTelSDKConfigurator):
    """Sets up the SDK as the environment says, with a bounded exit."""

    def _configure(self, **kwargs: Any) -> None:
        if _is_silent():
            return
        attributes = {semconv.DISTRO_NAME: "otel-graphql-auto", semconv.DISTRO_VERSION: version("otel-graphql-auto")}
        kwargs.setdefault("resource_attributes", {}).update(attributes)
        kwargs.setdefault("export_span_processor", _leaving.SpanProcessor)
        kwargs.setdefault("export_log_record_processor", _leaving.LogRecordProcessor)
        _add_detector()
        try:
            super()._configure(**kwargs)  # type: ignore[no-untyped-call]
        finally:
            # The SDK has read them. Left in the environment they would configure programs that this one starts, and other agents in them.
            for variable in _set_by_us:
                if variable not in _NEEDED_LATER:
                    os.environ.pop(variable, None)
            _take_detector_back()
        os.register_at_fork(before=_add_detector, after_in_parent=_take_detector_back, after_in_child=_take_detector_back)
        guard("distro", _leaving.bound_exit)()
        guard("distro", _leaving.quieten_exporters)()
