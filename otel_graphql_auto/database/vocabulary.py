"""The words of SQL that tell what a statement does and where its tables stand. Pure; all in upper case."""

from __future__ import annotations

__all__ = [
    "AFTER_SELECT_INTO",
    "AFTER_VERB",
    "BEFORE_AN_OPERAND",
    "BEFORE_A_STRING",
    "DEFINING",
    "ENDS_TABLES",
    "EXPLAINED",
    "EXPLAINING",
    "HARMLESS",
    "NO_TABLE",
    "ONLY",
    "OPAQUE",
    "READING",
    "SAVEPOINTS",
    "SAVEPOINT_WORDS",
    "STEPS",
    "TABLE_OF",
    "VERBS",
    "WRITING",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WRITING = _words("INSERT UPDATE DELETE REPLACE MERGE")
OPAQUE = _words("ALTER CALL COMMENT CREATE DO DROP EXEC EXECUTE GRANT IMPORT LOAD REFRESH RENAME REVOKE")
"""Verbs that write what does not stand in the statement, or more than rows."""

HARMLESS = _words(
    "ABORT ANALYZE ATTACH BEGIN CHECKPOINT CLOSE CLUSTER COMMIT COPY DEALLOCATE DECLARE DESC DESCRIBE DETACH DISCARD END EXPLAIN FETCH FLUSH "
    "HANDLER KILL LISTEN LOCK MOVE NOTIFY OPTIMIZE PRAGMA PREPARE REINDEX RELEASE RESET ROLLBACK SAVEPOINT SELECT SET SHOW START TABLE "
    "UNLISTEN UNLOCK USE VACUUM VALUES WITH XA"
)
"""Verbs that change no rows, or only those of tables that stand where one is looked for."""

VERBS = WRITING | OPAQUE | HARMLESS | {"TRUNCATE"}
"""All that a statement's operation can be: it is an attribute of metrics."""

READING = _words("SELECT VALUES TABLE")
EXPLAINING = _words("EXPLAIN DESCRIBE DESC ANALYZE")
EXPLAINED = WRITING | READING | {"WITH", "CREATE", "EXECUTE", "CALL"}
TABLE_OF = _words("ALTER CREATE DROP LOCK")
"""Verbs that name a table after the word TABLE."""

ONLY = _words("LATERAL ONLY")
"""What can stand between FROM, INTO or JOIN and a table."""

AFTER_VERB = _words("ABORT DELAYED FAIL FROM HIGH_PRIORITY IGNORE INTO LOW_PRIORITY ONLY OR OVERWRITE QUICK REPLACE ROLLBACK TABLE")
"""What can stand between a verb of WRITING and its table, or before the FROM or INTO in front of it."""

AFTER_SELECT_INTO = _words("TABLE TEMP TEMPORARY UNLOGGED")
DEFINING = _words("CONCURRENTLY EXISTS IF NOT ONLY TABLE")
"""What can stand between TABLE or TRUNCATE and a table."""

NO_TABLE = _words(
    "AS CROSS EXCEPT FETCH FOR FULL GROUP HAVING INNER INTERSECT JOIN LEFT LIMIT NATURAL OFFSET ON ORDER RETURNING RIGHT SELECT SET UNION "
    "USING VALUES WHERE WINDOW WITH"
)
"""Words that are no table's name, unless in quotes."""

ENDS_TABLES = _words(
    "CONNECT EXCEPT FETCH FOR GROUP HAVING INTERSECT LIMIT OFFSET ORDER QUALIFY RETURNING SET START UNION VALUES WHERE WINDOW"
)
"""What ends the list of tables after FROM."""

STEPS = ENDS_TABLES | VERBS | {"(", ")", "FROM", "INTO", "JOIN", "STRAIGHT_JOIN", "USING"}
"""Every token that changes what is expected, beside the comma. All others are passed by."""

BEFORE_AN_OPERAND = _words(
    "ALL AND ARRAY AS BETWEEN BY CASE CHECK CONFLICT DISTINCT ELSE EXCEPT EXISTS FILTER FROM GLOB GROUP HAVING ILIKE IN INDEX INTERSECT "
    "INTO IS JOIN KEY LATERAL LIKE LIMIT MATCH MATERIALIZED NOT OFFSET ON OR OVER PRIMARY REGEXP RETURNING RLIKE SELECT SET TABLE THEN UNION "
    "UNIQUE USING VALUES WHEN WHERE WITH WITHIN"
)
"""Words that are no function before a parenthesis, and after which a sign belongs to a number."""

BEFORE_A_STRING = _words("= == <> != < > <= >= || LIKE GLOB REGEXP MATCH IS BETWEEN THEN ELSE LIMIT")
"""Where `"x"` of SQLite is more likely a string than a column: it is taken for a string where there is no such column."""

SAVEPOINTS = _words("SAVEPOINT RELEASE ROLLBACK")
SAVEPOINT_WORDS = SAVEPOINTS | _words("TO WORK TRANSACTION AND NO CHAIN PREPARED")
