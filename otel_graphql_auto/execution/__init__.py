"""Room execution: what each operation was, how long its phases and fields took, and what failed."""

from otel_graphql_auto.execution.fields import traced
from otel_graphql_auto.execution.room import Execution

__all__ = ["Execution", "traced"]
