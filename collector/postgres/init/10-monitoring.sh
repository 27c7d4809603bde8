#!/bin/sh
# pg_stat_statements, and a role for postgres-exporter that may read statistics and no rows.
# The image runs this once, on an empty data folder. It may be sourced there, so it sets nothing that the caller does not have anyway.
set -e

file="${EXPORTER_PASSWORD_FILE:-/run/secrets/exporter_password}"
password="$(cat "$file")"
if [ -z "$password" ]; then
    echo "$file is empty: no role without a password" >&2
    exit 1
fi

# By the environment: arguments are seen by everybody who lists processes. psql quotes it (:'password').
EXPORTER_PASSWORD="$password" psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
    --username="$POSTGRES_USER" --dbname="${POSTGRES_DB:-$POSTGRES_USER}" <<'SQL'
\getenv password EXPORTER_PASSWORD
BEGIN;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
SET LOCAL password_encryption = 'scram-sha-256';
CREATE ROLE monitoring LOGIN PASSWORD :'password' CONNECTION LIMIT 5;
GRANT pg_monitor TO monitoring;
ALTER ROLE monitoring SET default_transaction_read_only = on;
ALTER ROLE monitoring SET statement_timeout = '10s';
COMMIT;
SQL
