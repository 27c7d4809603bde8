"""Cases of the alerts that count what should not happen: slow operations and statements, N+1 queries, our own errors, lost telemetry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    RESOLVES,
    RESTART,
    SHOP,
    SPECIAL,
    STAGING,
    UNNAMED,
    Cases,
)
from .promtool import ONE_SAMPLE, Labels, counter, series

EVERY_ONE = "each one counts, however few there are"
NO_OPERATION = "it does not tell operations apart"
SECOND: Labels = {"service_instance_id": "2"}


@dataclass(frozen=True)
class Counted:
    """It fires when more than `allowed` happened within `window` minutes, and for `keep` minutes longer."""

    alert: str
    metric: str
    what: Labels
    """Labels of what happened, beside those of the service."""
    other: Labels
    """The same of something else."""
    window: int
    keep: int
    allowed: int = 0
    of: Labels = field(default_factory=lambda: SHOP)
    elsewhere: tuple[Labels, Labels] = (BLOG, STAGING)
    added: Labels = field(default_factory=dict)
    """What the rule adds."""
    of_process: bool = False
    """Whether each process has its own alert."""

    def cases(self, why_not: Mapping[str, str]) -> Cases:
        """All that this kind of alert has in common."""
        made = Cases(self.alert, {LOW_TRAFFIC: EVERY_ONE, **why_not})
        self._limit(made)
        self._first_events(made)
        self._silence(made)
        self._restarts(made)
        self._apart(made)
        return made

    @property
    def _enough(self) -> int:
        return self.allowed + 1

    @property
    def _fired(self) -> Labels:
        return {**self.of, **self.what, **self.added}

    @property
    def _first(self) -> str:
        return self._series(self.of)

    @property
    def _second(self) -> str:
        return self._series({**self.of, **SECOND})

    def _limit(self, made: Cases) -> None:
        happens = {self._first: counter((0, 100), (self._enough, ONE_SAMPLE), (0, 100))}
        # From then on the window has no sample from before the event.
        over = 100 + self.window
        fired = (self._fired, 100, over + self.keep)
        made.add(FIRES, "one more than allowed, once", happens, fired, minutes=range(90, 101 + self.window // 2))
        made.add(RESOLVES, "some time after it", happens, fired, minutes=range(over - 2, over + self.keep + 10))
        again = {self._first: counter((0, 100), *[(self._enough, ONE_SAMPLE), (0, self.window + self.keep - 2)] * 2)}
        made.add(RESOLVES, "comes back before that: one alert", again, (self._fired, 100, 999), minutes=range(95, over + self.keep + 5))
        # Each one half a minute after the one before.
        spread = {self._first: counter((0, 100), *[(1, ONE_SAMPLE), (0, ONE_SAMPLE)] * self._enough, (0, 60))}
        reached = 100 + self._enough // 2
        made.add(FIRES, "one after the other", spread, (self._fired, reached, 999), minutes=range(90, over))
        as_allowed = {self._first: counter((0, 100), (self.allowed, ONE_SAMPLE), (0, 60))}
        made.add(BELOW, "as many as allowed", as_allowed, minutes=range(160))
        old = {self._first: counter((50, ONE_SAMPLE), (0, 130), (self.allowed, ONE_SAMPLE), (0, 60))}
        made.add(BELOW, "as many as allowed, of a counter that is not new", old, minutes=range(100, 180))
        long_ago = {self._first: counter((50, ONE_SAMPLE), (0, 160))}
        made.add(BELOW, "much happened, long ago", long_ago, minutes=range(10 + self.window + self.keep, 160))

    def _first_events(self, made: Cases) -> None:
        ended = 100 + self.window + self.keep
        begins = {self._first: counter((None, 100), (0, ONE_SAMPLE), (self._enough, ONE_SAMPLE), (0, 100))}
        # It happens a sample later, and is out of the window a minute later.
        made.add(FIRST_FROM_ZERO, "and no other", begins, (self._fired, 101, ended + 1), minutes=range(95, ended + 10))
        # Where the process says that its series began, long before it first counted anything: Prometheus puts the 0 there.
        early = {self._first: counter((None, 58), (0, ONE_SAMPLE), (None, 42 - ONE_SAMPLE), (self._enough, ONE_SAMPLE), (0, 100))}
        made.add(FIRST_FROM_ZERO, "a 0 of long before", early, (self._fired, 100, ended), minutes=range(95, ended + 10))
        at_once = {self._first: counter((None, 100), (self._enough, ONE_SAMPLE), (0, 100))}
        made.add(FIRST_AT_ONCE, "and no other", at_once, (self._fired, 100, ended), minutes=range(95, ended + 10))
        few = {self._first: counter((None, 100), (self.allowed, ONE_SAMPLE), (0, 60))}
        made.add(FIRST_AT_ONCE, "no more than allowed", few, minutes=range(150))
        short = {self._first: counter((None, 100), (self._enough, ONE_SAMPLE), (0, 1))}
        made.add(FIRST_AT_ONCE, "of a process that ended", short, (self._fired, 100, 999), minutes=range(95, ended - 2))

    def _silence(self, made: Cases) -> None:
        made.add(NO_DATA, "no series", {}, minutes=range(60))
        made.add(NO_DATA, "nothing new before it ended", {self._first: f"{counter((0, 100))} stale _x100"}, minutes=range(150))
        made.add(NO_DATA, "not a number", {self._first: " ".join(["NaN"] * 200)}, minutes=range(50))
        for minutes in (15, 55, 120, 600):
            returns = {self._first: counter((70, ONE_SAMPLE), (0, 130), (None, minutes), (0, 60))}
            made.add(GAP, f"of {minutes} minutes", returns, minutes=range(120 + minutes, 190 + minutes))

    def _restarts(self, made: Cases) -> None:
        old = {self._first: counter((70, ONE_SAMPLE), (0, 130))}
        allowed = {self._second: counter((None, 130), (self.allowed, ONE_SAMPLE), (0, 60))}
        made.add(RESTART, "another process, which counts from 0", old | allowed, minutes=range(100, 190))
        reset = {self._first: counter((70, ONE_SAMPLE), (0, 130), (self.allowed - 70, ONE_SAMPLE), (0, 60))}
        made.add(RESTART, "the same series begins again", reset, minutes=range(100, 190))
        once = counter((None, 100), (0, ONE_SAMPLE), (self._enough, ONE_SAMPLE), (0, ONE_SAMPLE), (-self._enough, ONE_SAMPLE), (0, 100))
        ended = 100 + self.window + self.keep
        fired = (self._fired, 101, ended)
        made.add(RESTART, "of a series that is new, at once", {self._first: once}, fired, minutes=range(95, ended + 10))
        too_many = {self._second: counter((None, 130), (self._enough, ONE_SAMPLE), (0, 60))}
        by_new = {**self._fired, **SECOND} if self.of_process else self._fired
        made.add(RESTART, "and it happens in the new process", old | too_many, (by_new, 130, 999), minutes=range(100, 130 + self.window))

    def _apart(self, made: Cases) -> None:
        def times(number: int) -> str:
            return counter((0, 100), (number, ONE_SAMPLE), (0, 60))

        here, there = self.elsewhere
        together = {self._first: times(self._enough // 2), self._second: times(self._enough - self._enough // 2)}
        several = {
            **({self._first: times(self._enough)} if self.of_process else together),
            self._series(here): times(self._enough),
            self._series(there): times(self.allowed),
            series(self.metric, {**self.of, **self.other}): times(self.allowed),
        }
        both = (self._fired, 100, 999), ({**here, **self.what, **self.added}, 100, 999)
        title = "what happened, and collectors" if self.of_process else "what happened, services and environments; processes together"
        made.add(APART, title, several, *both, minutes=range(90, 100 + self.window))

    def _series(self, of: Labels) -> str:
        return series(self.metric, {**of, **self.what})

    def without(self, made: Cases, kind: str, title: str, *labels: str) -> None:
        """It fires where these labels are missing too."""
        kept = {label: value for label, value in {**self.of, **self.what}.items() if label not in labels}
        happens = counter((0, 100), (self.allowed + 1, ONE_SAMPLE), (0, 60))
        fired = ({**kept, **self.added}, 100, 999)
        made.add(kind, title, {series(self.metric, kept): happens}, fired, minutes=range(90, 100 + self.window))


def counted_cases() -> list[Cases]:
    """Of each alert."""
    return [_slow_operations(), _n_plus_one(), _slow_statements(), _internal_errors(), _lost_telemetry()]


def _slow_operations() -> Cases:
    feed, search = {"graphql_operation_name": "Feed"}, {"graphql_operation_name": "Search"}
    alert = Counted(
        "GraphQLSlowOperations", "graphql_auto_operation_slow_total", feed, search, window=5, keep=10, allowed=choices.SLOW_OPERATIONS
    )
    made = alert.cases({})
    alert.without(made, UNNAMED, "is one of its own", "graphql_operation_name")
    alert.without(made, NO_ENVIRONMENT, "fires all the same", "deployment_environment_name")
    kinds = {
        series(alert.metric, {**SHOP, **feed}, graphql_operation_type=kind): counter((None, 100), (1000, 60))
        for kind in ("query", "mutation")
    }
    made.add(SPECIAL, "a name that a query and a mutation have is one", kinds, ({**SHOP, **feed}, 100, 999), minutes=range(90, 120))
    return made


def _n_plus_one() -> Cases:
    author, comments = {"graphql_field_schema_coordinate": "Post.author"}, {"graphql_field_schema_coordinate": "Post.comments"}
    alert = Counted("GraphQLNPlusOne", "graphql_auto_n_plus_one_total", author, comments, window=30, keep=30)
    made = alert.cases({UNNAMED: NO_OPERATION})
    alert.without(made, NO_ENVIRONMENT, "fires all the same", "deployment_environment_name")
    return made


def _slow_statements() -> Cases:
    posts, users = {"db_collection_name": "blog_post"}, {"db_collection_name": "auth_user"}
    alert = Counted(
        "GraphQLSlowStatements", "graphql_auto_db_slow_total", posts, users, window=10, keep=10, allowed=choices.SLOW_STATEMENTS
    )
    made = alert.cases({UNNAMED: NO_OPERATION})
    alert.without(made, NO_ENVIRONMENT, "fires all the same", "deployment_environment_name")
    alert.without(made, SPECIAL, "statements on no table are told together", "db_collection_name")
    return made


def _internal_errors() -> Cases:
    one, other = ({"graphql_auto_room": "execution", "error_type": kind} for kind in ("KeyError", "TypeError"))
    alert = Counted("GraphQLInternalErrors", "graphql_auto_internal_errors_total", one, other, window=15, keep=15)
    made = alert.cases({UNNAMED: NO_OPERATION})
    alert.without(made, NO_ENVIRONMENT, "fires all the same", "deployment_environment_name")
    return made


LOST = {
    f"otelcol_exporter_{how}_failed_{what}_total": {"reason": reason, "what": what.replace("_", " ")}
    for how, reason in (("send", "the store refused them"), ("enqueue", "the queue was full"))
    for what in ("spans", "metric_points", "log_records")
}
"""Counters of the collector, and what the alert says of each."""


def _lost_telemetry() -> Cases:
    spans = "otelcol_exporter_send_failed_spans_total"
    collector, second, third = ({"service_instance_id": name} for name in "123")
    exporter, other = {"exporter": "otlp/tempo"}, {"exporter": "otlphttp/prometheus"}
    alert = Counted(
        "CollectorLosesTelemetry",
        spans,
        exporter,
        other,
        window=10,
        keep=10,
        of=collector,
        elsewhere=(second, third),
        added=LOST[spans],
        of_process=True,
    )
    made = alert.cases({UNNAMED: NO_OPERATION, NO_ENVIRONMENT: "collectors are told apart by their instance, not by an environment"})
    for metric, added in LOST.items():
        happens = {series(metric, {**collector, **exporter}): counter((0, 100), (3, ONE_SAMPLE), (0, 60))}
        made.add(
            SPECIAL, f"{added['what']}: {added['reason']}", happens, ({**collector, **exporter, **added}, 100, 999), minutes=range(95, 105)
        )
    every = {series(metric, {**collector, **exporter}): counter((0, 100), (3, ONE_SAMPLE), (0, 60)) for metric in LOST}
    fired = [({**collector, **exporter, **added}, 100, 999) for added in LOST.values()]
    made.add(SPECIAL, "all of it", every, *fired, minutes=range(95, 105))
    ends = {series(spans, {**collector, **exporter}, error_type="Shutdown"): counter((0, 100), (3, ONE_SAMPLE), (0, 60))}
    made.add(SPECIAL, "what waits on the disk of a collector that ends", ends, minutes=range(90, 130))
    return made
