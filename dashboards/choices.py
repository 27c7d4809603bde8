"""What somebody who runs this may want to be different: limits, promises and addresses. After a change: `make dashboards`."""

from typing import Final

GRAFANA: Final = "http://127.0.0.1:3000"
"""Where people open Grafana: the links of the Prometheus rules begin with it. Grafana-managed rules ask Grafana itself."""

RUNBOOKS: Final = "docs/runbooks"
"""Where people read the runbooks: the address of this folder in the repository that you have it in."""

SLOW_OPERATIONS: Final = 0
"""More slow operations of one name than this, in `SLOW_WINDOW`, are an alert. What is slow the application says: SLOW_QUERY_THRESHOLD."""

SLOW_OPERATIONS_OF: Final[dict[tuple[str, str], int]] = {}
"""The same for single ones, by service and operation: `{("shop", "ExportOrders"): 10}`. An empty operation name is all of a service's."""

SLOW_WINDOW: Final = "5m"
"""So far back slow operations are counted."""

ERROR_RATIO: Final = 0.05
"""Which share of a service's operations may fail by the server's fault, over ten minutes."""

ERRORS_AT_LEAST: Final = 5
"""So many have to have failed: one of three at night is 33 %."""

LATENCY_SECONDS: Final = 1.0
"""What 95 % of the runs of an operation have to stay below. It has to be a bound of `graphql.server.request.duration`'s buckets: between two, a
percentile is an estimate."""

LATENCY_AT_LEAST: Final = 20
"""Runs of an operation in ten minutes, below which a percentile says nothing."""

STATEMENTS_PER_OPERATION: Final = 50
"""SQL statements of one operation, as a mean over fifteen minutes."""

STATEMENTS_AT_LEAST: Final = 5
"""Runs in fifteen minutes, below which the mean is that of a single visitor."""

SLOW_STATEMENTS: Final = 10
"""More slow SQL statements than this on one table in ten minutes. What is slow the application says: SLOW_SQL_THRESHOLD."""

OVERFLOW_RATIO: Final = 0.2
"""Which share of operations may be counted as `_OTHER`. The first sightings of each name are; for long, that should be few."""

OVERFLOW_AT_LEAST: Final = 100
"""Operations counted as `_OTHER` in half an hour, below which a service has only just begun."""

QUEUE_RATIO: Final = 0.5
"""How full the collector's queue may be, for five minutes."""

OBJECTIVE: Final = 0.999
"""The promise: this share of a service's operations does not fail by the server's fault. What is left is the error budget of a month."""

FAST_BURN: Final = 14.4
"""So many times faster than the budget allows: 2 % of a month's budget in an hour."""

SLOW_BURN: Final = 6.0
"""5 % of a month's budget in six hours."""

BURN_AT_LEAST: Final = 5
"""Failed operations in the short window, below which nobody is woken up."""
