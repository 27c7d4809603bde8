"""The doctor as its users call it: a command in a real project, whose exit code and report are looked at."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.receiver import Receiver
from tests.end_to_end.service import copy_project, environment

INSTRUMENT = ("opentelemetry-instrument",)
DOCTOR = ("python", "-m", "otel_graphql_auto", "doctor")
MANAGE = ("python", "manage.py", "graphql_auto", "doctor")


@dataclass
class Report:
    """What one run came to."""

    code: int
    output: str
    errors: str

    @property
    def findings(self) -> list[dict[str, str]]:
        """Of a run with --json."""
        return json.loads(self.output)["findings"]

    def rows(self, subject: str) -> list[tuple[str, str, str]]:
        """Level, message and advice of each finding about one thing."""
        return [(one["level"], one["message"], one["advice"]) for one in self.findings if one["subject"] == subject]

    def row(self, subject: str) -> tuple[str, str, str]:
        """The same of the only one."""
        rows = self.rows(subject)
        assert len(rows) == 1, (subject, self.findings, self.errors)
        return rows[0]

    @property
    def bad(self) -> list[tuple[str, str]]:
        """Level and subject of whatever is not well."""
        return [(one["level"], one["subject"]) for one in self.findings if one["level"] in ("warning", "error")]


@dataclass
class Shop:
    """A copy of the end-to-end tests' project, with a choice of settings."""

    path: Path

    def settings(self, text: str) -> dict[str, str]:
        """A settings module that begins as the shop's and goes on like this; gives the variable that selects it."""
        name = f"settings_{len(list((self.path / 'shop').glob('settings_*.py')))}"
        (self.path / "shop" / f"{name}.py").write_text(f"from shop.settings import *\n{text}\n")
        return {"DJANGO_SETTINGS_MODULE": f"shop.{name}"}

    def module(self, name: str, text: str) -> None:
        """One more module of the shop."""
        (self.path / "shop" / f"{name}.py").write_text(text)

    def examine(
        self, extra: dict[str, str] | None = None, *, command: tuple[str, ...] = (*INSTRUMENT, *DOCTOR, "--json"), clean: bool = True
    ) -> Report:
        """Run the doctor. No run may take longer than the bound that it promises, with the start of the project added. `clean`: nor may anything print a traceback."""
        done = subprocess.run(
            command, cwd=self.path, env=environment(self.path.parent, extra), capture_output=True, text=True, timeout=40, check=False
        )
        if clean:
            assert "Traceback" not in done.stderr, done.stderr
        return Report(done.returncode, done.stdout, done.stderr)

    def examine_all(self, *runs: dict[str, str], commands: Sequence[tuple[str, ...]] = ()) -> list[Report]:
        """The same for several environments, two at a time; all with the usual command, or each with its own."""
        with ThreadPoolExecutor(2) as pool:
            waiting = [
                pool.submit(self.examine, extra, command=command)
                for extra, command in zip(runs, commands or [(*INSTRUMENT, *DOCTOR, "--json")] * len(runs), strict=True)
            ]
            return [one.result() for one in waiting]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One for all tests; none writes to its database."""
    return Shop(copy_project(tmp_path_factory.mktemp("doctor")))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A collector."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def to(receiver: Receiver) -> dict[str, str]:
    """What a user sets to export to it."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
