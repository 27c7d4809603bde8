"""The load command sees what a collector does: nothing lost at a gentle rate, a loss where spans are taken away, and a rate that cannot be had."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.services.collector import REPOSITORY, built

pytestmark = pytest.mark.end_to_end

COMMAND = REPOSITORY / "tests" / "performance" / "collector_load.py"
GENTLE = ("--rate", "400", "--seconds", "2", "--processes", "2", "--metrics-every", "1")


def load(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run it as a developer does: exit code, result, and what it printed."""
    built("otelcol"), built("prometheus")
    file = folder / "result.json"
    done = subprocess.run(
        [sys.executable, COMMAND, *GENTLE, "--json", file, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert file.exists(), done.stderr
    return done.returncode, json.loads(file.read_text()), done.stdout


def test_a_gentle_load_arrives_whole_and_in_little_memory(tmp_path):
    """Every span and every point that was acknowledged is counted, and the numbers that matter are printed."""
    code, result, printed = load(tmp_path)

    assert result["complaints"] == []
    assert code == 0
    assert result["operations"] == 800
    assert result["accepted"] == result["arrived"] > 800 * 8
    assert result["points"] > 4 * 1000
    assert result["lost"] == result["lost_points"] == 0
    assert 20 * 2**20 < result["anonymous"] < 512 * 2**20
    assert 0 < result["cpu_per_operation"] < 0.1
    assert "0 lost" in printed


def test_spans_that_a_collector_takes_away_are_a_loss(tmp_path):
    """A filter that nobody asked for: the command counts what is missing, and fails."""
    thief = tmp_path / "thief.yaml"
    thief.write_text("processors: {filter/noise: {trace_conditions: ['span.attributes[\"graphql_auto.operation.slow\"] == true']}}\n")
    code, result, printed = load(tmp_path, "--config", str(thief), "--patience", "3")

    # Of the 200 operations of a round two are slow.
    assert result["lost"] == 800 // 100
    assert result["arrived"] == result["accepted"] - result["lost"] > 800 * 8
    assert code == 1
    assert "FAILED" in printed


def test_a_sampler_may_drop_whole_traces_but_none_that_failed_or_was_slow(tmp_path):
    """With the overlay most spans are sampled away; what the policies promise to keep is held to arrive."""
    code, result, _ = load(tmp_path, "--overlay", "sampling")

    assert result["complaints"] == []
    assert code == 0
    assert result["accepted"] == result["arrived"] + result["dropped"]
    # Four of a hundred fail or are slow, and of the others a tenth is kept.
    assert 0.05 < result["arrived"] / result["accepted"] < 0.3
