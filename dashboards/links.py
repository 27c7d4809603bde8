"""Addresses from one page to another that keep what is chosen."""

from __future__ import annotations

_KEPT = ("datasource", "tempo", "environment", "service")


def to_page(uid: str, **columns: str) -> str:
    """A page, with these variables set to what a table's row has in these columns: `to_page("graphql-operation", operation="Operation")`."""
    kept = [f"${{{name}:queryparam}}" for name in _KEPT]
    chosen = [f'var-{name}=${{__data.fields["{column}"]:percentencode}}' for name, column in columns.items()]
    return f"/d/{uid}?{'&'.join([*kept, *chosen])}&${{__url_time_range}}"
