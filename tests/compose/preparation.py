"""Runs demo/prepare.sh as its container does: by root with one right, or, where nobody is root, with a chown that only writes down."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.compose.stack import ROOT, mounts, services

SCRIPT = ROOT / "demo" / "prepare.sh"
PREFIX = "/volumes/"


def folders() -> dict[str, str]:
    """The volume behind each folder that the script finds."""
    return {target.removeprefix(PREFIX): source for source, target, _ in mounts("prepare") if target.startswith(PREFIX)}


def prepare(folder: Path) -> None:
    """Empty volumes, unless they are there, and one run of the script."""
    for name in folders():
        (folder / name).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*_as_in_its_container(folder), "sh", SCRIPT, folder], env=_environment(folder), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def is_root() -> bool:
    """Whether files are really given away here."""
    return os.geteuid() == 0 and shutil.which("setpriv") is not None


def _as_in_its_container(folder: Path) -> list[str]:
    if not is_root():
        return []
    rights = ",".join(f"+{right.lower()}" for right in services()["prepare"]["cap_add"])
    return ["setpriv", f"--bounding-set=-all,{rights}", "--inh-caps=-all", "--no-new-privs"]


def _environment(folder: Path) -> dict[str, str]:
    if is_root():
        return {"PATH": os.environ["PATH"]}
    programs = folder.with_name("programs")
    programs.mkdir(exist_ok=True)
    chown = programs / "chown"
    chown.write_text('#!/bin/sh\necho "$@" >>"$0.log"\n')
    chown.chmod(0o755)
    return {"PATH": os.pathsep.join([str(programs), os.environ["PATH"]])}
