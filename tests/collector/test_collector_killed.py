"""What a collector has acknowledged it still has after it was killed or ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.services.collector import Collector, backend, collector
from tests.services.processes import wait_until
from tests.services.prometheus import Prometheus, prometheus

from .traffic import Arrivals, Traffic, samples, traffic

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]


@dataclass
class Line:
    """A collector with traffic, and what is behind it."""

    through: Collector
    sent: Traffic
    store: Collector
    metrics: Prometheus
    arrivals: Arrivals

    def backends_down(self) -> None:
        """Nobody listens there any more."""
        for server in (self.store, self.metrics):
            server.stop(signal.SIGKILL)

    def backends_up(self) -> None:
        """They are back."""
        for server in (self.store, self.metrics):
            server.start()

    def kill_often(self, times: int) -> None:
        """Kill the collector under traffic, and start it again each time."""
        for _ in range(times):
            time.sleep(1)
            self.through.kill()
            time.sleep(0.3)
            self.through.start()

    def assert_all_arrived(self) -> None:
        """Spans and points, at least once; says how many came twice."""
        self.sent.stop()
        wait_until(lambda: not self.arrivals.missing(), seconds=60, what="every acknowledged span arriving")
        wait_until(lambda: not self._points_missing(), seconds=60, what="every acknowledged point arriving")
        print(
            f"{len(self.sent.spans)} spans acknowledged, {self.arrivals.duplicates} twice, {len(self.sent.exports)} exports of metrics, "
            f"{dict(self.sent.unanswered)} messages without an answer"
        )
        assert not self.sent.refusals

    def _points_missing(self) -> bool:
        # What was not acknowledged may have arrived too.
        found = samples(self.metrics, self.sent.name)
        return any(not set(values) <= set(found.get(series, ())) for series, values in self.sent.expected().items())


@pytest.fixture
def line() -> Iterator[Line]:
    with ExitStack() as stack:
        store, metrics = stack.enter_context(backend()), stack.enter_context(prometheus())
        through = stack.enter_context(collector(TEMPO_ADDR=store.grpc_address, PROMETHEUS_OTLP_URL=metrics.otlp_url))
        sent = stack.enter_context(traffic(through, pause=0.02, export_interval=0.2))
        yield Line(through, sent, store, metrics, Arrivals(sent, store))


def test_a_collector_that_is_killed_under_traffic_has_what_it_acknowledged(line):
    line.kill_often(3)
    line.backends_down()
    line.kill_often(3)
    line.backends_up()
    line.kill_often(3)

    assert len(line.sent.spans) > 1000
    assert len(line.sent.exports) > 10
    assert line.sent.unanswered.total() > 5
    line.assert_all_arrived()


@pytest.mark.parametrize("backends_are_up", [True, False])
def test_an_acknowledgement_holds_from_its_first_moment(line, backends_are_up):
    line.sent.stop()
    if not backends_are_up:
        line.backends_down()
    before = len(line.sent.spans)
    for _ in range(5):
        assert line.sent.send_message()
        line.through.kill()
        line.through.start()
    if not backends_are_up:
        line.backends_up()

    assert len(line.sent.spans) == before + 5 * 50
    line.assert_all_arrived()


def test_a_collector_that_is_ended_while_its_backends_are_down_keeps_what_it_has(line):
    line.backends_down()
    for _ in range(2):
        time.sleep(1)
        line.through.stop(seconds=30)
        # 1: it could not send its last metrics about itself either. Not a signal.
        assert line.through.process.returncode in {0, 1}
        line.through.start()
    time.sleep(1)
    line.backends_up()

    assert len(line.sent.spans) > 500
    assert len(line.sent.exports) > 5
    line.assert_all_arrived()
