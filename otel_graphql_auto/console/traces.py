"""Keeps the spans that came before their parent, and gives them back as trees when it comes or when they have waited enough."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_graphql_auto.console.spans import in_time, parent_id, span_id, trace_id

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["HELD_SPANS", "SHOWN_SPANS", "TRACES", "Trace", "TraceBuffer", "Tree"]

TRACES: Final = 256
HELD_SPANS: Final = 5_000
SHOWN_SPANS: Final = 1_000
"""Bounds of what is kept: traces; spans that wait for their parent, in all; spans of one trace that late children may name as their
parent."""


class Tree(NamedTuple):
    """Spans that hang together, ready to be printed."""

    root: ReadableSpan
    spans: list[ReadableSpan]
    children: dict[int, list[ReadableSpan]]
    remark: str


class Trace:
    """The spans of one trace that wait for their parent, and the ids of those that were printed."""

    def __init__(self) -> None:
        self.held: dict[int, ReadableSpan] = {}
        self.held_since = 0.0
        self.shown: dict[int, None] = {}

    def add(self, span: ReadableSpan, now: float) -> None:
        """Hold a span until `complete` or `rest` gives it back."""
        if not self.held:
            self.held_since = now
        self.held[span_id(span)] = span

    def complete(self) -> list[Tree]:
        """What hangs on a local root, or on a span that was printed before."""
        return self._take(
            [span for span in self.held.values() if parent_id(span) is None or parent_id(span) in self.shown], "ended after its parent"
        )

    def rest(self) -> list[Tree]:
        """Everything that waits, although its parent did not come."""
        trees = self._take([span for span in self.held.values() if parent_id(span) not in self.held], "parent not seen")
        # What is left calls itself its own ancestor.
        self.held.clear()
        return trees

    def _take(self, roots: list[ReadableSpan], remark: str) -> list[Tree]:
        waiting: dict[int | None, list[ReadableSpan]] = {}
        for span in in_time(self.held.values()):
            waiting.setdefault(parent_id(span), []).append(span)
        trees = []
        for root in in_time(roots):
            self.held.pop(span_id(root), None)
            tree = Tree(root, [root], {}, remark if parent_id(root) else "")
            for span in tree.spans:
                # Only what is still held: ids that were used twice must not make a circle.
                below = [child for child in waiting.get(span_id(span), ()) if self.held.pop(span_id(child), None)]
                tree.children[span_id(span)] = below
                tree.spans.extend(below)
                self.shown[span_id(span)] = None
            trees.append(tree)
        for id_ in list(self.shown)[: max(0, len(self.shown) - SHOWN_SPANS)]:
            del self.shown[id_]
        return trees


class TraceBuffer:
    """The traces that were heard from last, by their id, bounded in number and in the spans that they hold together."""

    def __init__(self) -> None:
        self.traces: OrderedDict[str, Trace] = OrderedDict()

    def add(self, span: ReadableSpan, now: float) -> None:
        """Hold a span for its trace, which may be the first word of that trace."""
        self.traces.setdefault(trace_id(span), Trace()).add(span, now)

    def complete(self, id_: str) -> list[Tree]:
        """What can be printed of a trace that has just got spans, and is now the last to be given up."""
        self.traces.move_to_end(id_)
        return self.traces[id_].complete()

    def overflow(self) -> Iterator[list[Tree]]:
        """What still waits in the oldest traces, each given up until the rest keeps to the bounds."""
        while len(self.traces) > TRACES or (self.traces and sum(len(trace.held) for trace in self.traces.values()) > HELD_SPANS):
            _, oldest = self.traces.popitem(last=False)
            yield oldest.rest()

    def overdue(self, now: float, *, hold_seconds: float) -> Iterator[list[Tree]]:
        """What has waited for `hold_seconds` or longer, trace by trace."""
        for trace in self.traces.values():
            if trace.held and now - trace.held_since >= hold_seconds:
                yield trace.rest()

    def waiting_since(self) -> list[float]:
        """Since when each trace that holds spans has been waiting."""
        return [trace.held_since for trace in self.traces.values() if trace.held]
