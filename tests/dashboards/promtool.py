"""What an alert has to do with given series, minute by minute, run by Prometheus' own `promtool test rules`."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.services.collector import built

PER_MINUTE = 4
"""Samples, as applications export them: every 15 seconds."""

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Firing:
    """From this minute on, up to but without that one."""

    labels: Labels
    since: int
    until: int


@dataclass(frozen=True)
class Case:
    """Series, and when what has to fire: nothing else may, in any minute in which it is looked at."""

    alert: str
    kind: str
    title: str
    series: Mapping[str, str]
    """Selector -> values in the notation of promtool."""
    fires: Sequence[Firing] = ()
    minutes: range = range(1)

    @property
    def name(self) -> str:
        """What promtool calls it."""
        return f"{self.alert}, {self.kind}: {self.title}"

    def as_group(self, own_labels: Labels) -> dict[str, object]:
        """A test group of promtool."""
        tests = []
        for minute in self.minutes:
            firing = [{**own_labels, **one.labels} for one in self.fires if one.since <= minute < one.until]
            alerts = [{"exp_labels": labels} for labels in firing]
            tests.append({"eval_time": f"{minute}m", "alertname": self.alert, "exp_alerts": alerts})
        values = [{"series": selector, "values": line} for selector, line in self.series.items()]
        return {"name": self.name, "interval": f"{60 // PER_MINUTE}s", "input_series": values, "alert_rule_test": tests}


@dataclass(frozen=True)
class Run:
    """A rule file, and the test groups of promtool that it has to do well in."""

    rules: str
    groups: Sequence[Mapping[str, object]]


def failures(*runs: Run) -> list[dict[str, str]]:
    """For each run the groups that failed: name -> what promtool says."""
    with tempfile.TemporaryDirectory(prefix="promtool-") as scratch:
        folder = Path(scratch)
        for number, run in enumerate(runs):
            assert run.groups
            (folder / f"rules-{number}.yaml").write_text(run.rules, encoding="utf-8")
            test = {"rule_files": [f"rules-{number}.yaml"], "evaluation_interval": "1m", "tests": run.groups}
            # JSON is YAML too, and is written in no time.
            (folder / f"test-{number:04}.yaml").write_text(json.dumps(test), encoding="utf-8")
        files = [path.name for path in sorted(folder.glob("test-*.yaml"))]
        command = [str(built("prometheus") / "promtool"), "test", "rules", "--junit=result.xml", *files]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        assert (folder / "result.xml").exists(), done.stderr[-3000:]
        suites = {suite.get("name"): suite for suite in ET.parse(folder / "result.xml").getroot()}
    found = []
    for file, run in zip(files, runs, strict=True):
        results = {case.get("name"): case for case in suites[file]}
        assert set(results) == {group["name"] for group in run.groups}, f"not all were run: {done.stderr[-3000:]}"
        found.append({str(name): failure.text or "" for name, case in results.items() if (failure := case.find("failure")) is not None})
    return found


def written(rules: str, cases: Sequence[Case]) -> dict[str, list[tuple[Labels, Labels]]]:
    """What fires when each case's first alert begins to: labels and annotations, by the case's name."""
    silent = [replace(case, fires=(), minutes=range(case.fires[0].since, case.fires[0].since + 1)) for case in cases]
    (found,) = failures(Run(rules, [case.as_group({}) for case in silent]))
    return {name: _read(told.partition("got:")[2]) for name, told in found.items()}


def _read(told: str) -> list[tuple[Labels, Labels]]:
    sets = [
        {name: json.loads(value) for name, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', line)}
        for line in told.splitlines()
        if line.strip().startswith(("Labels:", "Annotations:"))
    ]
    return list(zip(sets[::2], sets[1::2], strict=True))


def series(name: str, labels: Labels, **more: str) -> str:
    """A selector."""
    inside = ", ".join(f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in {**labels, **more}.items())
    return f"{name}{{{inside}}}"


def counter(*parts: tuple[float | None, float]) -> str:
    """Values that begin at 0: each part has a step by which every sample is more than the one before, and minutes. No step: no samples."""
    value, written = 0.0, []
    for step, minutes in parts:
        samples = round(minutes * PER_MINUTE)
        if step is None:
            written.append(f"_x{samples}")
            continue
        written.append(f"{value + step:.12g}+{step:.12g}x{samples - 1}" if step >= 0 else f"{value + step:.12g}-{-step:.12g}x{samples - 1}")
        value += step * samples
    return " ".join(written)


def gauge(*parts: tuple[float | None, float]) -> str:
    """Each part has a value and minutes. No value: no samples."""
    return " ".join(
        f"_x{round(minutes * PER_MINUTE)}" if value is None else f"{value:g}x{round(minutes * PER_MINUTE) - 1}" for value, minutes in parts
    )


ONE_SAMPLE = 1 / PER_MINUTE
"""In minutes."""
