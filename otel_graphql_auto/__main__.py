"""`python -m otel_graphql_auto doctor` and `... summary`: the commands of this package for projects that do not have it in INSTALLED_APPS."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from otel_graphql_auto import doctor, summary

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of them, the doctor on the Django project of the working directory; returns the exit code."""
    parser = argparse.ArgumentParser("python -m otel_graphql_auto", description="OpenTelemetry for Django GraphQL.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    doctor.add_arguments(commands.add_parser("doctor", help=doctor.ABOUT, description=doctor.ABOUT))
    summary.add_arguments(commands.add_parser("summary", help=summary.ABOUT, description=summary.ABOUT))
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return 0
    if given.command == "summary":
        return summary.run(summary.Options.of(given))
    return doctor.run(doctor.Options.of(given), set_up_django=True)


if __name__ == "__main__":
    sys.exit(main())
