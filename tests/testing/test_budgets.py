"""A budget lets pass what keeps it, and says to a person which field and line ran too much."""

import asyncio
import inspect
import json
import re
import threading

import pytest
from django.test import override_settings
from opentelemetry import metrics, trace

import otel_graphql_auto
from blog import queries
from blog.schema import schema
from blog.types import PostType
from otel_graphql_auto.database.notes import Notes
from otel_graphql_auto.instrumentor import GraphQLInstrumentor
from otel_graphql_auto.testing import capture, max_queries, no_n_plus_one
from tests.database.schema import schema as articles
from tests.testing.documents import FAST, FAST_COUNT, NAIVE, naive_count


def line_of(function):
    return inspect.getsourcelines(function)[1]


def fails(block, do, error=AssertionError):
    """The message with which `block` ends after `do`, which ran to its end."""
    done = False
    with pytest.raises(error) as raised, block:
        do()
        done = True
    assert done
    return str(raised.value)


def test_a_budget_that_is_kept_passes(ask):
    """The very number is allowed, and the rows came back."""
    with max_queries(FAST_COUNT):
        data = ask(FAST)
    assert len(data["postsFast"]) == 6


def test_a_budget_that_is_exceeded_by_one_fails(ask):
    message = fails(max_queries(FAST_COUNT - 1), lambda: ask(FAST))
    assert message.startswith("query PostsFast ran 2 SQL statements; the budget is 1:\n")


def test_the_message_says_which_field_ran_what_from_which_line_and_what_helps(ask):
    """The most frequent first, the sum is the number, paths are relative."""
    message = fails(max_queries(10), lambda: ask(NAIVE))
    sentence, *lines = message.splitlines()
    assert sentence == f"query PostsNaive ran {naive_count(6)} SQL statements; the budget is 10:"
    resolver, comments = line_of(queries.Query.resolve_posts_naive), line_of(PostType.resolve_comments)
    assert lines[0] == (
        f'  12 x SELECT blog_user for Comment.author (demo/blog/types.py:{comments}): select_related("author") on the queryset of Post.comments'
    )
    assert (
        f'  6 x SELECT blog_user for Post.author (demo/blog/queries.py:{resolver}): select_related("author") on the queryset of Query.postsNaive'
        in lines
    )
    assert lines[-1] == f"  1 x SELECT blog_post for Query.postsNaive (demo/blog/queries.py:{resolver})"
    counts = [int(line.split()[0]) for line in lines]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == naive_count(6)


def test_a_file_elsewhere_is_shown_whole(ask, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert f"({inspect.getsourcefile(queries)}:" in fails(max_queries(0), lambda: ask(FAST))


def test_the_message_has_twenty_lines_at_most(ask):
    """Of ten operations with six lines each."""
    message = fails(max_queries(0), lambda: [ask(NAIVE) for _ in range(10)])
    assert len(message.splitlines()) == 20
    assert message.endswith("and 41 more lines")


def test_a_statement_that_writes_counts_too(blog_on):
    from blog.models import User

    with blog_on("sqlite", routed=True, fresh=True):
        name = User.objects.order_by("pk").first().username
        document = f'mutation Write {{ createComment(post: 1, username: "{name}", text: "Well said.") {{ comment {{ text }} }} }}'
        message = fails(max_queries(0), lambda: _without_errors(schema.execute(document)))
    assert message.startswith("mutation Write ran ")
    assert "\n  1 x INSERT blog_comment for Mutation.createComment" in message


def _without_errors(result):
    assert not result.errors, result.errors
    return result.data


def test_each_operation_has_the_budget_for_itself(ask):
    """Three times two are within two each, and only the one that exceeds it is named."""
    with max_queries(FAST_COUNT):
        for _ in range(3):
            ask(FAST)
    message = fails(max_queries(FAST_COUNT), lambda: [ask(FAST), ask(NAIVE)])
    assert "PostsNaive" in message
    assert "PostsFast" not in message


def test_a_total_is_for_all_operations_together(ask):
    with max_queries(3 * FAST_COUNT, total=True):
        for _ in range(3):
            ask(FAST)
    message = fails(max_queries(3 * FAST_COUNT - 1, total=True), lambda: [ask(FAST) for _ in range(3)])
    assert message.startswith("3 operations ran 6 SQL statements in all; the budget is 5:\nquery PostsFast: 2\n")


def test_a_budget_can_be_for_one_operation(ask):
    """Others run what they like."""
    with max_queries(FAST_COUNT, operation="PostsFast"):
        ask(NAIVE)
        ask(FAST)
    assert "PostsNaive" in fails(max_queries(1, operation="PostsNaive"), lambda: [ask(NAIVE), ask(FAST)])


def test_no_such_operation_is_a_failure(ask):
    """It would pass whatever the operation did under its new name."""
    message = fails(max_queries(10, operation="PostsFats"), lambda: ask(FAST))
    assert message == (
        "max_queries: no operation 'PostsFats' was executed inside the block, so there is nothing to check.\n  query PostsFast: was executed"
    )


@pytest.mark.parametrize("block", [max_queries(10), max_queries(10, total=True), no_n_plus_one()])
def test_nothing_executed_is_a_failure(block):
    assert "no GraphQL operation was executed inside the block" in fails(block, lambda: None)


@pytest.mark.parametrize("block", [max_queries(10), no_n_plus_one()])
def test_an_operation_that_was_refused_is_not_executed(block, blog):
    """It ran no statement because it ran not at all; the reason is in the message."""
    message = fails(block, lambda: schema.execute("query Typo { postsFats { title } }"))
    assert "query Typo: validate failed: Cannot query field 'postsFats'" in message
    message = fails(block, lambda: schema.execute("query Typo {"))
    assert "parse failed: Syntax Error" in message


def test_an_operation_without_statements_keeps_any_budget(ask):
    with max_queries(0), no_n_plus_one():
        assert ask("{ hello }") == {"hello": "Hello, world!"}


def test_an_operation_without_a_name_is_shown_by_its_text(ask):
    message = fails(max_queries(0), lambda: ask("{\n  postsFast(limit: 3) {\n    title\n  }\n}"))
    assert message.startswith("query `{ postsFast(limit: 3) { title } }` ran 2 SQL statements")


def test_statements_outside_of_operations_do_not_count(ask):
    """Those of factories and assertions."""
    from blog.models import Post

    with max_queries(FAST_COUNT, total=True):
        assert Post.objects.count() == 20
        ask(FAST)
        assert len(list(Post.objects.all())) == 20


def test_an_n_plus_one_fails_with_field_line_and_remedy(ask):
    """Only what repeats itself is shown."""
    with no_n_plus_one():
        ask(FAST, limit=20)
        ask(NAIVE, limit=2)
    sentence, line, *others = fails(no_n_plus_one(), lambda: ask(NAIVE, limit=3)).splitlines()
    assert sentence == "query PostsNaive has N+1 queries, one field running the same statement 5 times or more:"
    assert re.fullmatch(r'  6 x SELECT blog_user for Comment.author \(demo/blog/types.py:\d+\): select_related\("author"\) on .*', line)
    assert others == []


def test_the_threshold_is_the_setting_or_that_of_the_block(ask, configure):
    with no_n_plus_one(7):
        ask(NAIVE, limit=3)
    assert "3 x SELECT blog_category for Post.category" in fails(no_n_plus_one(3), lambda: ask(NAIVE, limit=3))
    configure(N_PLUS_ONE_THRESHOLD=7)
    with no_n_plus_one():
        ask(NAIVE, limit=3)
    fails(no_n_plus_one(2), lambda: ask(NAIVE, limit=3))


def test_budgets_inside_one_another_each_count_for_themselves(ask):
    """The outer one goes on after the inner one, with the same code lines; it may be the same object."""
    with max_queries(FAST_COUNT), no_n_plus_one():
        ask(FAST)
        with max_queries(0, total=True):
            ask("{ hello }")
        ask(FAST)
    with max_queries(FAST_COUNT):
        fails(max_queries(FAST_COUNT - 1), lambda: ask(FAST))
        ask(FAST)
    budget = max_queries(3 * FAST_COUNT - 1, total=True)
    message = fails(budget, lambda: [ask(FAST), _in(budget, lambda: ask(FAST)), ask(FAST)])
    assert message.startswith("3 operations ran 6")
    assert len(re.findall(r"for Query.postsFast \(demo/blog/queries.py:\d+\)", message)) == 6


def _in(block, do):
    with block:
        do()


def test_all_is_as_before_when_the_block_is_over(ask):
    """Whatever way it ends; nothing global was touched, and nothing is found in code any more."""
    before = schema.graphql_schema.type_map["Query"].fields["postsFast"].resolve, trace.get_tracer_provider(), metrics.get_meter_provider()
    for block in (max_queries(5), no_n_plus_one()):
        with block:
            assert GraphQLInstrumentor().parts()
            assert Notes.locates_all
            ask(FAST)
        _all_is_off()
    fails(max_queries(0), lambda: ask(FAST))
    _all_is_off()
    fails(max_queries(0), lambda: None)
    _all_is_off()
    assert before == (
        schema.graphql_schema.type_map["Query"].fields["postsFast"].resolve,
        trace.get_tracer_provider(),
        metrics.get_meter_provider(),
    )


def _all_is_off():
    assert not GraphQLInstrumentor().is_instrumented_by_opentelemetry
    assert GraphQLInstrumentor().parts() == ()
    assert not Notes.locates_all


@pytest.mark.parametrize("exception", [ValueError("mine"), AssertionError("mine"), KeyboardInterrupt(), pytest.skip.Exception("mine")])
def test_an_exception_leaves_the_block_as_it_is(ask, exception):
    """The budget was exceeded as well; that is not what went wrong first."""
    with pytest.raises(BaseException) as raised, max_queries(0), no_n_plus_one():
        ask(NAIVE)
        raise exception
    assert raised.value is exception
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None
    _all_is_off()


def test_where_the_package_is_attached_already_it_stays(ask, seen):
    """Spans are made as without the block, of the statements too, and the listener is gone after it."""
    parts = GraphQLInstrumentor().parts()
    with max_queries(FAST_COUNT):
        ask(FAST)
    assert GraphQLInstrumentor().parts() == parts
    fails(max_queries(FAST_COUNT - 1), lambda: ask(FAST))
    assert GraphQLInstrumentor().parts() == parts
    ask(FAST)
    assert len(seen.operation_spans) == 3
    assert [operation.queries.count for operation in seen.operations] == [FAST_COUNT] * 3
    assert not Notes.locates_all


def test_a_capture_inside_a_block_is_an_error(ask):
    """It detaches what the block has attached; the operations after it are not seen."""

    def captured():
        ask(FAST)
        with capture():
            ask(FAST)

    assert "was detached inside the block" in fails(max_queries(10), captured, RuntimeError)
    _all_is_off()
    with capture(), max_queries(FAST_COUNT):
        ask(FAST)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"PERFORMANCE_MONITORING": False}, "because PERFORMANCE_MONITORING is False"),
        ({"DISABLED": ["database"]}, 'because DISABLED has "database"'),
    ],
)
@pytest.mark.parametrize("block", [max_queries(10), no_n_plus_one()])
def test_what_settings_switch_off_is_not_taken_for_zero(ask, configure, block, values, words):
    """It says why nothing can be counted, and that a test may change settings."""
    configure(**values)
    message = fails(block, lambda: ask(FAST), RuntimeError)
    assert words in message
    with override_settings(GRAPHQL_AUTO={}):
        fails(max_queries(1), lambda: ask(FAST))


def test_budgets_work_where_the_sdk_is_disabled(ask, monkeypatch):
    """As it often is while tests run: nothing is exported anyway."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    fails(max_queries(1), lambda: ask(FAST))
    _all_is_off()
    otel_graphql_auto.instrument()
    assert GraphQLInstrumentor().is_instrumented_by_opentelemetry
    fails(max_queries(1), lambda: ask(FAST))
    assert GraphQLInstrumentor().is_instrumented_by_opentelemetry
    assert GraphQLInstrumentor().parts() == ()


def test_an_error_of_the_package_does_not_pass_for_a_low_count(ask, forgiving, monkeypatch):
    """It is kept from the application, and the number is wrong."""
    monkeypatch.setattr("otel_graphql_auto.database.notes.find_cause", lambda *_: 1 / 0)
    message = fails(max_queries(10), lambda: ask(FAST), RuntimeError)
    assert "otel_graphql_auto has failed inside the block" in message


def test_operations_of_other_threads_count(blog, ask):
    def in_thread():
        thread = threading.Thread(target=lambda: ask(FAST))
        thread.start()
        thread.join()

    assert "query PostsFast ran 2" in fails(max_queries(1), in_thread)


def test_a_connection_that_another_thread_has_open_is_observed(ask):
    """A server's thread keeps its connection from test to test; nothing can be put on it from there."""
    orders, done = threading.Semaphore(0), threading.Semaphore(0)

    def serve():
        for _ in range(3):
            orders.acquire()
            ask(FAST)
            done.release()

    def order():
        orders.release()
        assert done.acquire(timeout=20)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    order()
    for _ in range(2):
        assert "query PostsFast ran 2" in fails(max_queries(1), order)
    thread.join()


async def test_async_operations_count(blog):
    """The ORM runs in a thread of asgiref, whose connection may be open since an earlier test."""
    document = "query Later { postsAsync(limit: 3) { title author { username } } }"

    async def ask():
        return _without_errors(await schema.execute_async(document))

    for _ in range(2):
        with max_queries(1):
            data = await ask()
        assert len(data["postsAsync"]) == 3
        with pytest.raises(AssertionError, match="query Later ran 1 SQL statement; the budget is 0"), max_queries(0):
            await ask()


def test_each_event_of_a_subscription_counts_for_itself(blog):
    """It may last for days."""

    async def follow():
        source = await articles.subscribe("subscription Titles($db: String!) { titles(db: $db) }", variable_values={"db": blog})
        return [_without_errors(event) async for event in source]

    with max_queries(1):
        assert len(asyncio.run(follow())) == 3
    message = fails(max_queries(0), lambda: asyncio.run(follow()))
    assert message.count("subscription Titles ran 1 SQL statement; the budget is 0") == 3
    assert message.count("1 x SELECT blog_post for Subscription.titles (tests/database/schema.py:") == 3


@pytest.mark.urls("tests.testing.urls")
def test_each_entry_of_a_batch_counts_for_itself(blog, client):
    """One request with two operations."""
    body = json.dumps([{"id": 1, "query": FAST}, {"id": 2, "query": NAIVE, "variables": {"limit": 1}}])

    def post():
        answers = client.post("/batch", body, content_type="application/json").json()
        assert [list(answer["data"]) for answer in answers] == [["postsFast"], ["postsNaive"]]

    with max_queries(naive_count(1)), max_queries(FAST_COUNT, operation="PostsFast"):
        post()
    assert "query PostsNaive ran 6" in fails(max_queries(5), post)
    fails(max_queries(FAST_COUNT + naive_count(1) - 1, total=True), post)


def test_an_operation_inside_another_counts_for_itself(blog):
    """What a resolver executes with the schema is an operation of its own."""

    def outer():
        _without_errors(articles.execute("query Outer($db: String!) { nested(db: $db) }", variable_values={"db": blog}))

    with max_queries(1, operation="Outer"):
        outer()
    message = fails(max_queries(0), outer)
    inner, outer_count = (int(re.search(rf"query {name} ran (\d+) SQL", message)[1]) for name in ("Inner", "Outer"))
    assert (inner > 1, outer_count) == (True, 1)


def test_a_block_decorates_functions_and_coroutine_functions(ask):
    """Each call is a block of its own; what is returned comes back."""

    @max_queries(FAST_COUNT, total=True)
    def fast():
        """Its words."""
        return ask(FAST)

    assert fast.__doc__ == "Its words."
    for _ in range(2):
        assert len(fast()["postsFast"]) == 6

    async def later(title):
        await asyncio.sleep(0)
        return await asyncio.to_thread(ask, FAST), title

    data, title = asyncio.run(max_queries(FAST_COUNT)(later)(title="x"))
    assert (len(data["postsFast"]), title) == (6, "x")
    with pytest.raises(AssertionError, match="query PostsFast ran 2"):
        asyncio.run(max_queries(0)(later)("x"))

    refused = max_queries(0)(later)

    async def side_by_side():
        return await asyncio.gather(*(refused(title) for title in "abc"), return_exceptions=True)

    assert [type(outcome) for outcome in asyncio.run(side_by_side())] == [AssertionError] * 3
    with pytest.raises(TypeError, match="decorates functions"):
        max_queries(1)(type("Case", (), {}))


@pytest.mark.parametrize("limit", [-1, 1.5, True, "10", None])
def test_a_budget_is_a_number(limit):
    with pytest.raises(ValueError, match="max_queries"):
        max_queries(limit)


@pytest.mark.parametrize("threshold", [1, 0, True, "5"])
def test_a_threshold_is_two_or_more(threshold):
    with pytest.raises(ValueError, match="no_n_plus_one"):
        no_n_plus_one(threshold)
