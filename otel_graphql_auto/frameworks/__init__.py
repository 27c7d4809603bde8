"""Adapters that turn what a GraphQL framework does into the moments of an operation's life. They know no room."""
