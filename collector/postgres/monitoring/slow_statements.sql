-- Where the time goes: statements by their total time, with the mean beside it.
-- Total first: what takes 5 ms a hundred thousand times a day costs more than what took 2 s once.
-- Called five times at least, so that a report that somebody ran by hand is not in the list.
SELECT
    statements.queryid,
    databases.datname AS database,
    statements.calls,
    round(statements.total_exec_time::numeric / 1000, 3) AS total_seconds,
    round(statements.mean_exec_time::numeric, 3) AS mean_milliseconds,
    round(statements.max_exec_time::numeric, 3) AS max_milliseconds,
    round((100 * statements.total_exec_time / sum(statements.total_exec_time) OVER ())::numeric, 1) AS percent_of_time,
    statements.rows,
    left(regexp_replace(statements.query, '/\*.*?\*/', '', 'g'), 200) AS query
FROM pg_stat_statements AS statements
JOIN pg_database AS databases ON databases.oid = statements.dbid
WHERE statements.calls >= 5
ORDER BY statements.total_exec_time DESC
LIMIT 10;
