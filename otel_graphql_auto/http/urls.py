"""The health views as routes, for those who prefer a route to HEALTH_PATHS: `path("", include("otel_graphql_auto.http.urls"))`."""

from django.urls import path

from otel_graphql_auto.http.health import live, ready

urlpatterns = [
    path("healthz", live, name="graphql_auto_live"),
    path("readyz", ready, name="graphql_auto_ready"),
]
