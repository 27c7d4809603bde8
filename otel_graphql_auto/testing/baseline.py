"""Numbers of SQL statements for each operation in a file beside the tests, which a review sees change."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from otel_graphql_auto.database.ledger import Entry
from otel_graphql_auto.testing.budgets import Block
from otel_graphql_auto.testing.runs import NO_FIELD, Run, message, relative

__all__ = ["FILE", "UPDATE", "query_baseline"]

FILE = "query_baseline.json"

UPDATE = "GRAPHQL_AUTO_UPDATE_QUERY_BASELINE"
"""The environment variable that makes blocks record instead of compare. pytest's option sets it."""

_TOTAL = "total"
_HINT = f"To record it: pytest --update-query-baseline, or {UPDATE}=1 with another runner."

_recorded: dict[Path, dict[str, dict[str, int]]] = {}
"""What this process has recorded: the highest numbers of all its tests."""


class _QueryBaseline(Block):
    what = "query_baseline"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def check(self, runs: Sequence[Run]) -> str | None:
        if os.environ.get(UPDATE, "").strip().lower() in ("1", "true"):
            self._record(runs)
            return None
        known = _read(self.path)
        parts = []
        for run in runs:
            before = known.get(run.key)
            if before is None:
                parts.append((f"{run.title} ran {run.count} SQL statements and is not in {_shown(self.path)}:", run.entries))
            elif run.count > before[_TOTAL]:
                parts.append(self._growth(run, before))
        return f"{message(parts)}\n{_HINT}" if parts else None

    def _growth(self, run: Run, before: dict[str, int]) -> tuple[str, list[Entry]]:
        sentence = f"{run.title} ran {run.count} SQL statements, {_shown(self.path)} has {before[_TOTAL]}"
        grown = {field: count for field, count in sorted(run.fields().items()) if count > before.get(field, 0)}
        if not grown:
            return f"{sentence}:", run.entries
        fields = ", ".join(f"{field} from {before.get(field, 0)} to {count}" for field, count in grown.items())
        return f"{sentence}; {fields}:", [entry for entry in run.entries if (entry.coordinate or NO_FIELD) in grown]

    def _record(self, runs: Sequence[Run]) -> None:
        if multiprocessing.parent_process() is not None or "PYTEST_XDIST_WORKER" in os.environ:
            raise RuntimeError("query_baseline: a baseline is recorded by one process. Run the tests again, not in parallel.")
        recorded = _recorded.setdefault(self.path, {})
        for run in runs:
            highest = recorded.setdefault(run.key, {_TOTAL: 0})
            for field, count in ((_TOTAL, run.count), *run.fields().items()):
                highest[field] = max(highest.get(field, 0), count)
        _write(self.path, _read(self.path) | recorded)


def query_baseline(path: str | os.PathLike[str] = FILE) -> Block:
    """A block in which no GraphQL operation may run more SQL statements than a file says; a context manager and a decorator.

    `path` is relative to the file that calls this. An operation that is not in it fails the test, with the words how to record it; one that
    runs less passes. The file is JSON, `{operation: {"total": statements, coordinate: statements}}`. Raises as `max_queries` does.
    """
    return _QueryBaseline(Path(sys._getframe(1).f_code.co_filename).absolute().parent / path)


def _read(path: Path) -> dict[str, dict[str, int]]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise RuntimeError(f"query_baseline: {_shown(path)} cannot be read: {error}. Mend it, or delete it and record it again.") from None
    for operation, counts in known.items() if isinstance(known, dict) else [("", None)]:
        if not isinstance(counts, dict) or _TOTAL not in counts or not all(isinstance(count, int) for count in counts.values()):
            raise RuntimeError(
                f"query_baseline: {_shown(path)} is no baseline (at {operation!r}). Mend it, or delete it and record it again."
            )
    return known  # type: ignore[no-any-return]


def _write(path: Path, known: dict[str, dict[str, int]]) -> None:
    """In an order that does not depend on that of the tests, and in one step."""
    ordered = {name: {_TOTAL: counts[_TOTAL]} | dict(sorted(counts.items())) for name, counts in sorted(known.items())}
    written = path.with_name(f"{path.name}.{os.getpid()}")
    written.write_text(json.dumps(ordered, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    written.replace(path)


def _shown(path: Path) -> str:
    return relative(str(path))
