"""The kinds of cases that every alert has to have, or has to say why there can be none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .promtool import Case, Firing, Labels

FIRES = "fires"
BELOW = "silent just below the limit"
RESOLVES = "resolves"
LOW_TRAFFIC = "low traffic"
FIRST_FROM_ZERO = "first event ever, after a 0"
FIRST_AT_ONCE = "first event ever, in the first sample"
NO_DATA = "no data"
RESTART = "a restart"
APART = "told apart"
UNNAMED = "an operation without a name"
NO_ENVIRONMENT = "no environment"
GAP = "a gap in all telemetry"
SPECIAL = "special"

KINDS = (
    FIRES,
    BELOW,
    RESOLVES,
    LOW_TRAFFIC,
    FIRST_FROM_ZERO,
    FIRST_AT_ONCE,
    NO_DATA,
    RESTART,
    APART,
    UNNAMED,
    NO_ENVIRONMENT,
    GAP,
)
"""`SPECIAL` is for what only one alert can do."""

SHOP: Labels = {"service_name": "shop", "deployment_environment_name": "production"}
STAGING: Labels = {**SHOP, "deployment_environment_name": "staging"}
BLOG: Labels = {**SHOP, "service_name": "blog"}
NOWHERE: Labels = {"service_name": "shop"}
"""A service without an environment."""


@dataclass
class Cases:
    """Those of one alert. `why_not`: kind -> why it makes no sense."""

    alert: str
    why_not: Mapping[str, str]

    def __post_init__(self) -> None:
        self._made: list[Case] = []

    def add(self, kind: str, title: str, series: Mapping[str, str], *fires: tuple[Labels, int, int], minutes: range) -> None:
        """What fires: labels, the minute from which on, and the first one in which it does no longer."""
        self._made.append(Case(self.alert, kind, title, series, [Firing(*one) for one in fires], minutes))

    def __iter__(self) -> Iterator[Case]:
        return iter(self._made)

    def of(self, kind: str) -> list[Case]:
        """The cases of a kind."""
        return [case for case in self._made if case.kind == kind]
