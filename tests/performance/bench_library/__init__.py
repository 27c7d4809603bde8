"""The Django application whose GraphQL schema the benchmark asks."""
