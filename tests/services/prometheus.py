"""A real Prometheus with the shipped configuration and flags: `with prometheus() as server`."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .collector import SHIPPED, built
from .processes import Server, free_port, wait_until

CONFIGURATION = SHIPPED / "prometheus" / "prometheus.yml"

FLAGS = (
    "--web.enable-otlp-receiver",
    "--web.enable-remote-write-receiver",
    "--enable-feature=exemplar-storage,created-timestamp-zero-ingestion",
)
"""As docker-compose.yml gives them; a test holds the two together."""


class Prometheus(Server):
    """One server with its data in a folder; it can be ended and started again."""

    def __init__(self, folder: Path, changes: dict[str, str], rules: Iterable[Path] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        (folder / "rules").mkdir()
        for file in rules:
            shutil.copy(file, folder / "rules")
        text = CONFIGURATION.read_text(encoding="utf-8")
        for old, new in {"localhost:9090": f"localhost:{self.port}", **changes}.items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "prometheus.yml").write_text(text, encoding="utf-8")
        self.start()

    def start(self) -> None:
        """Start it, or start it again with the data it had, and wait until it answers."""
        command = [
            built("prometheus") / "prometheus",
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            *FLAGS,
        ]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        super().__init__(process, self.port)
        wait_until(self.answers, seconds=30, what="Prometheus being ready")

    def answers(self) -> bool:
        """Whether it is ready."""
        assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    @property
    def otlp_url(self) -> str:
        """For PROMETHEUS_OTLP_URL."""
        return f"http://127.0.0.1:{self.port}/api/v1/otlp"

    def api(self, path: str, **parameters: Any) -> Any:
        """`data` of an answer of its HTTP API."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10
        ) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str, **parameters: Any) -> list[dict[str, Any]]:
        """Result of an instant query: a list of `{"metric": labels, "value": [time, text]}` (`values` for a range selector)."""
        result: list[dict[str, Any]] = self.api("query", query=expression, **parameters)["result"]
        return result

    def value(self, expression: str) -> float | None:
        """The one number that the expression gives, None where it gives nothing."""
        result = self.query(expression)
        assert len(result) < 2, result
        return float(result[0]["value"][1]) if result else None


@contextmanager
def prometheus(*, rules: Iterable[Path] = (), every: str | None = None, **scraped: str) -> Iterator[Prometheus]:
    """Start one with these files of rules.

    `postgres_exporter="127.0.0.1:9187"` puts an address in the place of that of a service, which is then scraped every second, or as often as
    `every` says; rules are looked at as often.
    """
    folder = Path(tempfile.mkdtemp(prefix="prometheus-"))
    names = {"postgres_exporter": "postgres-exporter:9187", "tempo": "tempo:3200"}
    changes = {names[name]: address for name, address in scraped.items()}
    if every is None and scraped:
        every = "1s"
    if every not in (None, "15s"):
        changes |= {f"{what}_interval: 15s": f"{what}_interval: {every}" for what in ("scrape", "evaluation")} | {
            "scrape_timeout: 10s": f"scrape_timeout: {every}"
        }
    server: Prometheus | None = None
    try:
        server = Prometheus(folder, changes, rules)
        yield server
    finally:
        if server is not None:
            server.stop(seconds=30)
        shutil.rmtree(folder, ignore_errors=True)
