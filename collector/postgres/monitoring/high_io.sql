-- Who reads from outside of shared_buffers: blocks of 8 kB since the statistics were reset, and how many of all that were needed were there.
-- A low hit_percent of a statement with many calls wants an index, or more memory. "Read" may still have come from the system's cache:
-- read_milliseconds (track_io_timing) tells.
SELECT
    statements.queryid,
    databases.datname AS database,
    statements.calls,
    statements.shared_blks_read AS blocks_read,
    statements.shared_blks_read / statements.calls AS blocks_read_per_call,
    round(100.0 * statements.shared_blks_hit / (statements.shared_blks_hit + statements.shared_blks_read), 1) AS hit_percent,
    -- 17 has renamed the column.
    round(coalesce(to_jsonb(statements) ->> 'shared_blk_read_time', to_jsonb(statements) ->> 'blk_read_time')::numeric, 3) AS read_milliseconds,
    left(regexp_replace(statements.query, '/\*.*?\*/', '', 'g'), 200) AS query
FROM pg_stat_statements AS statements
JOIN pg_database AS databases ON databases.oid = statements.dbid
WHERE statements.shared_blks_read > 1000
ORDER BY statements.shared_blks_read DESC
LIMIT 10;
