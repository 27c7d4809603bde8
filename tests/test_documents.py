"""The words of the project say what its code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from otel_graphql_auto import semconv

ROOT = Path(__file__).parents[1]


def test_the_telemetry_page_lists_every_metric_with_its_unit_and_attributes():
    """docs/telemetry.md against semconv.py, both ways."""
    page = (ROOT / "docs" / "telemetry.md").read_text()
    rows = re.findall(r"^\| `([a-z_.]+)` \| ([^|]*) \|([^|]*)\|$", page, re.MULTILINE)
    documented = {
        name: (unit.split(", ")[1].split(":")[0].strip(), set(re.findall(r"`([^`]+)`", attributes))) for name, unit, attributes in rows
    }
    metrics = [value for value in vars(semconv).values() if isinstance(value, semconv.Metric)]
    assert documented == {metric.name: (metric.unit, set(semconv.METRIC_ATTRIBUTES[metric.name])) for metric in metrics}


def test_the_telemetry_page_names_every_attribute():
    """None is emitted that nobody can look up."""
    page = (ROOT / "docs" / "telemetry.md").read_text()
    names = {
        value for value in vars(semconv).values() if isinstance(value, str) and re.fullmatch(r"(graphql|graphql_auto)\.[a-z_.]+", value)
    }
    missing = {name for name in names if name not in page} - {semconv.DB_QUERY_COUNT}  # read by the console, emitted by a room to come
    assert missing == set()


def test_names_of_telemetry_are_written_in_one_place():
    """Nothing that looks like a name of ours outside semconv.py."""
    strays = []
    for path in (ROOT / "otel_graphql_auto").rglob("*.py"):
        if path.name == "semconv.py":
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r'"(graphql|graphql_auto|db|http)\.[a-z_]+\.[a-z_.]+"', line) and "Patch" not in line and '("graphql.' not in line:
                strays.append(f"{path.name}:{number}")
    assert strays == []


def test_the_acceptance_table_is_whole_and_points_at_files_that_exist():
    """A1 to A32, each with a file of the project or an honest `not yet`."""
    page = (ROOT / "docs" / "acceptance.md").read_text()
    rows = dict(re.findall(r"^\| (A\d+) \|[^|]*\|([^|]*)\|$", page, re.MULTILINE))
    assert list(rows) == [f"A{number}" for number in range(1, 33)]
    for row, proof in rows.items():
        files = re.findall(r"`([\w./-]+\.(?:py|md|yml|yaml|json))", proof)
        assert files or "not yet" in proof, row
        for file in files:
            assert (ROOT / file).exists(), f"{row}: {file}"


def test_the_readme_shows_the_costs_that_were_measured():
    """Each row of its table is a row of docs/cost.json, which the benchmark wrote."""
    measured = json.loads((ROOT / "docs" / "cost.json").read_text())["workloads"].values()
    table = [
        f"| {row['title']} | {row['upstream']['value']:.2f} | {row['ours']['value']:.2f} [{row['ours']['low']:.2f}, {row['ours']['high']:.2f}] | {row['spans']} |"
        for row in measured
    ]
    shown = [line for line in (ROOT / "README.md").read_text().splitlines() if re.match(r"\| .* \| \d\.\d\d \|", line)]
    assert len(table) == 6
    assert shown == table


def test_no_file_of_the_package_is_too_long():
    """250 lines is long, 400 is a stop."""
    long = {str(path): count for path in (ROOT / "otel_graphql_auto").rglob("*.py") if (count := len(path.read_text().splitlines())) > 300}
    assert long == {}


def test_every_module_opens_with_a_docstring_of_its_own():
    """A sentence that a newcomer understands, and no two modules with the same one."""
    first_lines = [path.read_text().splitlines()[0] for path in (ROOT / "otel_graphql_auto").rglob("*.py")]
    assert all(line.startswith('"""') and len(line) > 30 for line in first_lines)
    assert len(set(first_lines)) == len(first_lines)


def test_links_and_pictures_of_the_documents_are_there():
    """Every relative link leads to a file."""
    pages = [
        ROOT / "README.md",
        *ROOT.glob("docs/**/*.md"),
        ROOT / "collector" / "README.md",
        ROOT / "demo" / "README.md",
        *ROOT.glob("dashboards/*.md"),
    ]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())]
    assert len(links) > 100
    assert [f"{page.relative_to(ROOT)}: {link}" for page, link in links if not (page.parent / link).exists()] == []
