"""An error of somebody's hook, which operations with one name meet; it is copied beside the demo, whose REQUEST_HOOK it becomes."""

from typing import Any

UNLUCKY = "Unlucky"


def hook(operation: Any, request: Any) -> None:
    """Fail for `query Unlucky`, and leave all others alone."""
    if operation.name == UNLUCKY:
        raise LookupError("a hook that was planted")
