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
CODE_FILE_PATH: Final = "code.file.path"
CODE_LINE_NUMBER: Final = "code.line.number"
DB_SYSTEM_NAME: Final = "db.system.name"
DB_NAMESPACE: Final = "db.namespace"
DB_COLLECTION_NAME: Final = "db.collection.name"
DB_OPERATION_NAME: Final = "db.operation.name"
DB_OPERATION_BATCH_SIZE: Final = "db.operation.batch.size"
DB_QUERY_SUMMARY: Final = "db.query.summary"
DB_QUERY_TEXT: Final = "db.query.text"
DB_RESPONSE_STATUS_CODE: Final = "db.response.status_code"
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
DEPLOYMENT_ENVIRONMENT_NAME: Final = "deployment.environment.name"
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
DB_DURATION: Final = "graphql_auto.db.duration"
DB_DUPLICATE_COUNT: Final = "graphql_auto.db.duplicate_count"
DB_SLOW: Final = "graphql_auto.db.slow"
DB_FOLDED_COUNT: Final = "graphql_auto.db.folded_count"
DB_UNATTRIBUTED: Final = "graphql_auto.db.unattributed"
DB_FINGERPRINT: Final = "graphql_auto.db.query.fingerprint"
DB_PLAN: Final = "graphql_auto.db.query.plan"
N_PLUS_ONE_COUNT: Final = "graphql_auto.n_plus_one.count"
N_PLUS_ONE_QUERY_COUNT: Final = "graphql_auto.n_plus_one.query_count"
N_PLUS_ONE_DURATION: Final = "graphql_auto.n_plus_one.duration"
N_PLUS_ONE_FIX: Final = "graphql_auto.n_plus_one.fix"
N_PLUS_ONE_RELATION: Final = "graphql_auto.n_plus_one.relation"

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
EVENT_N_PLUS_ONE: Final = "graphql_auto.n_plus_one"
SPAN_EXPLAIN: Final = "EXPLAIN"


class Metric(NamedTuple):
    """A metric's name, unit, description and, for a histogram, the upper bounds of its buckets in that unit."""

    name: str
    unit: str
    description: str
    buckets: tuple[float, ...] = ()


HTTP_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The buckets of `http.server.request.duration`, so that both durations can be compared bucket by bucket."""

PHASE_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

DB_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""The buckets that the database conventions advise."""

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
DB_OPERATION_DURATION: Final = Metric("db.client.operation.duration", "s", "Duration of database client operations.", DB_BUCKETS)
DB_SLOW_QUERIES: Final = Metric("graphql_auto.db.slow", "{query}", "SQL statements that took longer than SLOW_SQL_THRESHOLD.")
OPERATION_DB_QUERIES: Final = Metric(
    "graphql_auto.operation.db.queries",
    "{query}",
    "SQL statements of one operation.",
    (0, 1, 2, 3, 5, 8, 13, 20, 35, 50, 100, 200, 500, 1000),
)
OPERATION_DB_DURATION: Final = Metric(
    "graphql_auto.operation.db.duration", "s", "Time in the database of one operation that has any.", PHASE_BUCKETS
)
FIELD_DB_QUERIES: Final = Metric("graphql_auto.field.db.queries", "{query}", "SQL statements, by the field that caused them.")
N_PLUS_ONE: Final = Metric(
    "graphql_auto.n_plus_one", "{detection}", "Times that a field repeated a SQL statement within one operation, once for each statement."
)
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
    DB_OPERATION_DURATION.name: (DB_SYSTEM_NAME, DB_OPERATION_NAME, DB_COLLECTION_NAME, DB_NAMESPACE, ERROR_TYPE),
    DB_SLOW_QUERIES.name: (DB_SYSTEM_NAME, DB_COLLECTION_NAME),
    OPERATION_DB_QUERIES.name: (OPERATION_TYPE, OPERATION_NAME),
    OPERATION_DB_DURATION.name: (OPERATION_TYPE, OPERATION_NAME),
    FIELD_DB_QUERIES.name: (FIELD_SCHEMA_COORDINATE,),
    N_PLUS_ONE.name: (FIELD_SCHEMA_COORDINATE,),
    INTERNAL_ERRORS.name: (ROOM, ERROR_TYPE),
    OPERATION_NAMES.name: (),
    OPERATION_NAMES_OVERFLOW.name: (),
}
"""The only attributes that a metric may carry: each is bounded by the code, by the schema or by an admission rule."""
