"""The development server with its reloader: a parent that watches files, and a child that serves and is replaced."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from .receiver import Receiver, wait_until
from .service import Service, telemetry_environment
from .telemetry import count


def test_a_reload_loses_nothing(receiver: Receiver, project: Path) -> None:
    """After a file changed, and after control-C, what the child did has arrived; the parent never spoke."""

    def old_child_is_gone() -> bool:
        # Again and again: a change that comes before the child's first look at all files is not noticed.
        os.utime(project / "shop" / "views.py")
        return not Path(f"/proc/{old}").exists()

    with Service(project, "reloader", telemetry_environment(receiver.endpoint, {"OTEL_BSP_SCHEDULE_DELAY": "60000"})) as service:
        before = service.client.query("{ process }")
        old = before.data["process"]
        receiver.wait_for(lambda telemetry: telemetry.metric("process.memory.usage"))
        wait_until(old_child_is_gone, timeout=20, what="the end of the old child")
        receiver.wait_for(lambda telemetry: telemetry.operations(before.trace_id))
        wait_until(service.is_listening, timeout=20, what="the new child")
        after = service.client.query("{ process }")
        # Longer than the quarter of a second after which Python kills what it runs.
        receiver.answer_seconds = 0.5
        service.stop(signal.SIGINT, group=True)
    assert after.data["process"] not in (old, service.process.pid)
    (first,), (second,) = (receiver.telemetry.operations(exchange.trace_id) for exchange in (before, after))
    assert receiver.telemetry.instances() == {first.instance, second.instance}
    assert first.instance != second.instance
    assert count(receiver.telemetry.metric("graphql.server.request.duration")) == 2


def test_control_c_that_only_the_parent_gets_ends_the_child_too(receiver: Receiver, project: Path) -> None:
    """As without us: the parent ends what it started, a moment later."""
    with Service(project, "reloader", telemetry_environment(receiver.endpoint)) as service:
        service.client.query("{ process }")
        assert service.stop(signal.SIGINT) == 0
