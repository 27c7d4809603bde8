"""The benchmark measures what it says: right answers, the right SQL and the right spans in every variant, and sound arithmetic."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WORKLOADS = {"hello": 0, "leaves_400": 1, "leaves_5000": 1, "sql_51": 51, "resolvers_1500": 1, "relay_100": 2}
"""Workload -> SQL statements of one request."""
pytestmark = pytest.mark.end_to_end

SERVER, OPERATION = "SERVER POST graphql/", "INTERNAL query"


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark as `make bench` does."""
    return subprocess.run([sys.executable, str(HERE / "overhead.py"), *arguments], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def checked():
    """Every workload once in every variant, nothing timed."""
    done = benchmark("--check", "--variants", "bare,upstream,ours,unsampled")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["check"]


def test_every_workload_runs_in_every_variant_with_the_same_answer(checked):
    """The variants answer with the same bytes and send the same SQL."""
    assert checked.keys() == WORKLOADS.keys()
    for workload, variants in checked.items():
        assert variants.keys() == {"bare", "upstream", "ours", "unsampled"}
        assert len({answer["digest"] for answer in variants.values()}) == 1
        assert {answer["statements"] for answer in variants.values()} == {WORKLOADS[workload]}


def test_the_answers_are_large_enough_to_be_what_they_claim(checked):
    """5,000 leaves are more text than 400, and hello is next to nothing."""
    size = {workload: variants["bare"]["bytes"] for workload, variants in checked.items()}
    assert size["hello"] < 50
    assert 3_000 < size["leaves_400"] < 5_000
    assert size["leaves_5000"] > 40_000


def test_each_variant_makes_the_spans_it_should(checked):
    """One SERVER span under upstream, one operation span more with the package, none where nothing is sampled or instrumented."""
    for workload, variants in checked.items():
        statement_spans = sum(number for name, number in variants["ours"]["spans"].items() if name.startswith("CLIENT "))
        # 50 look-ups of one field: ten spans, and one for the other 40.
        assert statement_spans == min(WORKLOADS[workload], 12)
        assert variants["bare"]["spans"] == variants["unsampled"]["spans"] == {}
        assert variants["upstream"]["spans"] == {SERVER: 1}
        assert variants["ours"]["spans"][SERVER] == variants["ours"]["spans"][OPERATION] == 1
        others = variants["ours"]["spans"].keys() - {SERVER, OPERATION}
        assert all(name.startswith(("INTERNAL GraphQL ", "CLIENT SELECT bench_library_")) for name in others)


def test_a_few_rounds_give_a_summary_and_a_table(tmp_path):
    """Timing, ratios, memory and the goals come out; the numbers themselves are not judged here."""
    file = tmp_path / "result.json"
    done = benchmark("--rounds", "3", "--generations", "1", "--workload", "hello", "--json", str(file))
    assert done.returncode == 0, done.stderr
    assert "{ hello }" in done.stdout
    assert "goal 1.45" in done.stdout
    result = json.loads(file.read_text())
    rows = result["summary"]["workloads"]["hello"]
    assert rows.keys() == {"bare", "upstream", "ours"}
    assert [rows[variant]["rounds"] for variant in rows] == [3, 3, 3]
    assert rows["upstream"]["spans"] == 1
    assert rows["ours"]["spans"] >= 2
    assert 0 < rows["ours"]["wall_ratio"]["low"] <= rows["ours"]["wall_ratio"]["value"] <= rows["ours"]["wall_ratio"]["high"]
    assert all(size > 2**20 for size in result["summary"]["peak_memory"].values())


def test_a_wrong_answer_stops_the_benchmark():
    """A workload whose answer is not what it claims fails with exit code 1 and no numbers."""
    script = (
        "import sys, dataclasses; sys.path.insert(0, sys.argv[1]); import workloads, worker;"
        "workload = dataclasses.replace(workloads.WORKLOADS['leaves_400'], expected=401);"
        "worker.WORKLOADS['leaves_400'] = workload; sys.argv[1] = 'bare'; worker.main()"
    )
    command = json.dumps({"command": "check", "workload": "leaves_400"}) + "\n"
    done = subprocess.run([sys.executable, "-c", script, str(HERE)], input=command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == {"wrong": "400 leaves: 400 counted in the answer, 401 expected"}


def test_the_ratio_is_the_median_of_pairs_with_its_interval():
    """A constant ratio has an interval of no width, whatever the machine does in between; an outlier does not move the median."""
    script = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); from ratios import paired;"
        "constant = paired([1.2, 2.4, 12.0], [1.0, 2.0, 10.0]);"
        "outlier = paired([1.1, 1.1, 1.1, 1.1, 50.0], [1.0] * 5);"
        "print(json.dumps([constant.low, constant.value, constant.high, outlier.value]))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(HERE)], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == pytest.approx([1.2, 1.2, 1.2, 1.1])


def test_the_cost_of_a_statement_is_measured():
    """A line for each way in which a statement can be told of, and the memory of a long operation."""
    done = subprocess.run(
        [sys.executable, str(HERE / "statements.py"), "--rounds", "2"], capture_output=True, text=True, timeout=120, check=True
    )
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "one span of the SDK with ten attributes",
        "a statement, a span of its own",
        "a statement, beyond the budget",
        "a statement, unsampled",
        "a statement, when metrics are collected",
        "an operation of 100,000 statements",
    ]
