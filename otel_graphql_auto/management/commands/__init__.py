"""The command `graphql_auto`: its module has the name by which it is called."""
