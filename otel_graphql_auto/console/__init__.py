"""The `graphql_console` exporter: each request as a tree of spans with times, and a table of operations, for the eyes of a developer."""

from otel_graphql_auto.console.exporter import GraphQLConsoleExporter

__all__ = ["GraphQLConsoleExporter"]
