"""What the servers have in common: a free port, waiting, and freezing a process with all that it has started."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil


def free_port() -> int:
    """A port that was free a moment ago, below those that a kernel gives to outgoing connections: one of these could take it first."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as door, contextlib.suppress(OSError):
            door.bind(("127.0.0.1", port))
            return port


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Ask again until it is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.05)


class Server:
    """A process that a test has started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It and its children stand still: their kernel takes connections and bytes, and nobody answers."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                if process.is_running():
                    process.resume()

    def stop(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = 15) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
