"""While its backends are killed or frozen the collector keeps what applications send, and afterwards nothing is missing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.collector import Collector, backend, collector
from tests.services.processes import wait_until
from tests.services.prometheus import Prometheus, prometheus

from .traffic import Arrivals, Traffic, samples, traffic

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]

OUTAGE = float(os.environ.get("OUTAGE_SECONDS", "40"))
"""Several of an exporter's attempts, each of which waits ten seconds for a frozen backend. By hand also more than five minutes."""

GIVES_UP = """
exporters:
  otlp_grpc/tempo: {retry_on_failure: {max_interval: 5s, max_elapsed_time: 5s}}
  otlp_http/prometheus: {retry_on_failure: {max_interval: 5s, max_elapsed_time: 5s}}
"""
"""The collector's default, in short."""


@dataclass
class Application:
    """One that sent all the time, and the collector in between."""

    sent: Traffic
    through: Collector
    store: Collector
    metrics: Prometheus
    arrivals: Arrivals

    def wait_for_what_it_sent(self) -> float:
        """Seconds that it took."""
        begin = time.monotonic()
        wait_until(lambda: not self.arrivals.missing(), seconds=60 + OUTAGE, what="every span arriving")
        wait_until(lambda: samples(self.metrics, self.sent.name) == self.sent.expected(), seconds=60, what="every point arriving")
        return time.monotonic() - begin


@pytest.fixture(scope="module")
def outages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Application]]:
    """All outages at the same time: they take no longer than one."""
    gives_up = tmp_path_factory.mktemp("changes") / "gives-up.yaml"
    gives_up.write_text(GIVES_UP, encoding="utf-8")
    with ExitStack() as stack:

        def application(name: str, store: Collector, metrics: Prometheus, *changes: Path) -> Application:
            where = {"TEMPO_ADDR": store.grpc_address, "PROMETHEUS_OTLP_URL": metrics.otlp_url}
            through = stack.enter_context(collector(*changes, **where))
            sent = stack.enter_context(traffic(through, name))
            return Application(sent, through, store, metrics, Arrivals(sent, store))

        killed = stack.enter_context(backend()), stack.enter_context(prometheus())
        frozen = stack.enter_context(backend()), stack.enter_context(prometheus())
        applications = {
            "killed": application("killed", *killed),
            "frozen": application("frozen", *frozen),
            "gives up": application("gives-up", *killed, gives_up),
        }
        time.sleep(3)
        with _killed(*killed), frozen[0].frozen(), frozen[1].frozen():
            time.sleep(OUTAGE)
        time.sleep(3)
        for one in applications.values():
            one.sent.stop()
        yield applications


@pytest.mark.parametrize("outage", ["killed", "frozen"])
def test_nothing_is_refused_during_an_outage_and_everything_arrives_after_it(outages, outage):
    application = outages[outage]
    sent = application.sent
    assert len(sent.spans) > OUTAGE * 100
    assert len(sent.exports) > OUTAGE * 0.5
    assert sent.refusals.total() + sent.unanswered.total() == 0

    seconds = application.wait_for_what_it_sent()

    print(
        f"{outage} for {OUTAGE:.0f} s: {len(sent.spans)} spans, {application.arrivals.duplicates} twice, {len(sent.exports)} exports of metrics, "
        f"all there {3 + seconds:.1f} s after the return"
    )
    assert samples(application.metrics, sent.name) == sent.expected()
    assert "Dropping data" not in application.through.log_text()


def test_the_same_outage_is_a_loss_for_a_collector_that_gives_up(outages):
    """The test above can fail: without `max_elapsed_time: 0s` it does."""
    outages["killed"].wait_for_what_it_sent()
    application = outages["gives up"]

    wait_until(lambda: application.through.log_text().count("no more retries left") > 1, seconds=5, what="giving up")
    assert application.arrivals.missing()
    assert samples(application.metrics, application.sent.name) != application.sent.expected()


@contextmanager
def _killed(*servers: Collector | Prometheus) -> Iterator[None]:
    for server in servers:
        server.stop(signal.SIGKILL)
    yield
    for server in servers:
        server.start()
