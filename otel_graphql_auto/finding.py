"""What `graphql_auto doctor` finds: one row of its report, which any part of the package can make of itself."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["ERROR", "INFO", "OK", "WARNING", "Finding"]

OK: Final = "ok"
INFO: Final = "info"
WARNING: Final = "warning"
ERROR: Final = "error"


class Finding(NamedTuple):
    """One thing that was looked at: how it is, and for whatever is not well one line that says what to do."""

    level: str
    """`ok`, `info` (nothing to judge), `warning` (something is lost or does nothing) or `error` (telemetry does not arrive)."""

    subject: str
    """What was looked at, in a word or two."""

    message: str
    advice: str = ""
