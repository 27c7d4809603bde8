-- Indexes of this database that no statement has used since the statistics were reset, the largest first: each is written with every row.
-- Those that keep a promise (unique, primary, exclusion) are not listed: they work without ever being scanned.
-- Look at statistics_since (empty: for ever), and at the replicas, which count for themselves, before you drop one.
SELECT
    indexes.schemaname AS schema,
    indexes.relname AS table,
    indexes.indexrelname AS index,
    pg_size_pretty(pg_relation_size(indexes.indexrelid)) AS size,
    tables.n_tup_ins + tables.n_tup_upd AS rows_written,
    databases.stats_reset AS statistics_since
FROM pg_stat_user_indexes AS indexes
JOIN pg_index AS definitions ON definitions.indexrelid = indexes.indexrelid
JOIN pg_stat_user_tables AS tables ON tables.relid = indexes.relid
JOIN pg_stat_database AS databases ON databases.datname = current_database()
WHERE indexes.idx_scan = 0
    AND NOT definitions.indisunique
    AND NOT definitions.indisexclusion
ORDER BY pg_relation_size(indexes.indexrelid) DESC
LIMIT 50;
