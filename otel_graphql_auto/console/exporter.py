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

__all__ = ["HOLD_SECONDS", "INSTALL_RICH", "SETTLE_SECONDS", "TABLE_AFTER", "TREES", "TREE_MS", "TREE_SECONDS", "GraphQLConsoleExporter"]

# Not the name of this file: it is what an application may have named in its logging.
_logger = logging.getLogger("otel_graphql_auto.console")

INSTALL_RICH: Final = 'The graphql_console exporter prints nothing without rich: pip install "otel-graphql-auto[console]"'

TREE_MS: Final = "OTEL_EXPORTER_GRAPHQL_CONSOLE_TREE_MS"
"""The environment variable, in milliseconds, that stands for `tree_seconds` where that is not given."""

TREE_SECONDS: Final = 0.1
"""Requests that took so long are drawn as a tree, faster ones as a line."""

SETTLE_SECONDS: Final = 3.0
"""The table is printed when no operation has ended for this long: after a burst of requests, not between them."""

TABLE_AFTER: Final = 10
"""A burst of fewer operations is not worth a table before the end of the process."""

HOLD_SECONDS: Final = 10.0
"""Spans whose parent has not come by then are printed without it; its process may have ended, or it is a long subscription."""

TREES: Final = 20
"""So many trees of one trace are printed at a time; of more, a line says how many."""

UNKNOWN_WIDTH: Final = 160


class GraphQLConsoleExporter(SpanExporter):
    """Prints a line for each fast request, a tree for each slow one, what failed in red, and now and then a table of operations.

    `OTEL_TRACES_EXPORTER=graphql_console` makes one; in a TracerProvider of your own give it to a BatchSpanProcessor or a
    SimpleSpanProcessor. It holds back neither the application nor its end: whatever goes wrong with printing is logged once.

    `file` is a text stream, by default standard output as it is now. `tree_seconds`: requests that took so long are drawn as a tree
    (default: the environment's OTEL_EXPORTER_GRAPHQL_CONSOLE_TREE_MS, else 0.1; 0 for every request). `settle_seconds` and `table_after`:
    the table is printed when no operation has ended for that long, and at least so many have since the last one; and at shutdown.
    `hold_seconds`: so long a span waits for its parent. All other `options` go to rich's Console, which decides about colours and width.

    Without rich it says once how to install it, and reports every batch as failed.
    """

    schedule_delay_millis: Final = 200
    """Milliseconds between two batches where the distribution makes the processor: a person waits for these."""

    console: Console | None = None
    """The rich Console that it prints to, None without rich."""

    def __init__(
        self,
        *,
        file: TextIO | None = None,
        tree_seconds: float | None = None,
        settle_seconds: float = SETTLE_SECONDS,
        hold_seconds: float = HOLD_SECONDS,
        table_after: int = TABLE_AFTER,
        **options: Any,
    ) -> None:
        self._tree_seconds = _tree_seconds_of_environment() if tree_seconds is None else tree_seconds
        self._settle_seconds = settle_seconds
        self._hold_seconds = hold_seconds
        self._table_after = table_after
        self._options = options
        self._complained = False
        self._closed = False
        self._output = _Output(file or sys.stdout)
        if RICH_MISSING:
            print(INSTALL_RICH, file=sys.stderr)
            return
        self._reset()
        # A forked worker prints its own requests, not once more those of its parent, whose locks it may have inherited closed.
        reset = weakref.WeakMethod(self._reset)
        os.register_at_fork(after_in_child=lambda: (method := reset()) and method())

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._traces = TraceBuffer()
        self._table = OperationTable()
        self._timer: threading.Timer | None = None
        self.console = console = Console(file=cast("TextIO", self._output), highlight=False, **self._options)
        self._cuts = console.is_terminal
        if "width" not in self._options and "COLUMNS" not in os.environ and not (console.is_terminal and _has_terminal()):
            console.width = UNKNOWN_WIDTH
            self._cuts = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Print what is complete by now; whatever goes wrong is a failed batch and never an exception."""
        if self.console is None or self._closed:
            return SpanExportResult.FAILURE
        return self._guarded(self._take, spans)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """What is held waits for its parent, which no flush brings."""
        return True

    def shutdown(self) -> None:
        """Print what still waits, and the table if it has changed."""
        if self.console is None or self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._guarded(lambda: self._print_due(everything=True))

    def mute(self) -> None:
        """Print nothing from now on, not even the table at the end."""
        self._closed = True

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
        if self._table.news and (everything or (self._wants_table() and now - self._table.changed_at >= self._settle_seconds)):
            self._table.news = 0
            if self.console:
                self.console.print(self._table.render())
        self._timer = None
        self._wake_later()

    def _wants_table(self) -> bool:
        return self._table.news >= self._table_after

    def _wake_later(self) -> None:
        now = time.monotonic()
        due = [since + self._hold_seconds for since in self._traces.waiting_since()]
        if self._wants_table():
            due.append(self._table.changed_at + self._settle_seconds)
        if not due or self._closed or (self._timer is not None and self._timer.is_alive()):
            return
        self._timer = threading.Timer(max(0.05, min(due) - now), self._guarded, (self._print_due,))
        self._timer.daemon = True
        self._timer.start()

    def _print_trees(self, trees: list[Tree]) -> None:
        console = self.console
        if console is None:
            return
        columns = console.width if self._cuts else None
        for tree in trees[:TREES]:
            lines = tree_lines(tree, ascii_only=console.options.ascii_only, tree_seconds=self._tree_seconds, columns=columns)
            for line in lines:
                line.rstrip()
            # A terminal cuts what is too wide, so that the tree keeps its shape; a file takes everything.
            console.print(Text("\n").join(lines), no_wrap=True, overflow="ellipsis", crop=self._cuts, soft_wrap=not self._cuts)
        if len(trees) > TREES:
            console.print(f"... {len(trees) - TREES} more spans of the same trace", style="dim")


def _has_terminal() -> bool:
    """Whether anybody can tell rich how wide the terminal is. With FORCE_COLOR it may be at the other end of a pipe, or nowhere."""
    return any(os.isatty(descriptor) for descriptor in range(3))


def _tree_seconds_of_environment() -> float:
    given = os.environ.get(TREE_MS, "").strip()
    try:
        return max(0.0, float(given)) / 1000 if given else TREE_SECONDS
    except ValueError:
        _logger.warning("%s is %r: it must be a number of milliseconds. %.0f is used.", TREE_MS, given[:40], TREE_SECONDS * 1000)
        return TREE_SECONDS


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
