"""How many statements an operation ran, which field repeated one, and what was slow, is seen at a glance."""

import os

import pytest

from otel_graphql_auto import semconv
from otel_graphql_auto.console.drawing import TREE_LINES
from tests.console.terminal import Terminal, finding, words

HERE = os.path.join(os.getcwd(), "blog", "types.py")
MANY = {semconv.DB_QUERY_COUNT: 81, semconv.DB_DURATION: 0.0073}


def test_a_line_says_how_many_statements_there_were_and_how_long_they_took(terminal):
    """Their own spans are not shown, and are not among those of other libraries either."""
    with terminal.request(), terminal.operation(attributes=MANY), terminal.statement():
        pass
    (line,) = terminal.export()
    assert line.endswith("  200 81 SQL 7.3 ms")


def test_an_operation_without_statements_says_nothing_of_them(terminal):
    with terminal.request(), terminal.operation(attributes={semconv.DB_QUERY_COUNT: 0}):
        pass
    (line,) = terminal.export()
    assert line.endswith("  200")


def test_an_n_plus_one_query_is_a_line_below_a_fast_request(terminal):
    """The field, the statement, how often, how long, the line of code as seen from the working directory, and the fix."""
    with terminal.request(), terminal.operation(attributes=MANY, findings=[finding(path=HERE)]):
        pass
    first, second = terminal.export()
    assert "query Hello" in first
    assert second == '   N+1  Post.author ran SELECT blog_user 40 times (4.1 ms)  blog/types.py:88  select_related("author")'


def test_in_a_tree_it_is_below_its_operation(trees):
    with trees.request(), trees.operation(findings=[finding()]), trees.phase("execute"):
        pass
    lines = trees.export()
    assert [words(line)[1:4] for line in lines[1:]] == [
        ["query", "Hello", "10.0"],
        ["N+1", "Post.author", "ran"],
        ["execute", "10.0", "ms"],
    ]


def test_an_event_of_a_subscription_has_its_own(terminal):
    """Events of a fast subscription are not shown otherwise."""
    with terminal.operation("Countdown", type_="subscription"):
        for number in range(3):
            with terminal.span(
                semconv.SPAN_SUBSCRIPTION_EVENT, findings=[finding()] * (number == 1), **{semconv.OPERATION_NAME: "Countdown"}
            ):
                pass
    first, second = terminal.export()
    assert words(first)[:4] == ["subscription", "Countdown", ">", "event"]
    assert words(second)[:2] == ["N+1", "Post.author"]


def test_of_many_findings_those_that_took_most_time_are_told(terminal):
    with terminal.request(), terminal.operation(findings=[finding(f"Post.field{number}", seconds=number / 1000) for number in range(1, 6)]):
        pass
    _, *lines = terminal.export()
    assert [words(line)[:2] for line in lines] == [["N+1", f"Post.field{number}"] for number in (5, 4, 3)] + [["and", "2"]]
    assert lines[-1].strip() == "and 2 more"


@pytest.mark.parametrize(
    ("fix", "relation", "shown"),
    [
        ("prefetch_related", "blog.Post.comments", 'prefetch_related("comments")'),
        ("prefetch_lost", "blog.Post.comments", "prefetch_lost blog.Post.comments"),
        ("annotate", "blog.Category.posts", "annotate blog.Category.posts"),
        ("dataloader", None, "dataloader"),
    ],
)
def test_the_fix_is_said_as_exactly_as_it_is_known(terminal, fix, relation, shown):
    with terminal.request(), terminal.operation(findings=[finding(fix=fix, relation=relation)]):
        pass
    assert terminal.export()[1].endswith(f" (4.1 ms)  {shown}")


@pytest.mark.parametrize("path", ["/elsewhere/blog/types.py", HERE + "/../../../x.py"])
def test_code_that_is_not_below_the_working_directory_has_its_whole_path(terminal, path):
    path = os.path.normpath(path)
    with terminal.request(), terminal.operation(findings=[finding(path=path)]):
        pass
    assert f"  {path}:88  " in terminal.export()[1]


def test_a_working_directory_that_is_gone_costs_nothing(terminal, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with terminal.request(), terminal.operation(findings=[finding(path="/srv/types.py")]):
        pass
    assert "  /srv/types.py:88  " in terminal.export()[1]


@pytest.mark.parametrize(("width", "lines"), [(80, 3), (140, 2)])
def test_in_a_narrow_terminal_the_line_of_code_and_the_fix_are_not_cut_off(width, lines):
    terminal = Terminal(width=width, force_terminal=True, color_system=None)
    with terminal.request(), terminal.operation(attributes=MANY, findings=[finding("Comment.author", count=1260, path=HERE)]):
        pass
    printed = terminal.export()
    assert len(printed) == lines
    assert printed[-1].endswith('blog/types.py:88  select_related("author")')
    assert "Comment.author ran SELECT blog_user 1260 times (4.1 ms)" in printed[1]
    assert "…" not in "".join(printed)
    assert max(map(len, printed)) <= width
    terminal.exporter.shutdown()


def test_an_n_plus_one_line_is_conspicuous():
    terminal = Terminal(force_terminal=True, color_system="standard")
    with terminal.request(), terminal.operation(findings=[finding()]):
        pass
    line = terminal.export()[1]
    assert "\x1b[1;7;35mN+1\x1b[0m" in line
    assert "\x1b[1;35mPost.author\x1b[0m" in line
    terminal.exporter.shutdown()


def test_statements_of_one_field_and_summary_are_one_row(trees):
    """Their number, with those that share a span, and the time that they took, not that of the shared span; other fields have their own row."""
    together = {semconv.DB_FOLDED_COUNT: 30, semconv.DB_DURATION: 0.03}
    with trees.request(end=100), trees.operation(end=100):
        with trees.statement("SELECT blog_post", coordinate="Query.posts", begin=10, end=20):
            pass
        for number in range(10):
            with trees.statement(begin=20 + number, end=21 + number):
                pass
        with trees.statement(begin=30, end=90, attributes=together):
            pass
        with trees.statement(coordinate="Comment.author", begin=95, end=96):
            pass
        with trees.statement("COMMIT", coordinate=None, begin=97, end=98):
            pass
    rows = trees.export()[2:]
    assert [line[6:40].rstrip() for line in rows] == ["SELECT blog_post", "SELECT blog_user x40", "SELECT blog_user", "COMMIT"]
    assert [line[40:50].strip() for line in rows] == ["10.0 ms", "40.0 ms", "1.0 ms", "1.0 ms"]
    assert [line[68:] for line in rows] == ["Query.posts", "Post.author", "Comment.author", "(field not known)"]
    assert [line[50:66].rstrip() for line in rows[:2]] == [" ━━", "   ━━━━━━━━━━━"]


def test_statements_below_different_spans_do_not_share_a_row(trees):
    """A field marked with @traced has those that it ran below it."""
    with trees.request(), trees.operation():
        for name in ("Query.one", "Query.two"):
            with trees.span(name), trees.statement(coordinate=name):
                pass
    assert [words(line)[-1] for line in trees.export() if "SELECT" in line] == ["Query.one", "Query.two"]


def test_statements_that_another_library_traced_are_shown_as_they_are(trees):
    with trees.request(), trees.operation():
        for _ in range(2):
            with trees.statement("SELECT", tracer=trees.others):
                pass
    assert [words(line)[1] for line in trees.export()[2:]] == ["SELECT", "SELECT"]


def test_a_slow_statement_is_marked_and_shows_its_text(terminal):
    """The request is a tree, however fast it was; the list of all columns is left out."""
    columns = ", ".join(f"blog_post.column{number}" for number in range(30))
    text = f"SELECT {columns} FROM blog_post WHERE blog_post.title = ?"
    with terminal.request(), terminal.operation(), terminal.statement():
        pass
    assert len(terminal.export()) == 1
    with terminal.request(), terminal.operation():
        with terminal.statement(attributes={semconv.DB_QUERY_TEXT: "not this one"}):
            pass
        with terminal.statement(attributes={semconv.DB_SLOW: True, semconv.DB_QUERY_TEXT: text}):
            pass
    lines = terminal.export()
    assert words(lines[2])[1:4] == ["SELECT", "blog_user", "x2"]
    assert lines[2].endswith("  slow Post.author")
    assert lines[3].strip() == "SELECT ... FROM blog_post WHERE blog_post.title = ?"


def test_the_text_of_a_slow_statement_is_cut_after_a_few_lines():
    terminal = Terminal(width=80, force_terminal=True, color_system=None)
    text = "SELECT COUNT(*) FROM blog_post WHERE " + " AND ".join(["title = ?"] * 500)
    with terminal.request(), terminal.operation(), terminal.statement(attributes={semconv.DB_SLOW: True, semconv.DB_QUERY_TEXT: text}):
        pass
    _, _, _, *lines = terminal.export()
    assert 2 <= len(lines) <= 3
    assert lines[-1].endswith("...")
    assert max(map(len, lines)) <= 80
    terminal.exporter.shutdown()


def test_a_statement_that_failed_is_red_with_its_error(trees):
    with trees.request(), trees.operation():
        for error in (None, "IntegrityError"):
            with trees.statement("INSERT blog_post", coordinate="Mutation.createPost", error=error):
                pass
    assert trees.export()[-1].endswith("  IntegrityError Mutation.createPost")


@pytest.mark.parametrize(("width", "longest"), [(80, 40), (160, 52)])
def test_a_summary_of_many_tables_leaves_room_for_the_rest(width, longest):
    terminal = Terminal(tree_seconds=0, width=width, force_terminal=True, color_system=None)
    with terminal.request(), terminal.operation():
        for _ in range(2):
            with terminal.statement("SELECT " + " ".join(f"blog_table{number}" for number in range(20))):
                pass
    line = terminal.export()[-1]
    assert len(line[: line.index("... x2")] + "... x2") < longest
    assert "20.0 ms" in line
    terminal.exporter.shutdown()


def test_a_thousand_kinds_of_statements_are_cut(trees):
    with trees.request(), trees.operation(findings=[finding("Post.x" * 1000, path="/" + "long" * 1000)] * 50):
        for number in range(1000):
            with trees.statement(f"SELECT table{number}"):
                pass
    lines = trees.export()
    assert len(lines) == TREE_LINES + 3 + 1 + 1
    assert max(map(len, lines)) < 600


def test_names_are_shown_and_never_obeyed(trees):
    evil = "\x1b[31m[bold]\nEvil"
    event = {name: evil if isinstance(value, str) else value for name, value in finding(path="x").items()}
    slow = {semconv.DB_SLOW: True, semconv.DB_QUERY_TEXT: evil}
    with trees.request(), trees.operation(findings=[event, {}]), trees.statement(evil, coordinate=evil, attributes=slow):
        pass
    lines = trees.export()
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)
    assert sum("\\x1b[31m[bold]\\nEvil" in line for line in lines) == 3
