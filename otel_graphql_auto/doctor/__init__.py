"""`graphql_auto doctor`: makes a request in the user's own project, looks where its telemetry goes, and says what to do where it does not.

It sends one operation that touches no data to each GraphQL route, and an empty export to each endpoint; it changes nothing.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import Final, TextIO

from otel_graphql_auto.doctor import delivery, launch, output, report
from otel_graphql_auto.doctor.bounded import hangs
from otel_graphql_auto.doctor.examination import examine
from otel_graphql_auto.doctor.options import Options, add_arguments
from otel_graphql_auto.doctor.project import set_up
from otel_graphql_auto.finding import ERROR, Finding

__all__ = ["ABOUT", "Options", "add_arguments", "run"]

ABOUT: Final = "Make a request in this project, look where its telemetry goes, and say what to do."

_LAST_SECONDS = {False: 5.0, True: 1.0}
"""For the end of the process: exports and exit handlers. With True, where an endpoint takes nothing anyway."""


def run(options: Options, *, set_up_django: bool = False, stream: TextIO | None = None) -> int:
    """Look, write the report, and return the exit code.

    With `set_up_django` the project of the working directory is set up first. Where this process was started to be the doctor, it may
    start again under `opentelemetry-instrument`, and standard output carries the report alone; else the report goes to `stream`.
    """
    is_own = launch.is_own_process()
    out = output.reserve() if is_own else stream or sys.stdout
    started = launch.relaunched()
    failed = set_up() if set_up_django else []
    if not started and not failed:
        started = launch.relaunch(lambda: output.give_back(out))
    groups: Sequence[Sequence[Finding]] = [started, failed] if failed else [started, *examine(options)]
    out.write(report.as_json(groups) if options.json else report.as_text(groups, coloured=_is_coloured(options, out)))
    out.flush()
    code = report.exit_code(groups, strict=options.strict)
    if is_own:
        _leave(groups, code)
    return code


def _is_coloured(options: Options, out: TextIO) -> bool:
    if options.colour is not None:
        return options.colour
    return out.isatty() and not os.environ.get("NO_COLOR")


def _leave(groups: Sequence[Sequence[Finding]], code: int) -> None:
    """What hangs, or an endpoint that takes nothing, must not hold up the end."""
    fails = any(finding.level == ERROR and finding.subject == "endpoint" for group in groups for finding in group)
    if fails:
        delivery.silence()
    last = threading.Timer(0.0 if hangs() else _LAST_SECONDS[fails], os._exit, [code])
    last.daemon = True
    last.start()
