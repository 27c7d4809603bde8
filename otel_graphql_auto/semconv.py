"""Every span, attribute, metric and event name that this package emits.

GraphQL names follow the OpenTelemetry working group's draft for GraphQL servers (semantic-conventions pull request 3515);
what it does not define lives under `graphql_auto.`, and `graphql.` is never extended. No name is written anywhere else.
"""

from typing import Final, NamedTuple

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"
"""The released conventions that the HTTP, error and code attributes are taken from; the GraphQL draft has no URL yet."""

SCOPE: Final = "otel_graphql_auto"

OTHER: Final = "_OTHER"
"""The conventions' value for whatever a bounded set of values does not hold."""

MAX_NAME: Final = 100
"""Characters of an operation name that are kept. A longer one is never a metric attribute."""

# Attributes of the GraphQL draft.
PROCESSING_TYPE: Final = "graphql.processing.type"
OPERATION_TYPE: Final = "graphql.operation.type"
OPERATION_NAME: Final = "graphql.operation.name"
DOCUMENT_HASH: Final = "graphql.document.hash"
DOCUMENT_LOCATIONS: Final = "graphql.document.locations"
FIELD_ALIAS: Final = "graphql.field.alias"
FIELD_NAME: Final = "graphql.field.name"
FIELD_PARENT_TYPE: Final = "graphql.field.parent_type"
FIELD_PATH: Final = "graphql.field.path"
FIELD_SCHEMA_COORDINATE: Final = "graphql.field.schema_coordinate"
GRAPHQL_ERROR_MESSAGE: Final = "graphql.error.message"
GRAPHQL_ERROR_COUNT: Final = "graphql.error.count"
SUBSCRIPTION_ID: Final = "graphql.subscription.id"

# Attributes of other stable conventions.
ERROR_TYPE: Final = "error.type"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
USER_ID: Final = "user.id"
SERVICE_NAME: Final = "service.name"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
DISTRO_NAME: Final = "telemetry.distro.name"
DISTRO_VERSION: Final = "telemetry.distro.version"

URL_QUERY: Final = "url.query"
HTTP_CLIENT_ATTRIBUTES: Final = ("url.path", URL_QUERY, "user_agent.original", "http.target", "http.url", "http.user_agent")
"""Attributes of the HTTP span that hold what a client sent, under their stable and their old names."""

# Response headers.
SERVER_TIMING: Final = "Server-Timing"
EXECUTION_TIME: Final = "X-GraphQL-Execution-Time"
DB_QUERIES: Final = "X-GraphQL-DB-Queries"

# Attributes of our own.
SLOW: Final = "graphql_auto.operation.slow"
THRESHOLD: Final = "graphql_auto.operation.slow_threshold"
DURATION: Final = "graphql_auto.operation.duration"
FAULT: Final = "graphql_auto.error.fault"
SCHEMA_NAME: Final = "graphql_auto.schema.name"
CLIENT_NAME: Final = "graphql_auto.client.name"
CLIENT_VERSION: Final = "graphql_auto.client.version"
DOCUMENT_TEXT: Final = "graphql_auto.document.text"
VARIABLES: Final = "graphql_auto.variables"
ROOM: Final = "graphql_auto.room"
DB_QUERY_COUNT: Final = "graphql_auto.db.query_count"

# Values.
FAULT_CLIENT: Final = "client"
FAULT_SERVER: Final = "server"
PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"

# Span and event names.
SPAN_OPERATION: Final = "GraphQL Operation"
SPAN_SUBSCRIPTION_EVENT: Final = "GraphQL Subscription Event"
SPAN_BY_PHASE: Final = {
    "parse": "GraphQL Document Parsing",
    "validate": "GraphQL Document Validation",
    "variable_coercion": "GraphQL Variable Coercion",
    "execute": "GraphQL Operation Execution",
}
EVENT_ERROR: Final = "graphql.error"
EVENT_SLOW: Final = "graphql_auto.slow_operation"


class Metric(NamedTuple):
    """A metric's name, unit, description and, for a histogram, the upper bounds of its buckets in that unit."""

    name: str
    unit: str
    description: str
    buckets: tuple[float, ...] = ()


HTTP_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The buckets of `http.server.request.duration`, so that both durations can be compared bucket by bucket."""

PHASE_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

REQUEST_DURATION: Final = Metric("graphql.server.request.duration", "s", "Duration of GraphQL server requests.", HTTP_BUCKETS)
REQUEST_ACTIVE: Final = Metric("graphql.server.request.active", "{request}", "Number of active GraphQL server requests.")
PROCESSING_DURATION: Final = Metric(
    "graphql.server.processing.duration", "s", "Duration of a GraphQL server processing phase.", PHASE_BUCKETS
)
ERROR_COUNT: Final = Metric(
    "graphql.server.response.error_count", "{error}", "Number of errors in a GraphQL response.", (0, 1, 2, 5, 10, 25, 50, 100)
)
SUBSCRIPTION_EVENT_COUNT: Final = Metric(
    "graphql.server.subscription.event_count", "{event}", "Number of GraphQL subscription events processed."
)
SUBSCRIPTION_EVENT_DURATION: Final = Metric(
    "graphql.server.subscription.event.duration", "s", "Duration of processing a single subscription event.", PHASE_BUCKETS
)
SLOW_OPERATIONS: Final = Metric("graphql_auto.operation.slow", "{operation}", "Operations that took longer than their threshold.")
FIELD_DURATION: Final = Metric(
    "graphql_auto.field.duration", "s", "Time in the resolver of one field within one operation, summed over its calls.", PHASE_BUCKETS
)
FIELD_ERRORS: Final = Metric("graphql_auto.field.errors", "{error}", "Errors in responses, by the field that caused them.")
FIELD_DEPRECATED: Final = Metric("graphql_auto.field.deprecated", "{use}", "Operations that used a deprecated field.")
INTERNAL_ERRORS: Final = Metric(
    "graphql_auto.internal_errors", "{error}", "Errors of this instrumentation that it kept from the application."
)
OPERATION_NAMES: Final = Metric("graphql_auto.operation_names", "{name}", "Operation names admitted as metric attributes.")
OPERATION_NAMES_OVERFLOW: Final = Metric(
    "graphql_auto.operation_names.overflow", "{operation}", "Named operations that were counted as _OTHER."
)

METRIC_ATTRIBUTES: Final = {
    REQUEST_DURATION.name: (OPERATION_TYPE, OPERATION_NAME, ERROR_TYPE, FAULT, SCHEMA_NAME),
    REQUEST_ACTIVE.name: (OPERATION_TYPE,),
    PROCESSING_DURATION.name: (PROCESSING_TYPE, OPERATION_TYPE, ERROR_TYPE),
    ERROR_COUNT.name: (OPERATION_TYPE, OPERATION_NAME),
    SUBSCRIPTION_EVENT_COUNT.name: (OPERATION_NAME, ERROR_TYPE),
    SUBSCRIPTION_EVENT_DURATION.name: (OPERATION_NAME, ERROR_TYPE),
    SLOW_OPERATIONS.name: (OPERATION_TYPE, OPERATION_NAME),
    FIELD_DURATION.name: (FIELD_SCHEMA_COORDINATE,),
    FIELD_ERRORS.name: (FIELD_SCHEMA_COORDINATE, ERROR_TYPE),
    FIELD_DEPRECATED.name: (FIELD_SCHEMA_COORDINATE,),
    INTERNAL_ERRORS.name: (ROOM, ERROR_TYPE),
    OPERATION_NAMES.name: (),
    OPERATION_NAMES_OVERFLOW.name: (),
}
"""The only attributes that a metric may carry: each is bounded by the code, by the schema or by an admission rule."""
