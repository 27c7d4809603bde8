"""Programs from Debian's packages, unpacked beside the tests: nothing is installed, and nobody has to be root."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / ".build"
"""Ignored by git, and removed by `make clean`."""

NOT_ROOT_FOR_DOWNLOADS = ("-o", "APT::Sandbox::User=root")
"""Whoever runs apt downloads: its own user may not write where we do, and it would warn."""

NEVER_BESIDE_ANOTHER = "libc6"
"""A second C library under the first one's loader does not start."""


class UnavailableError(Exception):
    """The program cannot be had here; the text says why."""


def unpack(package: str, *, works: Callable[[Path], bool]) -> Path:
    """The folder with this package and what it needs beyond what is installed, made once per release of the system and of the package.

    Sessions that run at the same time wait for one another. What no longer `works` (a library was removed from the system) is made anew.
    """
    try:
        folder = BUILD / package / _system()
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for made in sorted((path for path in folder.iterdir() if path.is_dir()), reverse=True):
                if works(made):
                    return made
                shutil.rmtree(made)
            made = _make(package, folder)
    except OSError as problem:
        raise UnavailableError(str(problem)) from problem
    if not works(made):
        raise UnavailableError(f"what was unpacked in {made} does not start")
    return made


def libraries(folder: Path) -> list[Path]:
    """Where shared libraries were unpacked to."""
    return sorted({library.parent for library in folder.rglob("lib*.so.*")})


def _system() -> str:
    """Another release's libraries do not fit, should several containers share the checkout."""
    release = platform.freedesktop_os_release()
    return f"{release['ID']}{release.get('VERSION_ID', '')}-{platform.machine()}"


def _make(package: str, folder: Path) -> Path:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            versions = _download(package, Path(scratch), options=())
        except UnavailableError:
            # Lists of packages that are missing or old: newer ones of our own, which leave the system's alone and ask for no right.
            options = _own_lists(Path(scratch) / "apt")
            _run(["apt-get", *NOT_ROOT_FOR_DOWNLOADS, *options, "update"])
            versions = _download(package, Path(scratch), options=options)
        unpacked = Path(scratch) / "unpacked"
        for archive in Path(scratch).glob("*.deb"):
            _run(["dpkg", "-x", str(archive), str(unpacked)])
        name = re.sub(r"[^\w.+~-]", "_", versions[package])
        # Under its name only when it is complete: the next session trusts what it finds.
        shutil.rmtree(unpacked / "usr" / "share" / "doc", ignore_errors=True)
        shutil.move(unpacked, folder / name)
    return folder / name


def _download(package: str, scratch: Path, *, options: Sequence[str]) -> dict[str, str]:
    """Fetch what an installation would add; give the version of each."""
    planned = _run(["apt-get", *options, "--simulate", "--no-install-recommends", "install", package])
    found = re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", planned, re.MULTILINE)
    versions = {name: version for name, version in found if name != NEVER_BESIDE_ANOTHER}
    if package not in versions:
        raise UnavailableError(f"apt-get does not plan to install {package}")
    wanted = [f"{name}={version}" for name, version in versions.items()]
    _run(["apt-get", *NOT_ROOT_FOR_DOWNLOADS, *options, "download", *wanted], folder=scratch)
    return versions


def _own_lists(folder: Path) -> list[str]:
    state, cache = folder / "state", folder / "cache"
    for path in (state / "lists" / "partial", cache / "archives" / "partial"):
        path.mkdir(parents=True)
    places = {"State": state, "State::lists": state / "lists", "State::status": "/var/lib/dpkg/status", "Cache": cache}
    return [word for name, place in places.items() for word in ("-o", f"Dir::{name}={place}")]


def _run(command: Sequence[str], *, folder: Path | None = None) -> str:
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise UnavailableError(str(problem)) from problem
    if done.returncode != 0:
        raise UnavailableError(f"{' '.join(command[:1])}: {done.stderr.strip()[-300:]}")
    return done.stdout
