"""`graphql_auto summary`: prints the overview's numbers in a terminal, from the same queries.

It asks Prometheus and nothing else: it needs no Django project, and sends no telemetry.
"""

from __future__ import annotations

import shutil
import sys
from typing import Final, TextIO

from otel_graphql_auto._safety import text
from otel_graphql_auto.summary import address, figures, report
from otel_graphql_auto.summary.options import Options, add_arguments
from otel_graphql_auto.summary.problem import SummaryError
from otel_graphql_auto.summary.prometheus import Prometheus

__all__ = ["ABOUT", "Options", "add_arguments", "run"]

ABOUT: Final = "Print what Prometheus has of operations: how many, how fast, errors, SQL."

_WIDTH = (120, 24)
"""Columns and lines, where there is no terminal."""


def run(options: Options, *, stream: TextIO | None = None, errors: TextIO | None = None) -> int:
    """Ask, write the summary to `stream`, or to `errors` why there is none, and return the exit code."""
    out, complaints = stream or sys.stdout, errors or sys.stderr
    try:
        summary = figures.ask(Prometheus(address.find(options.url, options.token_file)), options)
    except SummaryError as problem:
        lines = [" ".join(text(problem.message).split()), *map(text, problem.advice.splitlines())]
        _write(complaints, "\n".join(lines) + "\n")
        return 1
    for warning in summary.warnings:
        _write(complaints, f"Prometheus warns: {warning}\n")
    if options.json:
        _write(out, report.as_json(summary, limit=options.limit))
    else:
        _write(out, report.as_text(summary, limit=options.limit, width=shutil.get_terminal_size(_WIDTH).columns))
    return 0


def _write(stream: TextIO, words: str) -> None:
    """Names of services are in any script, and the terminal may not be."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(words.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
