"""A baseline keeps the numbers of each operation in a file, and fails a test where one grows."""

import json

import pytest

from otel_graphql_auto.testing import baseline, query_baseline
from tests.testing.documents import FAST, FAST_COUNT, NAIVE, naive_count

UPDATE = "GRAPHQL_AUTO_UPDATE_QUERY_BASELINE"
HINT = f"To record it: pytest --update-query-baseline, or {UPDATE}=1 with another runner."
TITLES = "query Posts { postsFast(limit: 6) { title } }"
GROWN = "query Posts { postsNaive(limit: 6) { title author { username } } }"


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A baseline that nothing has been recorded in, by this process."""
    monkeypatch.setattr(baseline, "_recorded", {})
    monkeypatch.chdir(tmp_path)
    return tmp_path / "counts.json"


@pytest.fixture
def record(file, ask, monkeypatch):
    """Record these documents, as one run of tests."""

    def record(*documents, **variables):
        monkeypatch.setattr(baseline, "_recorded", {})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(UPDATE, "1")
            for document in documents:
                with query_baseline(file):
                    ask(document, **variables)
        return json.loads(file.read_text())

    return record


def message_of(file, do):
    with pytest.raises(AssertionError) as raised, query_baseline(file):
        do()
    return str(raised.value)


def test_what_was_recorded_passes(file, ask, record):
    """The numbers of each operation and field are in the file."""
    assert record(FAST, NAIVE) == {
        "PostsFast": {"total": FAST_COUNT, "Query.postsFast": FAST_COUNT},
        "PostsNaive": {
            "total": naive_count(6),
            "Comment.author": 12,
            "Post.author": 6,
            "Post.category": 6,
            "Post.comments": 6,
            "Query.postsNaive": 1,
        },
    }
    before = file.read_text()
    with query_baseline(file):
        ask(FAST)
        ask(NAIVE)
    assert file.read_text() == before


def test_an_operation_that_runs_more_fails_with_field_line_and_remedy(file, ask, record):
    """It says what grew from how many to how many, and where."""
    record(TITLES)
    sentence, *lines, hint = message_of(file, lambda: ask(GROWN)).splitlines()
    assert sentence == ("query Posts ran 7 SQL statements, counts.json has 2; Post.author from 0 to 6, Query.postsNaive from 0 to 1:")
    assert lines[0].startswith("  6 x SELECT blog_user for Post.author (")
    assert "blog/queries.py:" in lines[0]
    assert lines[0].endswith('): select_related("author") on the queryset of Query.postsNaive')
    assert hint == HINT


def test_an_operation_that_runs_less_passes_and_the_file_stays(file, ask, record):
    record(GROWN)
    before = file.read_text()
    with query_baseline(file):
        ask(TITLES)
    assert file.read_text() == before


def test_recording_again_lowers_and_raises_and_keeps_what_did_not_run(file, record):
    assert record(GROWN, FAST)["Posts"]["total"] == 7
    again = record(TITLES)
    assert again["Posts"] == {"total": 2, "Query.postsFast": 2}
    assert again["PostsFast"]["total"] == FAST_COUNT
    assert record(GROWN)["Posts"]["total"] == 7


def test_the_highest_number_of_one_run_is_kept(file, ask, record):
    """An operation occurs in many tests, in any order."""
    assert record(TITLES, GROWN, TITLES)["Posts"]["total"] == 7
    with query_baseline(file):
        ask(TITLES)
        ask(GROWN)


def test_an_operation_that_is_not_in_the_file_fails_with_the_words_how_to_record_it(file, ask, record):
    """So does one whose file does not exist: no test passes on nothing."""
    assert message_of(file, lambda: ask(FAST)).splitlines()[0] == "query PostsFast ran 2 SQL statements and is not in counts.json:"
    assert not file.exists()
    record(NAIVE)
    message = message_of(file, lambda: [ask(NAIVE), ask(FAST)])
    assert message.splitlines()[0] == "query PostsFast ran 2 SQL statements and is not in counts.json:"
    assert message.endswith(HINT)
    assert "PostsNaive" not in message


def test_the_file_does_not_depend_on_the_order_of_tests(file, record):
    """Sorted, one number a line, and a newline at the end: a review reads its changes."""
    record(FAST, NAIVE, TITLES)
    first = file.read_text()
    file.unlink()
    record(TITLES, NAIVE, FAST)
    assert file.read_text() == first
    assert first.startswith('{\n  "Posts": {\n    "total": 2,\n    "Query.postsFast": 2\n  },\n  "PostsFast": {\n')
    assert first.endswith("}\n")
    assert list(file.parent.iterdir()) == [file]


def test_an_operation_without_a_name_goes_by_its_document(file, ask, record):
    (key,) = record("{ postsFast(limit: 3) { title } }")
    assert key.startswith("anonymous ")
    assert len(key) == len("anonymous ") + 12
    with query_baseline(file):
        ask("{ postsFast(limit: 3) { title } }")
    message_of(file, lambda: ask("{ postsFast(limit: 3) { id } }"))


def test_nothing_executed_is_a_failure_while_recording_too(file, record, monkeypatch):
    assert "no GraphQL operation was executed" in message_of(file, lambda: None)
    monkeypatch.setenv(UPDATE, "1")
    assert "no GraphQL operation was executed" in message_of(file, lambda: None)
    assert not file.exists()


def test_a_test_that_fails_records_nothing(file, ask, monkeypatch):
    monkeypatch.setenv(UPDATE, "1")
    with pytest.raises(ZeroDivisionError), query_baseline(file):
        ask(FAST)
        raise ZeroDivisionError
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    ["", "<<<<<<< HEAD\n{}", "[]", "null", '{"PostsFast": 2}', '{"PostsFast": {"Query.postsFast": 2}}', '{"PostsFast": {"total": "2"}}'],
)
def test_a_file_that_is_no_baseline_is_an_error_that_names_it(file, ask, text):
    """A merge leaves such files, and recording does not overwrite what others wrote."""
    file.write_text(text)
    for update in ("", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(UPDATE, update)
            with pytest.raises(RuntimeError, match=r"counts\.json.*(cannot be read|is no baseline).*record it again"), query_baseline(file):
                ask(FAST)
    assert file.read_text() == text


def test_several_processes_do_not_record_one_file(file, ask, monkeypatch):
    """Each would know only its own tests, and the last one would win."""
    monkeypatch.setenv(UPDATE, "1")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    with pytest.raises(RuntimeError, match="not in parallel"), query_baseline(file):
        ask(FAST)
    assert not file.exists()


ASKS = """
def run():
    with query_baseline():
        ask(FAST)
    with query_baseline("counts/other.json"):
        ask(NAIVE)
"""


def test_the_file_is_beside_the_one_that_asks_for_it(ask, tmp_path, monkeypatch):
    """Without a path it is query_baseline.json; a relative path begins there too. (The one that asks is not in this checkout: cells of the matrix share it.)"""
    monkeypatch.setenv(UPDATE, "1")
    monkeypatch.setattr(baseline, "_recorded", {})
    (tmp_path / "counts").mkdir()
    module = {"query_baseline": query_baseline, "ask": ask, "FAST": FAST, "NAIVE": NAIVE}
    exec(compile(ASKS, tmp_path / "test_shop.py", "exec"), module)
    module["run"]()
    assert list(json.loads((tmp_path / "query_baseline.json").read_text())) == ["PostsFast"]
    assert list(json.loads((tmp_path / "counts" / "other.json").read_text())) == ["PostsNaive"]
