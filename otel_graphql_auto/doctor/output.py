"""Keeps standard output for the report alone: what the project, its exporters and its exit handlers print goes to standard error."""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["give_back", "reserve"]


def reserve() -> TextIO:
    """The standard output that this process was given, for the report. Everything else that is written there comes out at standard error.

    By file descriptors, so that it holds for code in C, and until the very end of the process.
    """
    sys.stdout.flush()
    report = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding or "utf-8", errors="backslashreplace")
    os.dup2(2, 1)
    return report


def give_back(report: TextIO) -> None:
    """Let standard output be what it was, for a program that takes the place of this one."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(report.fileno(), 1)
