"""Decides when which spans are printed, and stands between the application and everything that can go wrong with that.

It must not hold up or break the application, and it must not grow: whatever is kept is bounded in number and in time.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_graphql_auto.console.spans import is_operation, trace_id
from otel_graphql_auto.console.traces import TraceBuffer, Tree

try:
    from rich.console import Console
    from rich.text import Text
except ImportError:
    RICH_MISSING = True
else:
    RICH_MISSING = False
    # Not guarded: these need rich, and a mistake in them must not look like its absence.
    from otel_graphql_auto.console.drawing import tree_lines
    from otel_graphql_auto.console.table import OperationTable

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["HOLD_SECONDS", "INSTALL_RICH", "SETTLE_SECONDS", "TREES", "GraphQLConsoleExporter"]

# Not the name of this file: it is what an application may have named in its logging.
_logger = logging.getLogger("otel_graphql_auto.console")

INSTALL_RICH: Final = 'The graphql_console exporter prints nothing without rich: pip install "otel-graphql-auto[console]"'

SETTLE_SECONDS: Final = 3.0
"""The table is printed when no operation has ended for this long: after a burst of requests, not between them."""

HOLD_SECONDS: Final = 10.0
"""Spans whose parent has not come by then are printed without it; its process may have ended, or it is a long subscription."""

TREES: Final = 20
"""So many trees of one trace are printed at a time; of more, a line says how many."""

PIPED_WIDTH: Final = 160


class GraphQLConsoleExporter(SpanExporter):
    """Prints to `file`, by default standard output; rich decides about colours and width unless `options` for its Console say otherwise.

    Without rich it says once how to install it, and reports every batch as failed.
    """

    def __init__(
        self, *, file: TextIO | None = None, settle_seconds: float = SETTLE_SECONDS, hold_seconds: float = HOLD_SECONDS, **options: Any
    ) -> None:
        self._settle_seconds = settle_seconds
        self._hold_seconds = hold_seconds
        self._complained = False
        self._closed = False
        self._output = _Output(file or sys.stdout)
        self._console: Console | None = None
        if RICH_MISSING:
            print(INSTALL_RICH, file=sys.stderr)
            return
        self._reset()
        self._console = Console(file=cast("TextIO", self._output), highlight=False, **options)
        if not self._console.is_terminal and "width" not in options and "COLUMNS" not in os.environ:
            self._console.width = PIPED_WIDTH
        # A forked worker prints its own requests, not once more those of its parent, whose lock it may have inherited closed.
        reset = weakref.WeakMethod(self._reset)
        os.register_at_fork(after_in_child=lambda: (method := reset()) and method())

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._traces = TraceBuffer()
        self._table = OperationTable()
        self._timer: threading.Timer | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Print what is complete by now; whatever goes wrong is a failed batch and never an exception."""
        if self._console is None or self._closed:
            return SpanExportResult.FAILURE
        return self._guarded(self._take, spans)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """What is held waits for its parent, which no flush brings."""
        return True

    def shutdown(self) -> None:
        """Print what still waits, and the table if it has changed."""
        if self._console is None or self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._guarded(lambda: self._print_due(everything=True))

    def _guarded(self, action: Callable[..., None], *arguments: Any) -> SpanExportResult:
        """A closed terminal or an odd span costs output, never a request; the first failure is logged."""
        try:
            with self._lock:
                action(*arguments)
            if self._output.error is not None:
                raise self._output.error
        except Exception:
            if not self._complained:
                self._complained = True
                _logger.exception("The graphql_console exporter could not print spans.")
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def _take(self, spans: Sequence[ReadableSpan]) -> None:
        now = time.monotonic()
        touched: dict[str, None] = {}
        for span in spans:
            if is_operation(span):
                self._table.add(span, now)
            self._traces.add(span, now)
            touched[trace_id(span)] = None
        for id_ in touched:
            self._print_trees(self._traces.complete(id_))
        for trees in self._traces.overflow():
            self._print_trees(trees)
        self._wake_later()

    def _print_due(self, *, everything: bool = False) -> None:
        now = time.monotonic()
        for trees in self._traces.overdue(now, hold_seconds=0.0 if everything else self._hold_seconds):
            self._print_trees(trees)
        if self._table.changed_at is not None and (everything or now - self._table.changed_at >= self._settle_seconds):
            self._table.changed_at = None
            if self._console:
                self._console.print(self._table.render())
        self._timer = None
        self._wake_later()

    def _wake_later(self) -> None:
        now = time.monotonic()
        due = [since + self._hold_seconds for since in self._traces.waiting_since()]
        if self._table.changed_at is not None:
            due.append(self._table.changed_at + self._settle_seconds)
        if not due or self._closed or (self._timer is not None and self._timer.is_alive()):
            return
        self._timer = threading.Timer(max(0.05, min(due) - now), self._guarded, (self._print_due,))
        self._timer.daemon = True
        self._timer.start()

    def _print_trees(self, trees: list[Tree]) -> None:
        console = self._console
        if console is None:
            return
        for tree in trees[:TREES]:
            text = Text("\n").join(tree_lines(tree, ascii_only=console.options.ascii_only))
            # A terminal cuts what is too wide, so that the tree keeps its shape; a file takes everything.
            console.print(text, no_wrap=True, overflow="ellipsis", crop=console.is_terminal, soft_wrap=not console.is_terminal)
        if len(trees) > TREES:
            console.print(f"... {len(trees) - TREES} more spans of the same trace", style="dim")


class _Output:
    """A text file that refuses no character and never raises: rich would end the program when standard output was closed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.error: Exception | None = None

    def write(self, text: str) -> int:
        encoding = self._file.encoding or "utf-8"
        self._try(self._file.write, text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        self._try(self._file.flush)

    def _try(self, action: Callable[..., object], *arguments: str) -> None:
        try:
            action(*arguments)
        except (OSError, ValueError) as error:
            self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
