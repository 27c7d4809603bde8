"""A stack that has seen every scenario, and the questions that tests put to its Prometheus as Grafana would."""

from __future__ import annotations

import json
import math
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from functools import cache, cached_property
from typing import Any

from tests.services.collector import attributes
from tests.services.prometheus import Prometheus
from tests.services.stack import Stack

from .asked import Target

STEP_SECONDS = 5
BEFORE_SECONDS = 30
SEARCHABLE_SECONDS = 40


class Observed:
    """`running` is still up, and quiet since a moment."""

    def __init__(self, running: Stack, began: float) -> None:
        self.running = running
        self.prometheus: Prometheus = running.prometheus
        self._began = began
        self._ended = time.time()
        self.labels_of = cache(self._labels_of)
        self.tree_of = cache(self._tree_of)

    @cached_property
    def names(self) -> set[str]:
        """All names of metrics."""
        return set(self.prometheus.api("label/__name__/values"))

    def ask(self, target: Target) -> list[dict[str, Any]] | str:
        """The series with their values, by an instant query or one for a range as the panel wants; or what Prometheus complains of."""
        try:
            if target.instant:
                return self.prometheus.api("query", query=target.query, time=self._ended)["result"]
            return self.prometheus.api(
                "query_range", query=target.query, start=self._began - BEFORE_SECONDS, end=self._ended, step=STEP_SECONDS
            )["result"]
        except urllib.error.HTTPError as refusal:
            with refusal:
                return str(json.load(refusal)["error"])

    def variable(self, query: str) -> list[str]:
        """Values of a variable that is asked for with `label_values(…)`."""
        wanted = re.fullmatch(r"label_values\((?:(.+), *)?(\w+)\)", query)
        assert wanted, query
        series, label = wanted.groups()
        return self.prometheus.api(f"label/{label}/values", start=self._began, end=self._ended, **({"match[]": series} if series else {}))

    def attributes_sent(self) -> dict[str, set[str]]:
        """Of all spans and their resources, where no real Tempo has taken them: name -> values as TraceQL writes them."""
        found: dict[str, set[str]] = {}
        for resource in self.running.traces.arrived():
            spans = [span for scope in resource["scopeSpans"] for span in scope["spans"]]
            for element in (resource["resource"], *spans):
                for name, value in attributes(element).items():
                    found.setdefault(name, set()).add(str(value).lower() if isinstance(value, bool) else str(value))
        return found

    def traces(self, query: str) -> list[dict[str, Any]]:
        """What a real Tempo finds; spans can be searched a quarter of a minute after they have arrived."""
        times = {"start": int(self._began) - BEFORE_SECONDS, "end": int(self._ended)}
        address = f"http://{self.running.traces.address}/api/search?{urllib.parse.urlencode({'q': query, **times})}"
        end = time.monotonic() + SEARCHABLE_SECONDS
        while True:
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:
                    found = json.load(answer).get("traces") or []
            except urllib.error.HTTPError as refusal:
                with refusal:
                    found, complaint = [], refusal.read().decode(errors="replace")
                assert time.monotonic() < end, complaint
            if found or time.monotonic() > end:
                return found
            time.sleep(1)

    def _labels_of(self, metric: str) -> set[str] | None:
        """Those that any of its series has; None where there is no series."""
        found = self.prometheus.api("labels", **{"match[]": f'{{__name__="{metric}"}}'})
        return set(found) or None

    def _tree_of(self, query: str) -> Any:
        """The tree of an expression, by Prometheus' own parser."""
        return self.prometheus.api("parse_query", query=query)


def has_data(result: list[dict[str, Any]]) -> bool:
    """Whether there is a number to show."""
    values = [value for series in result for _, value in series.get("values", [series.get("value", (0, "NaN"))])]
    return any(not math.isnan(float(value)) for value in values)
