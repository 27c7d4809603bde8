"""A queue that is full says so and refuses what an application can send again; it loses nothing and holds nothing else up."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.services.collector import Collector, backend, collector
from tests.services.processes import wait_until
from tests.services.prometheus import Prometheus

from .traffic import Arrivals, samples, traffic

pytestmark = [pytest.mark.long, pytest.mark.end_to_end]

CHANGES = """
extensions:
  # They may not be larger than the queue, which is small here.
  file_storage/queue: {{compaction: {{rebound_needed_threshold_mib: 4, rebound_trigger_threshold_mib: 1}}}}
service:
  telemetry:
    resource: {{attributes: [{{name: service.name, value: "{name}"}}]}}
    metrics: {{readers: [{{periodic: {{interval: 500, exporter: {{otlp: {{protocol: http/protobuf, endpoint: "{url}/v1/metrics"}}}}}}}}]}}
"""

MEBIBYTE = 1024 * 1024

LIMITS = {
    "queue": ({"COLLECTOR_QUEUE_BYTES": str(2 * MEBIBYTE)}, "sending queue is full"),
    "file": ({"COLLECTOR_QUEUE_MAX_BYTES": str(4 * MEBIBYTE)}, "the storage extension has run out of available space"),
    "disk": ({}, "file too large"),
}
"""What fills first -> variables, and what the log says then."""


@pytest.mark.parametrize("limit", LIMITS)
def test_a_full_queue_refuses_for_now_and_goes_on(metrics_backend: Prometheus, tmp_path: Path, limit: str):
    environment, message = LIMITS[limit]
    name = f"full-{limit}"
    changes = tmp_path / "changes.yaml"
    changes.write_text(CHANGES.format(name=name, url=metrics_backend.otlp_url), encoding="utf-8")
    with backend() as store:
        store.stop(signal.SIGKILL)
        where = {"TEMPO_ADDR": store.grpc_address, "PROMETHEUS_OTLP_URL": metrics_backend.otlp_url}
        with (
            collector(changes, **where, **environment) as server,
            traffic(server, f"shop-{limit}", spans_of_a_message=500, pause=0.02, export_interval=0.5) as sent,
        ):
            if limit == "disk":
                _give_no_more_disk(server)
            wait_until(lambda: sent.refusals["traces", 503] > 1, seconds=60, what="a full queue")
            exports = len(sent.exports)
            assert sent.spans

            # It says so.
            assert message in server.log_text()
            failed = f'otelcol_exporter_enqueue_failed_spans_total{{job="{name}", exporter="otlp_grpc/tempo"}}'
            wait_until(lambda: (metrics_backend.value(failed) or 0) >= 500, seconds=10, what="the count of what was not queued")

            # It takes metrics as before.
            wait_until(lambda: len(sent.exports) > exports + 2, seconds=10, what="further exports of metrics")

            # It takes spans again, first of all those that were refused.
            taken = len(sent.spans)
            store.start()
            wait_until(lambda: len(sent.spans) >= taken + 1000, seconds=60, what="room for spans")
            if limit == "disk":
                _give_more_disk(server)
                # To take something out of the queue is a write too: what was in it when the disk was full may be lost (README.md says how to
                # avoid that). What comes afterwards is not.
                sent.forget_spans()
                wait_until(lambda: len(sent.spans) >= 1000, seconds=60, what="further spans")
            sent.stop()
            arrivals = Arrivals(sent, store)
            wait_until(lambda: not arrivals.missing(), seconds=60, what="every acknowledged span arriving")
            wait_until(lambda: samples(metrics_backend, sent.name) == sent.expected(), seconds=20, what="every point arriving")

            assert set(sent.refusals) == {("traces", 503)}
            assert not sent.unanswered
            print(f"{limit}: {taken} spans fitted, {len(sent.spans)} arrived, {arrivals.duplicates} twice")


def test_a_full_queue_survives_a_restart(tmp_path: Path):
    """Its size is what leaves room in the file to put back what was on its way: a full file would not be enough."""
    changes = tmp_path / "changes.yaml"
    changes.write_text(CHANGES.format(name="full-restarted", url="http://127.0.0.1:9/api/v1/otlp"), encoding="utf-8")
    environment = {"COLLECTOR_QUEUE_MAX_BYTES": str(8 * MEBIBYTE), "COLLECTOR_QUEUE_BYTES": "5600000"}
    with backend() as store:
        store.stop(signal.SIGKILL)
        with collector(changes, TEMPO_ADDR=store.grpc_address, **environment) as server:
            with traffic(server, spans_of_a_message=500, pause=0.02) as sent:
                wait_until(lambda: sent.refusals["traces", 503] > 1, seconds=60, what="a full queue")
            assert sent.spans
            assert "run out of available space" not in server.log_text()
            for restart in range(4):
                if restart % 2:
                    server.stop(seconds=30)
                else:
                    server.kill()
                server.start()
                time.sleep(0.5)
            store.start()
            arrivals = Arrivals(sent, store)
            wait_until(lambda: not arrivals.missing(), seconds=60, what="every acknowledged span arriving")


def _give_no_more_disk(server: Collector) -> None:
    """A write beyond it fails as on a disk that is full, for which a test would have to be root."""
    psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_FSIZE, (2 * MEBIBYTE, 2**40))


def _give_more_disk(server: Collector) -> None:
    """As after somebody has made room."""
    psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_FSIZE, (2**40, 2**40))
