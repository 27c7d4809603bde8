"""The Django app: `manage.py check` explains what is wrong with GRAPHQL_AUTO."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from otel_graphql_auto._safety import guard
from otel_graphql_auto.checks import check_settings
from otel_graphql_auto.http import health

__all__ = ["GraphQLAutoConfig"]


class GraphQLAutoConfig(AppConfig):  # type: ignore[misc]
    """Observation does not need the app; checks and commands do."""

    name = "otel_graphql_auto"
    label = "otel_graphql_auto"
    verbose_name = "OpenTelemetry for GraphQL"

    def ready(self) -> None:
        """Register the checks, and answer HEALTH_PATHS."""
        checks.register(check_settings)
        guard("health", health.attach)()
