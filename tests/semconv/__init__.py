"""The emitted telemetry held against the GraphQL semantic conventions, and the checker held against planted deviations."""
