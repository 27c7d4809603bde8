"""Room database: which SQL an operation ran, for which field, how long it took, and whether it repeats itself."""

from otel_graphql_auto.database.room import Database

__all__ = ["Database"]
