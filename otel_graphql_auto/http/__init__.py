"""The HTTP side of GraphQL: what the middleware tells in response headers, and whether the service is healthy.

`otel_graphql_auto.http.urls` has the health views as routes.
"""

from otel_graphql_auto.http.middleware import PerformanceMiddleware
from otel_graphql_auto.http.room import Http

__all__ = ["Http", "PerformanceMiddleware"]
