"""What is committed is what the code says, and whoever edits it by hand is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboards.everything import files

from .alert_rules import GENERATED

pytestmark = pytest.mark.long

ROOT = GENERATED.parents[1]


def dashboards(*arguments: str | Path, seed: str = "0") -> subprocess.CompletedProcess[str]:
    """`python -m dashboards`."""
    command = [sys.executable, "-m", "dashboards", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which all has been written."""
    folder = tmp_path_factory.mktemp("generated")
    done = dashboards("--to", folder, seed="1")
    assert done.returncode == 0, done.stderr
    return folder


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}


def test_what_is_committed_is_what_the_code_says():
    done = dashboards("--check")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert {"alerts/prometheus.yaml", "alerts/grafana.yaml", "dashboards/overview.json"} <= content(GENERATED).keys()


def test_two_runs_write_the_same(written: Path):
    """Whatever order sets and dictionaries of one run have."""
    assert content(written) == files()
    done = dashboards("--to", written, "--check", seed="2")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("found", ["edited", "superfluous", "missing"])
def test_what_differs_is_named_and_mended(found: str, written: Path):
    rules = written / "alerts" / "prometheus.yaml"
    path = written / "dashboards" / "old.json" if found == "superfluous" else rules
    if found == "missing":
        rules.unlink()
    else:
        path.write_text("edited by hand\n", encoding="utf-8")
    done = dashboards("--to", written, "--check")
    assert done.returncode == 1
    assert done.stderr == f"{path} is not what the code says: make dashboards\n"
    assert path.exists() == (found != "missing"), "a check changes nothing"
    assert dashboards("--to", written).returncode == 0
    assert content(written) == files()
