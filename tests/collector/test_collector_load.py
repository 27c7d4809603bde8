"""The load command sees what a collector does with what it took: all arrives at a gentle rate, and what somebody takes away is counted as lost."""

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
    built("otelcol")
    built("prometheus")
    file = folder / "result.json"
    done = subprocess.run(
        [sys.executable, COMMAND, *GENTLE, "--json", file, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert file.exists(), done.stderr
    return done.returncode, json.loads(file.read_text()), done.stdout


def test_a_gentle_load_arrives_whole_and_in_little_memory(tmp_path):
    """Every span and every point that was acknowledged is counted, and the numbers that matter are printed."""
    code, result, printed = load(tmp_path)

    # A machine that is busy with something else may be late even at this rate; nothing else may be wrong.
    assert [complaint for complaint in result["complaints"] if "wanted rate" not in complaint] == []
    assert code == bool(result["complaints"])
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
    code, result, printed = load(tmp_path, "--config", str(thief), "--patience", "2")

    # Of the 200 operations of a round two are slow.
    assert result["lost"] == 800 // 100
    assert result["arrived"] == result["accepted"] - result["lost"] > 800 * 8
    assert code == 1
    assert "FAILED" in printed


WITHOUT_THE_FIRST_MESSAGE = """
import json, sys
sys.path[:0] = sys.argv[1:]
import grpc
from load_observers import EXPORT, TraceBackend
from synthetic_spans import round_of
sent = round_of(0)
backend = TraceBackend()
with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
    for message in [*sent.messages[1:], sent.messages[1]]:
        channel.unary_unary(EXPORT)(bytes(message.encoded(round_number=7, now=10**18)))
backend.stop()
print(json.dumps([vars(backend.verdict([(7, sent)], sampled=sampled)) for sampled in (False, True)]))
"""


def test_a_sampler_may_drop_whole_traces_but_none_that_failed_or_was_slow_and_no_part_of_one():
    """One message is missing and another came twice: without a sampler all of it is lost, with one what it may not drop."""
    script = [sys.executable, "-c", WITHOUT_THE_FIRST_MESSAGE, COMMAND.parent, REPOSITORY]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=True)
    plain, sampled = json.loads(done.stdout)

    assert plain["lost"] == plain["duplicates"] == sampled["duplicates"] == 512
    assert plain["arrived"] == plain["accepted"] - 512 == sampled["arrived"] > 1000
    assert sampled["lost"] + sampled["dropped"] == 512
    # One that failed, one that was slow, and the one that goes on in the second message: at most 13 spans each.
    assert 20 < sampled["lost"] < 40
