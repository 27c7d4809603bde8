"""The Django app: `manage.py check` explains what is wrong with GRAPHQL_AUTO."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks

from otel_graphql_auto import settings

__all__ = ["GraphQLAutoConfig", "check_settings"]


class GraphQLAutoConfig(AppConfig):  # type: ignore[misc]
    """Observation does not need the app; checks do."""

    name = "otel_graphql_auto"
    label = "otel_graphql_auto"
    verbose_name = "OpenTelemetry for GraphQL"

    def ready(self) -> None:
        """Register the checks."""
        checks.register(check_settings)


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """One error for each wrong setting, from Django's settings or from the environment."""
    return [checks.Error(problem.message, hint=problem.hint, id=f"otel_graphql_auto.{problem.code}") for problem in settings.problems()]
