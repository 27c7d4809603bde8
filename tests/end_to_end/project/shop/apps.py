"""Starts the agent that a test asks for, where an application that sets up its own telemetry does so."""

import os

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """The shop; SHOP_AGENT names its agent."""

    name = "shop"

    def ready(self):
        agent = os.environ.get("SHOP_AGENT")
        if agent == "logfire":
            start_logfire()
        if agent == "sentry":
            start_sentry()
        if agent in ("logfire", "instrument"):
            import otel_graphql_auto

            otel_graphql_auto.instrument()


def start_logfire():
    """Logfire as the SDK set-up; it exports to OTEL_EXPORTER_OTLP_ENDPOINT by itself."""
    import logfire

    logfire.configure(send_to_logfire=False, service_name="shop by logfire", console=False, distributed_tracing=True)
    logfire.instrument_django()


def start_sentry():
    """Sentry with the integrations that it chooses by itself."""
    import sentry_sdk

    sentry_sdk.init(dsn=os.environ["SHOP_SENTRY_DSN"], traces_sample_rate=1.0, send_default_pii=False)
