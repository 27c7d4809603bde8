"""Writes `generated/` from what is defined here; with `--check` says what differs instead."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dashboards.everything import files

GENERATED = Path(__file__).with_name("generated")


def main() -> int:
    """Exit code 1 where something differs."""
    parser = argparse.ArgumentParser("python -m dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where generated/ is not what would be written")
    parser.add_argument("--to", type=Path, default=GENERATED, metavar="FOLDER", help="write there instead")
    arguments = parser.parse_args()
    wanted = {arguments.to / name: text for name, text in files().items()}
    # Nothing else in a folder that somebody names is ours to delete.
    there = {path for pattern in ("dashboards/*.json", "alerts/*.yaml") for path in arguments.to.glob(pattern)}
    differing = {path for path, text in wanted.items() if path not in there or path.read_text(encoding="utf-8") != text}
    superfluous = there - wanted.keys()
    if arguments.check:
        for path in sorted(differing | superfluous):
            print(f"{path} is not what the code says: make dashboards", file=sys.stderr)
        return 1 if differing | superfluous else 0
    for path in differing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    for path in superfluous:
        path.unlink()
    print(f"{len(differing)} files written, {len(superfluous)} deleted, {len(wanted) - len(differing)} as they were")
    return 0


if __name__ == "__main__":
    sys.exit(main())
