"""What pre-forking changes: workers that come and go, and resources that were made before the fork."""

from __future__ import annotations

from pathlib import Path

import pytest

from .receiver import Receiver
from .service import EXPORT_AT_THE_END, Service, telemetry_environment
from .telemetry import count
from .traffic import resident_bytes

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["own", "preload"])
def test_recycled_workers_lose_nothing(receiver: Receiver, project: Path, preload: tuple[str, ...]) -> None:
    """A worker that ends itself after 5 requests takes no span and no measurement with it."""
    extra = telemetry_environment(receiver.endpoint, EXPORT_AT_THE_END)
    with Service(project, "gunicorn-single", extra, arguments=("--max-requests=5", *preload)) as service:
        exchanges = [service.client.query("query Recycled { process }") for _ in range(17)]
        service.stop()
    telemetry = receiver.telemetry
    processes = {exchange.data["process"] for exchange in exchanges}
    assert len(processes) >= 3
    assert {exchange.trace_id for exchange in exchanges} == {operation.trace_id for operation in telemetry.operations()}
    assert len(telemetry.operations()) == len(telemetry.servers()) == len(exchanges)
    points = telemetry.metric("graphql.server.request.duration")
    assert count(points) == len(exchanges)
    assert len({point.instance for point in points}) == len(processes)


def test_counters_of_two_preloaded_workers_add_up_while_they_live(receiver: Receiver, project: Path) -> None:
    """Between two exports of living preloaded workers, the sum over instances is what was sent: nobody interleaves with anybody."""
    with Service(project, "gunicorn-preload", telemetry_environment(receiver.endpoint)) as service:
        exchanges = service.client.together(["{ slow(milliseconds: 30) process }"] * 30, path="/graphql")
        receiver.wait_for(lambda telemetry: count(telemetry.metric("graphql.server.request.duration")) == 30)
        exchanges += service.client.together(["{ slow(milliseconds: 30) process }"] * 10, path="/graphql")
        receiver.wait_for(lambda telemetry: count(telemetry.metric("graphql.server.request.duration")) == 40)
        service.stop()
    by_instance = {point.instance: point.count for point in receiver.telemetry.metric("graphql.server.request.duration")}
    by_process: dict[int, int] = {}
    for exchange in exchanges:
        by_process[exchange.data["process"]] = by_process.get(exchange.data["process"], 0) + 1
    assert len(by_process) == 2
    assert sorted(by_instance.values()) == sorted(by_process.values())


def test_process_metrics_after_a_fork_are_the_workers(receiver: Receiver, project: Path) -> None:
    """After a fork from a preloaded parent, memory and CPU are the worker's: 64 MiB that only it holds are seen in it alone."""
    with Service(project, "gunicorn-preload", telemetry_environment(receiver.endpoint)) as service:
        exchange = service.client.query("{ ballast(megabytes: 64) }")
        worker = exchange.data["ballast"]
        (operation,) = receiver.wait_for(lambda telemetry: telemetry.operations(exchange.trace_id))
        receiver.wait_for(
            lambda telemetry: any(
                point.instance == operation.instance and point.time > operation.end for point in telemetry.metric("process.memory.usage")
            )
        )
        sizes = {process: resident_bytes(process) for process in (worker, service.process.pid)}
        service.stop()
    (mine,) = [point.value for point in receiver.telemetry.metric("process.memory.usage") if point.instance == operation.instance]
    others = [point.value for point in receiver.telemetry.metric("process.memory.usage") if point.instance != operation.instance]
    assert sizes[worker] - sizes[service.process.pid] > 40 * MEBIBYTE
    assert mine == pytest.approx(sizes[worker], abs=16 * MEBIBYTE)
    assert all(other < mine - 32 * MEBIBYTE for other in others)


@pytest.mark.parametrize("server", ["gunicorn-preload", "runserver"])
def test_a_given_instance_id_is_kept(receiver: Receiver, project: Path, server: str) -> None:
    """The user's `service.instance.id` is kept whole in one process, and begins the distinct ids of forked workers."""
    extra = {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=pod-7,deployment.environment.name=test"}
    with Service(project, server, telemetry_environment(receiver.endpoint, extra)) as service:
        exchanges = service.client.together(["{ slow(milliseconds: 30) process }"] * 12, path="/graphql")
        service.stop()
    instances = {}
    for exchange in exchanges:
        (operation,) = receiver.telemetry.operations(exchange.trace_id)
        assert operation.resource["deployment.environment.name"] == "test"
        instances[exchange.data["process"]] = operation.instance
    if server == "runserver":
        assert receiver.telemetry.instances() == {"pod-7"}
        return
    assert len(set(instances.values())) == len(instances) == 2
    assert all(instance.startswith("pod-7") for instance in receiver.telemetry.instances())
