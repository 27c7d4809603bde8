"""How often something happened, so that nothing is missed and nothing is told twice: what alerts count with."""

from __future__ import annotations

from otel_graphql_auto.queries import Scope


def events(scope: Scope, name: str, *matchers: str) -> str:
    """How often something happened in the window, as a whole number, also where it happened for the first time ever.

    A series that was not there before the window, or was 0, counts as a whole. `increase` alone does not see its first sample: Prometheus puts a zero
    before it (created-timestamp-zero-ingestion), but where the process says that the series began, which may be long ago. "Before" is the hour before
    the window, and two moments long ago, so that after an outage of telemetry not everything that ever happened counts as new. Where a series
    began anew within the window (a restart), and of all that are not new, `increase` counts; what it guesses between samples is rounded.
    """
    series = scope.series(name, *matchers)
    # Longer ago than the window and the hour before it.
    early, earlier = ("9h", "18h") if scope.window == "6h" else ("3h", "12h")
    before = f"last_over_time({series}[1h] offset {scope.window}) > 0 or {series} offset {early} > 0 or {series} offset {earlier} > 0"
    new = f"(last_over_time({scope.over(name, *matchers)}) unless ({before}))"
    increased = f"round(increase({scope.over(name, *matchers)}))"
    restarted = f"resets({scope.over(name, *matchers)}) > 0"
    return scope.sum(f"({increased} and {restarted}) or {new} or {increased} > 0")
