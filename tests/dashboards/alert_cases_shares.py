"""Cases of the alerts on the share of operations that fail, or have no name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards import choices

from .alert_cases import (
    APART,
    BELOW,
    BLOG,
    FIRES,
    FIRST_AT_ONCE,
    FIRST_FROM_ZERO,
    GAP,
    LOW_TRAFFIC,
    NO_DATA,
    NO_ENVIRONMENT,
    NOWHERE,
    RESOLVES,
    RESTART,
    SHOP,
    SPECIAL,
    STAGING,
    UNNAMED,
    Cases,
)
from .promtool import ONE_SAMPLE, Labels, counter, series

REQUESTS = "graphql_server_request_duration_seconds_count"
FEED: Labels = {"graphql_operation_name": "Feed", "graphql_operation_type": "query"}
SERVER: Labels = {"graphql_auto_error_fault": "server", "error_type": "DatabaseError"}
CLIENT: Labels = {"graphql_auto_error_fault": "client", "error_type": "NotFound"}
SECOND: Labels = {"service_instance_id": "2"}
OF_SERVICE: Mapping[str, str] = {UNNAMED: "it does not tell operations apart"}

Parts = tuple[tuple[float | None, float], ...]


@dataclass(frozen=True)
class Share:
    """It fires when more than this share of operations are bad, for longer than `lasting`, and `keep` minutes longer; all in minutes."""

    alert: str
    limit: float
    at_least: int
    window: int
    """The shortest one."""
    lasting: int
    keep: int

    def traffic(self, of: Labels, good: Parts, bad: Parts) -> dict[str, str]:
        """Series of these operations: here, bad ones fail by the server's fault."""
        return {series(REQUESTS, {**of, **FEED}): counter(*good), series(REQUESTS, {**of, **FEED, **SERVER}): counter(*bad)}

    def steady(self, of: Labels, times: float, minutes: float = 120) -> dict[str, str]:
        """10,000 operations with each sample, and bad ones so many times the limit."""
        bad = round(10_000 * self.limit * times)
        return self.traffic(of, ((10_000 - bad, minutes),), ((bad, minutes),))

    def cases(self) -> Cases:
        """All that this kind of alert has in common."""
        made = Cases(self.alert, OF_SERVICE)
        self._limit(made)
        self._first_events(made)
        self._silence(made)
        self._restarts(made)
        bad = round(20_000 * self.limit * 1.02)
        mixed = {
            **self.traffic(SHOP, ((5000 - bad, 60),), ((bad, 60),)),
            **self.traffic({**SHOP, **SECOND}, ((15_000, 60),), ((0, 60),)),
            **self.steady(BLOG, 0.98),
            **self.steady(STAGING, 4),
        }
        alone = self.traffic({**NOWHERE, "service_name": "alone"}, ((100, 60),), ((0, 60),))
        both = (SHOP, self.lasting, 999), (STAGING, self.lasting, 999)
        made.add(APART, "services and environments; processes together", mixed | alone, *both, minutes=range(60))
        nowhere = self.steady(NOWHERE, 1.02)
        made.add(NO_ENVIRONMENT, "fires all the same", nowhere, (NOWHERE, self.lasting, 999), minutes=range(60))
        return made

    def _limit(self, made: Cases) -> None:
        made.add(FIRES, "just above the limit", self.steady(SHOP, 1.02), (SHOP, self.lasting, 999), minutes=range(60))
        made.add(BELOW, "all the time", self.steady(SHOP, 0.98), minutes=range(120))
        bad = round(10_000 * self.limit * 1.02)
        ends = self.traffic(SHOP, ((10_000 - bad, 180),), ((bad, 60 + ONE_SAMPLE), (0, 120)))
        made.add(RESOLVES, "when the share falls", ends, (SHOP, self.lasting, 61 + self.keep), minutes=range(50, 120))
        idle: Parts = ((0, 160),)
        few = self.traffic(SHOP, idle, ((0, 100), (self.at_least - 1, ONE_SAMPLE), (0, 60)))
        made.add(LOW_TRAFFIC, "all of the few are bad", few, minutes=range(160))
        enough = self.traffic(SHOP, idle, ((0, 100), (self.at_least, ONE_SAMPLE), (0, 60)))
        fired = (SHOP, 100 + self.lasting, 100 + self.window + self.keep)
        made.add(LOW_TRAFFIC, "just enough to say something", enough, fired, minutes=range(90, 150))

    def _first_events(self, made: Cases) -> None:
        good: Parts = ((1, 200),)
        after_zero = self.traffic(SHOP, good, ((None, 100), (0, ONE_SAMPLE), (200, ONE_SAMPLE), (0, 100)))
        ended = 100 + self.window + self.keep
        made.add(FIRST_FROM_ZERO, "all at one time", after_zero, (SHOP, 101 + self.lasting, ended + 1), minutes=range(90, ended + 10))
        at_once = self.traffic(SHOP, good, ((None, 100), (200, ONE_SAMPLE), (0, 100)))
        made.add(FIRST_AT_ONCE, "all at one time", at_once, (SHOP, 100 + self.lasting, ended), minutes=range(90, ended + 10))

    def _silence(self, made: Cases) -> None:
        made.add(NO_DATA, "no series", {}, minutes=range(60))
        never = {series(REQUESTS, {**SHOP, **FEED}): counter((100, 60))}
        made.add(NO_DATA, "not one was bad", never, minutes=range(60))
        numbers = dict.fromkeys(self.traffic(SHOP, ((0, 1),), ((0, 1),)), " ".join(["NaN"] * 200))
        made.add(NO_DATA, "not a number", numbers, minutes=range(50))
        stopped: Parts = ((5000, ONE_SAMPLE), (0, 160))
        made.add(NO_DATA, "no operation any more", self.traffic(SHOP, stopped, stopped), minutes=range(10 + self.window + self.keep, 160))
        ended = {selector: f"{line} stale _x400" for selector, line in self.traffic(SHOP, ((1000, 60),), ((1000, 60),)).items()}
        made.add(NO_DATA, "it ended", ended, (SHOP, self.lasting, 60 + self.window + self.keep), minutes=range(50, 130))

    def _restarts(self, made: Cases) -> None:
        bad: Parts = ((1000, 100),)
        old = self.traffic(SHOP, bad, bad)
        sound = self.traffic({**SHOP, **SECOND}, ((None, 160), (1000, 60)), ((None, 160), (0, 60)))
        made.add(RESTART, "and the new process has no errors", old | sound, minutes=range(150, 220))
        reset = self.traffic(SHOP, ((1000, 220),), ((90_000, ONE_SAMPLE), (0, 160), (-90_000, ONE_SAMPLE), (0, 60)))
        made.add(RESTART, "the same series begins again", reset, minutes=range(60, 220))
        failing = self.traffic({**SHOP, **SECOND}, ((None, 100), (0, 60)), ((None, 100), (1000, 60)))
        replaced = self.traffic(SHOP, ((1, 100),), ((0, 100),)) | failing
        made.add(RESTART, "and the new process fails", replaced, (SHOP, 100 + self.lasting, 999), minutes=range(90, 150))
        once = self.traffic(
            SHOP, ((1, 200),), ((None, 100), (0, ONE_SAMPLE), (200, ONE_SAMPLE), (0, ONE_SAMPLE), (-200, ONE_SAMPLE), (0, 99))
        )
        ended = 100 + self.window + self.keep
        made.add(RESTART, "of a series that is new, at once", once, (SHOP, 101 + self.lasting, ended), minutes=range(95, ended + 10))
        for minutes in (15, 55, 120, 600):
            again = self.traffic(SHOP, ((1, 130), (None, minutes), (1, 60)), ((5000, ONE_SAMPLE), (0, 129.75), (None, minutes), (0, 60)))
            made.add(GAP, f"of {minutes} minutes", again, minutes=range(120 + minutes, 190 + minutes))


class Unnamed(Share):
    """Bad is an operation that is counted as _OTHER."""

    def traffic(self, of: Labels, good: Parts, bad: Parts) -> dict[str, str]:
        other = {"graphql_operation_name": "_OTHER", "graphql_operation_type": "query"}
        return {
            series(REQUESTS, {**of, **FEED}): counter(*good),
            series(REQUESTS, {**of, **other}): counter(*bad),
            series("graphql_auto_operation_names_overflow_total", of): counter(*bad),
        }


def share_cases() -> list[Cases]:
    """Of each alert."""
    budget = 1 - choices.OBJECTIVE
    errors = Share("GraphQLServerErrors", limit=choices.ERROR_RATIO, at_least=choices.ERRORS_AT_LEAST, window=10, lasting=1, keep=5)
    fast = Share("GraphQLErrorBudgetFast", limit=choices.FAST_BURN * budget, at_least=choices.BURN_AT_LEAST, window=5, lasting=2, keep=5)
    slow = Share("GraphQLErrorBudgetSlow", limit=choices.SLOW_BURN * budget, at_least=choices.BURN_AT_LEAST, window=30, lasting=15, keep=5)
    every = [_with_faults(errors), _burning(fast), _burning(slow)]
    unnamed = Unnamed(
        "GraphQLOperationNamesOverflow", limit=choices.OVERFLOW_RATIO, at_least=choices.OVERFLOW_AT_LEAST, window=30, lasting=15, keep=15
    )
    made = unnamed.cases()
    first_sightings = unnamed.traffic(SHOP, ((10, 5), (20, 60)), ((10, 5), (0, 60)))
    made.add(SPECIAL, "names that are seen for the first time after a start", first_sightings, minutes=range(65))
    return [*every, made]


def _with_faults(alert: Share) -> Cases:
    made = alert.cases()
    clients = {series(REQUESTS, {**SHOP, **FEED}): counter((1, 60)), series(REQUESTS, {**SHOP, **FEED, **CLIENT}): counter((1000, 60))}
    made.add(SPECIAL, "what clients do wrong", clients, minutes=range(60))
    return made


def _burning(alert: Share) -> Cases:
    made = _with_faults(alert)
    over = alert.traffic(SHOP, ((5000, 180),), ((5000, 40), (0, 140)))
    # Of the long window, so many errors are far too many still.
    made.add(SPECIAL, "the short window ends it", over, (SHOP, alert.lasting, 40 + alert.window + alert.keep), minutes=range(30, 100))
    bad = round(10_000 * alert.limit * 4)
    burst = alert.traffic(SHOP, ((10_000, 160),), ((0, 100), (bad, 10), (0, 50)))
    made.add(SPECIAL, "the long window waits for more than a moment", burst, minutes=range(160))
    return made
