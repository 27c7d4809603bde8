"""Cases of the alerts on what one operation takes: p95 of its duration, and SQL statements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

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

NAME: Labels = {"graphql_operation_name": "Feed"}
FEED: Labels = {**SHOP, **NAME}
SECOND: Labels = {"service_instance_id": "2"}

DURATION = "graphql_server_request_duration_seconds"

Parts = tuple[tuple[float | None, float], ...]


@dataclass(frozen=True)
class Costly(ABC):
    """It fires when an operation is too costly in `window` minutes, for longer than `lasting`, and `keep` minutes longer."""

    alert: str
    at_least: int
    window: int
    lasting: int
    keep: int
    counts_whole: ClassVar[bool] = True
    """What happened after a 0 is seen as long as the window has it, and not only as long as the window has the 0 too."""

    @abstractmethod
    def runs(self, of: Labels, cheap: Parts, costly: Parts, kind: str = "query") -> dict[str, str]:
        """Series of so many runs. A costly one costs far too much."""

    @abstractmethod
    def steady(self, of: Labels, *, too_much: bool, minutes: float = 60) -> dict[str, str]:
        """Runs that cost just too much, or just not."""

    def cases(self) -> Cases:
        """All that this kind of alert has in common."""
        made = Cases(self.alert, {})
        self._limit(made)
        self._first_events(made)
        self._silence(made)
        self._restarts(made)
        self._apart(made)
        return made

    def _limit(self, made: Cases) -> None:
        made.add(FIRES, "just above the limit", self.steady(FEED, too_much=True), (FEED, self._fires(0), 999), minutes=range(60))
        made.add(BELOW, "all the time", self.steady(FEED, too_much=False), minutes=range(60))
        ends = self.runs(FEED, ((0, 60), (1000, 60)), ((1000, 60), (0, 60)))
        fired = (FEED, self._fires(0), self._cheap_again() + self.keep)
        made.add(RESOLVES, "when it is cheap again", ends, fired, minutes=range(50, 110))
        idle: Parts = ((0, 160),)
        few = self.runs(FEED, idle, ((0, 100), (self.at_least - 1, ONE_SAMPLE), (0, 59.75)))
        made.add(LOW_TRAFFIC, "the few runs are costly", few, minutes=range(160))
        enough = self.runs(FEED, idle, ((0, 100), (self.at_least, ONE_SAMPLE), (0, 59.75)))
        fired = (FEED, 100 + self.lasting, 100 + self.window + self.keep)
        made.add(LOW_TRAFFIC, "just enough to say something", enough, fired, minutes=range(90, 150))

    def _first_events(self, made: Cases) -> None:
        after_zero = self.runs(FEED, ((None, 100), (0, 100)), ((None, 100), (0, ONE_SAMPLE), (30, ONE_SAMPLE), (0, 99.5)))
        ended = 100 + self.window + self.keep
        fired = (FEED, 101 + self.lasting, ended + self.counts_whole)
        made.add(FIRST_FROM_ZERO, "all at one time", after_zero, fired, minutes=range(90, ended + 10))
        self.first_at_once(made, ended)

    def _silence(self, made: Cases) -> None:
        made.add(NO_DATA, "no series", {}, minutes=range(60))
        numbers = dict.fromkeys(self.steady(FEED, too_much=True), " ".join(["NaN"] * 200))
        made.add(NO_DATA, "not a number", numbers, minutes=range(50))
        stopped = self.runs(FEED, ((0, 160),), ((1000, ONE_SAMPLE), (0, 159.75)))
        made.add(NO_DATA, "it is not run any more", stopped, minutes=range(10 + self.window + self.keep, 160))
        stale = {selector: f"{line} stale _x400" for selector, line in self.runs(FEED, ((0, 60),), ((10, 60),)).items()}
        made.add(NO_DATA, "it ended", stale, (FEED, self._fires(0), 60 + self.window + self.keep), minutes=range(50, 130))
        for minutes in (15, 55, 120, 600):
            again = self.runs(FEED, ((1, 130), (None, minutes), (1, 60)), ((5000, ONE_SAMPLE), (0, 129.75), (None, minutes), (0, 60)))
            made.add(GAP, f"of {minutes} minutes", again, minutes=range(120 + minutes, 190 + minutes))

    def _restarts(self, made: Cases) -> None:
        old = self.runs(FEED, ((0, 100),), ((1000, 100),))
        cheap = self.runs({**FEED, **SECOND}, ((None, 160), (1000, 60)), ((None, 160), (0, 60)))
        made.add(RESTART, "and it is cheap in the new process", old | cheap, minutes=range(150, 220))
        reset = self.runs(FEED, ((0, 160.25), (10, 59.75)), ((90_000, ONE_SAMPLE), (0, 159.75), (-90_000, ONE_SAMPLE), (0, 59.75)))
        made.add(RESTART, "the same series begin again", reset, minutes=range(60, 220))
        parts: Parts = ((None, 100), (0, ONE_SAMPLE), (30, ONE_SAMPLE), (0, ONE_SAMPLE), (-30, ONE_SAMPLE), (0, 99))
        ended = 100 + self.window + self.keep
        once = self.runs(FEED, ((None, 100), (0, 100)), parts)
        made.add(RESTART, "of series that are new, at once", once, (FEED, 101 + self.lasting, ended), minutes=range(95, ended + 10))
        costly = self.runs({**FEED, **SECOND}, ((None, 100), (0, 60)), ((None, 100), (1000, 60)))
        replaced = self.runs(FEED, ((1, 100),), ((0, 100),)) | costly
        made.add(RESTART, "and it is costly in the new process", replaced, (FEED, self._fires(100), 999), minutes=range(90, 150))

    def _apart(self, made: Cases) -> None:
        staging = {**STAGING, **NAME}
        several = {
            **self.steady({**FEED, **SECOND}, too_much=True),
            **self.runs(FEED, ((0, 60),), ((10, 60),)),
            **self.steady({**BLOG, **NAME}, too_much=False),
            **self.steady({**SHOP, "graphql_operation_name": "Search"}, too_much=False),
            **self.runs(staging, ((0, 60),), ((10, 60),)),
        }
        both = (FEED, self._fires(0), 999), (staging, self._fires(0), 999)
        made.add(APART, "services, environments and operations; processes together", several, *both, minutes=range(60))
        unnamed = self.steady(SHOP, too_much=True) | self.steady(FEED, too_much=False)
        made.add(UNNAMED, "is one of its own", unnamed, (SHOP, self._fires(0), 999), minutes=range(60))
        nowhere = {**NOWHERE, **NAME}
        without = self.steady(nowhere, too_much=True)
        made.add(NO_ENVIRONMENT, "fires all the same", without, (nowhere, self._fires(0), 999), minutes=range(60))

    def first_at_once(self, made: Cases, ended: int) -> None:
        """Series whose first sample is not 0."""
        at_once = self.runs(FEED, ((None, 100), (0, 100)), ((None, 100), (30, ONE_SAMPLE), (0, 99.75)))
        made.add(FIRST_AT_ONCE, "all at one time", at_once, (FEED, 100 + self.lasting, ended), minutes=range(90, ended + 10))
        # 10 runs with 90 statements, then 31 with none: 22 a run, which is allowed.
        followed = self.runs(FEED, ((None, 100), (0, ONE_SAMPLE), (31, ONE_SAMPLE), (0, 99.5)), ((None, 100), (10, ONE_SAMPLE), (0, 99.75)))
        made.add(FIRST_AT_ONCE, "and cheap ones afterwards", followed, minutes=range(101, ended + 10))

    def _fires(self, since: int) -> int:
        return since + self.lasting

    @abstractmethod
    def _cheap_again(self) -> int:
        """The minute in which it no longer costs too much, when all is cheap from the sixtieth on."""


class Latency(Costly):
    """A cheap run takes less than half a second, a costly one more than one."""

    counts_whole = False

    def runs(self, of: Labels, cheap: Parts, costly: Parts, kind: str = "query") -> dict[str, str]:
        labels = {**of, "graphql_operation_type": kind}
        all_of_them = _both(cheap, costly)
        buckets = {"0.5": cheap, "1": cheap, "2.5": all_of_them, "+Inf": all_of_them}
        found = {series(f"{DURATION}_bucket", labels, le=bound): counter(*parts) for bound, parts in buckets.items()}
        return {**found, series(f"{DURATION}_count", labels): counter(*all_of_them)}

    def steady(self, of: Labels, *, too_much: bool, minutes: float = 60) -> dict[str, str]:
        slow = 51 if too_much else 49
        return self.runs(of, ((1000 - slow, minutes),), ((slow, minutes),))

    def first_at_once(self, made: Cases, ended: int) -> None:
        at_once = self.runs(FEED, ((None, 100), (0, 100)), ((None, 100), (30, ONE_SAMPLE), (0, 99.75)))
        made.add(FIRST_AT_ONCE, "all in one sample, of which no percentile can be made", at_once, minutes=range(90, 140))
        followed = self.runs(FEED, ((None, 100), (0, 60)), ((None, 100), (30, 60)))
        made.add(FIRST_AT_ONCE, "and more afterwards", followed, (FEED, 101 + self.lasting, 999), minutes=range(90, 140))

    def _fires(self, since: int) -> int:
        # A rate needs a second sample.
        return since + 1 + self.lasting

    def _cheap_again(self) -> int:
        return 60 + self.window


class Statements(Costly):
    """A cheap run has no SQL statement, a costly one has 90."""

    def runs(self, of: Labels, cheap: Parts, costly: Parts, kind: str = "query") -> dict[str, str]:
        return self._series(of, _both(cheap, costly), tuple((step and step * 90, minutes) for step, minutes in costly), kind)

    def steady(self, of: Labels, *, too_much: bool, minutes: float = 60) -> dict[str, str]:
        return self._series(of, ((100, minutes),), ((5001 if too_much else 4999, minutes),), "query")

    def _series(self, of: Labels, runs: Parts, statements: Parts, kind: str) -> dict[str, str]:
        labels = {**of, "graphql_operation_type": kind}
        name = "graphql_auto_operation_db_queries"
        return {series(f"{name}_count", labels): counter(*runs), series(f"{name}_sum", labels): counter(*statements)}

    def _cheap_again(self) -> int:
        return 60 + self.window // 2


def operation_cases() -> list[Cases]:
    """Of each alert."""
    latency = Latency("GraphQLLatencyP95", at_least=choices.LATENCY_AT_LEAST, window=10, lasting=5, keep=5)
    percentile = latency.cases()
    subscribed = latency.runs(FEED, ((0, 60),), ((1000, 60),), "subscription") | latency.runs(FEED, ((100, 60),), ((0, 60),))
    percentile.add(SPECIAL, "subscriptions last as long as somebody listens", subscribed, minutes=range(60))
    moment = latency.runs(FEED, ((1000, 120),), ((0, 60), (150, 3), (0, 57)))
    percentile.add(SPECIAL, "13 % are slow, for three minutes", moment, minutes=range(120))
    statements = Statements("GraphQLStatementsPerOperation", at_least=choices.STATEMENTS_AT_LEAST, window=15, lasting=5, keep=10)
    mean = statements.cases()
    mean.add(SPECIAL, "no statement at all", statements.runs(FEED, ((100, 60),), ((0, 60),)), minutes=range(60))
    return [percentile, mean]


def _both(cheap: Parts, costly: Parts) -> Parts:
    """All runs. The parts may end at different minutes."""
    steps: list[list[float | None]] = [
        [step for step, minutes in parts for _ in range(round(minutes / ONE_SAMPLE))] for parts in (cheap, costly)
    ]
    return tuple((None if one is None or other is None else one + other, ONE_SAMPLE) for one, other in zip(*steps, strict=True))
