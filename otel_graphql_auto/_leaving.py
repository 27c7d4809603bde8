"""How a process with telemetry ends: what is left is exported, within seconds, also on SIGTERM and when nobody listens."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import signal
import threading
import time
from typing import Any

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.environment_variables import OTEL_BSP_SCHEDULE_DELAY
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

__all__ = ["LogRecordProcessor", "SpanProcessor", "bound_exit", "let_child_leave", "quieten_exporters"]

_EXIT_SECONDS = 2.5
"""For the last metrics and spans together. The SDK's own limits add up to a minute where no collector answers."""

_SILENCE_S = 300
"""Seconds between two log lines about exports that fail."""

_EXPORTER_LOGGERS = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.metrics._internal.export",
)


_exit_began: float | None = None


def _milliseconds_left() -> int:
    """What is left of the time to leave, which begins when this is first asked; never nothing, so that one export is tried."""
    global _exit_began
    now = time.monotonic()
    if _exit_began is None:
        _exit_began = now
    return max(200, int((_exit_began + _EXIT_SECONDS - now) * 1000))


class SpanProcessor(BatchSpanProcessor):
    """The SDK's batch processor, with a bounded end, and without delay for an exporter that a person reads."""

    def __init__(self, span_exporter: SpanExporter, **options: Any) -> None:
        if not os.environ.get(OTEL_BSP_SCHEDULE_DELAY):
            options.setdefault("schedule_delay_millis", getattr(span_exporter, "schedule_delay_millis", None))
        super().__init__(span_exporter, **options)

    def shutdown(self) -> None:
        """Export what is queued, or give up."""
        self._batch_processor.shutdown(timeout_millis=_milliseconds_left())


class LogRecordProcessor(BatchLogRecordProcessor):
    """The same for logs."""

    def shutdown(self) -> None:
        """Export what is queued, or give up."""
        self._batch_processor.shutdown(timeout_millis=_milliseconds_left())


def bound_exit() -> None:
    """Bound the exit of the global meter provider, and make a SIGTERM that nobody handles export what is left first."""
    provider = metrics.get_meter_provider()
    if hasattr(provider, "shutdown"):
        atexit.unregister(provider.shutdown)
        atexit.register(_shutdown_metrics)
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
        os.register_at_fork(after_in_child=_let_die)


@functools.cache
def _shutdown_metrics() -> None:
    provider: Any = metrics.get_meter_provider()
    provider.shutdown(timeout_millis=_milliseconds_left())


def _terminate(signum: int, _frame: Any) -> None:
    """Die of the signal as before, a moment later, or once a long call into C has returned.

    Servers that handle the signal (gunicorn) replace this; uvicorn raises it again at its end.
    """
    signal.signal(signum, signal.SIG_DFL)
    # In a thread: the interrupted code may hold a lock that exporting needs, and then waiting is all that is lost.
    last = threading.Thread(target=_export_the_rest, daemon=True)
    last.start()
    last.join(_EXIT_SECONDS + 1)
    os.kill(os.getpid(), signum)


def _let_die() -> None:
    """In a forked process that has no handler of its own: Python's runs only between bytecodes, and a pool waits for its workers to die."""
    if signal.getsignal(signal.SIGTERM) is _terminate:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def let_child_leave() -> None:
    """In the parent of a reloader: on control-C give the child, which gets it too, its time to export.

    `subprocess.run`, with which Django starts the child, kills it a quarter of a second later.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(signum: int, frame: Any) -> None:
    """Do what Python does, once a child has ended. The next control-C does not wait."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end = time.monotonic() + _EXIT_SECONDS + 1
    while time.monotonic() < end and _children_are_running():
        time.sleep(0.02)
    signal.default_int_handler(signum, frame)


def _children_are_running() -> bool:
    """Whether there are children and none has ended. The status of one that has is lost; an interrupted `subprocess.run` gives none."""
    if not hasattr(os, "WNOHANG"):
        return False
    try:
        return os.waitpid(-1, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


def _export_the_rest() -> None:
    providers: tuple[Any, ...] = (trace.get_tracer_provider(), _logs.get_logger_provider())
    for provider in providers:
        if hasattr(provider, "shutdown"):
            provider.shutdown()
    _shutdown_metrics()


def quieten_exporters() -> None:
    """Have failing exports logged once in five minutes rather than several times in each interval."""
    seldom = _Seldom()
    for name in _EXPORTER_LOGGERS:
        logging.getLogger(name).addFilter(seldom)


class _Seldom(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._silent_until = 0.0
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        with self._lock:
            if time.monotonic() < self._silent_until:
                return False
            self._silent_until = time.monotonic() + _SILENCE_S
        record.msg = f"{record.getMessage()} (the application is not affected; said once in {_SILENCE_S // 60} minutes)"
        record.args = ()
        return True
