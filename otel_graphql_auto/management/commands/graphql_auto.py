"""`python manage.py graphql_auto doctor` and `... summary`: the commands of this package, one word each after `graphql_auto`."""

from __future__ import annotations

import sys
from argparse import SUPPRESS
from typing import Any

from django.core.management.base import BaseCommand

from otel_graphql_auto import doctor, summary

__all__ = ["Command"]


class Command(BaseCommand):  # type: ignore[misc]
    """Alone it prints its help."""

    help = "OpenTelemetry for Django GraphQL."
    requires_system_checks: list[str] = []
    """The doctor says itself what is wrong."""

    def add_arguments(self, parser: Any) -> None:
        """Declare the commands and their options."""
        commands = parser.add_subparsers(dest="graphql_auto_command", metavar="command")
        of_doctor = commands.add_parser("doctor", help=doctor.ABOUT, description=doctor.ABOUT)
        doctor.add_arguments(of_doctor)
        _add_options_of_django(of_doctor)
        of_summary = commands.add_parser("summary", help=summary.ABOUT, description=summary.ABOUT)
        summary.add_arguments(of_summary)
        _add_options_of_django(of_summary)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the one that was named. Leaves with its exit code where that is not 0."""
        if options["graphql_auto_command"] is None:
            self.print_help("manage.py", "graphql_auto")
            return
        if options["graphql_auto_command"] == "summary":
            code = summary.run(summary.Options.of(options), stream=self.stdout, errors=self.stderr)
        else:
            code = doctor.run(doctor.Options.of(options), stream=self.stdout)
        if code:
            sys.exit(code)


def _add_options_of_django(parser: Any) -> None:
    """Django gives its own options to the parser above, so that `doctor --settings=…` would be refused."""
    parser.add_argument("-v", "--verbosity", type=int, choices=range(4), default=SUPPRESS, help=SUPPRESS)
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, default=SUPPRESS, help=SUPPRESS)
    for flag in ("--traceback", "--no-color", "--force-color"):
        parser.add_argument(flag, action="store_true", default=SUPPRESS, help=SUPPRESS)
