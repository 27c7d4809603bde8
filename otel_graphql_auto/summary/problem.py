"""What stands in the way of a summary, in words for whoever asked for it."""

from __future__ import annotations

__all__ = ["SummaryError"]


class SummaryError(Exception):
    """`message` is one line, `advice` what to do about it; neither holds a password or a token."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
