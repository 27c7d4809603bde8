"""docs/console.md and its picture say what the exporter does."""

import inspect
import re
from pathlib import Path

from otel_graphql_auto.console import GraphQLConsoleExporter, drawing, exporter, statements, table, traces
from otel_graphql_auto.database.relations import ANNOTATE, DATALOADER, LOAD_FIELD, PREFETCH_LOST, PREFETCH_RELATED, SELECT_RELATED

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "console.md").read_text()


def test_every_option_is_documented_with_its_default():
    """Each argument of the constructor, and the environment variable."""
    rows = dict(re.findall(r"^\| [^|]*\| `(\w+)=` \| ([^|]+) \|", PAGE, re.MULTILINE))
    options = {name: option.default for name, option in inspect.signature(GraphQLConsoleExporter).parameters.items() if name != "options"}
    assert set(options) <= set(rows)
    assert rows["settle_seconds"] == f"{exporter.SETTLE_SECONDS:.0f}"
    assert rows["hold_seconds"] == f"{exporter.HOLD_SECONDS:.0f}"
    assert rows["table_after"] == str(exporter.TABLE_AFTER)
    assert rows["tree_seconds"] == f"{exporter.TREE_SECONDS * 1000:.0f} ms"
    assert f"`{exporter.TREE_MS}`" in PAGE
    assert f"| {GraphQLConsoleExporter.schedule_delay_millis} | milliseconds" in PAGE


def test_the_limits_on_the_page_are_those_of_the_code():
    for limit in (
        f"at most {drawing.TREE_LINES} lines",
        f"at most {exporter.TREES}\n  trees",
        f"at most {traces.TRACES} traces, {traces.HELD_SPANS:,} spans",
        f"and {table.OPERATIONS} operations in the table",
        f"the {table.ROWS} slowest operations",
        f"a sample of {table.SAMPLES}",
    ):
        assert limit in PAGE, limit


def test_every_kind_of_fix_is_explained():
    for fix in (SELECT_RELATED, PREFETCH_RELATED, PREFETCH_LOST, ANNOTATE, LOAD_FIELD, DATALOADER):
        assert re.search(rf"^\| `{fix}\b[^`]*` \| .+ \|$", PAGE, re.MULTILINE), fix
    assert f"are {['no', 'one', 'two', 'three'][statements.FINDING_LINES]} at most" in PAGE.replace("\n", " ")


def test_the_picture_loads_nothing_from_elsewhere():
    """It is drawn by `make picture`; rich's own frame would load fonts from the network."""
    picture = (DOCS / "console.svg").read_text()
    assert set(re.findall(r"\w+://[^\s\"')]+", picture)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in picture.replace("url(#console-", "")
    for word in ("query&#160;Hello", "server&#x27;s&#160;fault", "Operations&#160;so&#160;far", "slow", "N+1"):
        assert word in picture
