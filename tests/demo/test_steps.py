"""Each step of the tour is answered as it says, and what it is there to show is seen."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from opentelemetry.trace import StatusCode
from steps import SLOW_MS, STEPS

from blog.models import Comment, Post
from blog.queries import Query
from blog.schema import schema
from blog.types import PostType
from config import settings as demo_settings
from otel_graphql_auto import semconv

README = (Path(__file__).parents[2] / "demo" / "README.md").read_text()
GRAPHQL = [step for step in STEPS if step.document]


@pytest.fixture
def take(client, blog, seen, settings):
    """Takes the step of this title, checks its answer, and gives the spans of its operations by their names."""
    settings.GRAPHQL_AUTO = {"SLOW_QUERY_THRESHOLD": SLOW_MS}

    def take(name):
        (step,) = [step for step in GRAPHQL if any(f" {name} " in f"{document} ".replace("(", " (") for document in documents_of(step))]
        body = send(client, step)
        assert step.expected in body, body
        return {span.attributes.get(semconv.OPERATION_NAME): span for span in seen.operation_spans}

    return take


def documents_of(step):
    return step.document if isinstance(step.document, list) else [step.document]


def send(client, step):
    headers = step.headers or {}
    if step.method == "GET":
        return client.get(f"{step.path}?{urlencode({'query': step.document})}", headers=headers).content.decode()
    body = (
        [{"query": each} for each in step.document]
        if isinstance(step.document, list)
        else {"query": step.document, "variables": step.variables}
    )
    response = client.post(step.path, json.dumps(body), content_type="application/json", headers=headers)
    return (b"".join(response.streaming_content) if response.streaming else response.content).decode()


def phases(seen):
    """Duration of each phase that has a span, in nanoseconds."""
    return {
        span.attributes[semconv.PROCESSING_TYPE]: span.end_time - span.start_time
        for span in seen.spans
        if span.attributes.get(semconv.PROCESSING_TYPE) in semconv.SPAN_BY_PHASE
    }


def values(seen, metric, attribute):
    return {point.attributes[attribute]: point.value for point in seen.metrics().get(metric.name, ())}


def place(resolver):
    return resolver.__code__.co_filename, resolver.__code__.co_firstlineno


def errors(span):
    return [dict(event.attributes) for event in span.events if event.name == semconv.EVENT_ERROR]


def test_the_deprecated_field_is_counted_and_the_client_is_known(take, seen):
    span = take("OldClient")["OldClient"]
    assert (span.attributes[semconv.CLIENT_NAME], span.attributes[semconv.CLIENT_VERSION]) == ("blog-web", "1.4.0")
    assert values(seen, semconv.FIELD_DEPRECATED, semconv.FIELD_SCHEMA_COORDINATE) == {"Post.summary": 1}


def test_the_slow_operation_is_marked_with_the_field_that_took_the_time(take, seen):
    span = take("Slow")["Slow"]
    assert span.attributes[semconv.SLOW] is True
    assert "Query.slow" in [span.name for span in seen.spans]
    assert values(seen, semconv.SLOW_OPERATIONS, semconv.OPERATION_NAME) == {"Slow": 1}


def test_the_naive_query_has_a_finding_for_each_field_that_asks_by_itself(take):
    """With the fix, the relation that it is about, and the resolver that returned the objects."""
    span = take("PostsNaive")["PostsNaive"]
    posts, comments = Post.objects.count(), Comment.objects.count()
    found = [event.attributes for event in span.events if event.name == semconv.EVENT_N_PLUS_ONE]
    assert {
        each[semconv.FIELD_SCHEMA_COORDINATE]: (
            each[semconv.N_PLUS_ONE_QUERY_COUNT],
            each[semconv.N_PLUS_ONE_FIX],
            each[semconv.N_PLUS_ONE_RELATION],
            each[semconv.CODE_FILE_PATH],
            each[semconv.CODE_LINE_NUMBER],
        )
        for each in found
    } == {
        "Post.author": (posts, "select_related", "blog.Post.author", *place(Query.resolve_posts_naive)),
        "Post.comments": (posts, "prefetch_related", "blog.Post.comments", *place(PostType.resolve_comments)),
        "Comment.author": (comments, "select_related", "blog.Comment.author", *place(PostType.resolve_comments)),
    }
    assert span.attributes[semconv.N_PLUS_ONE_COUNT] == len(found) == 3
    assert span.attributes[semconv.DB_QUERY_COUNT] == 1 + 2 * posts + comments


@pytest.mark.parametrize(("name", "statements"), [("PostsFast", 2), ("PostsLoaded", 3)])
def test_the_join_the_prefetch_and_the_loaders_have_none(take, seen, name, statements):
    """Each statement is known to be of the field that asked for it, in the async view too.

    There is a fourth one in the tour's blog: here all who comment have posts in the list, so that their loader knows them.
    """
    span = take(name)[name]
    assert span.attributes[semconv.DB_QUERY_COUNT] == statements
    assert semconv.N_PLUS_ONE_COUNT not in span.attributes
    assert [event.name for event in span.events] == []
    coordinates = [each.attributes[semconv.FIELD_SCHEMA_COORDINATE] for each in seen.spans if semconv.DB_QUERY_SUMMARY in each.attributes]
    loaded = ["Query.postsAsync", "Post.authorLoaded", "Post.commentsLoaded"]
    assert sorted(coordinates) == sorted({"PostsFast": ["Query.postsFast"] * 2, "PostsLoaded": loaded}[name])


def test_all_three_give_the_same_answer(client, blog):
    """Byte for byte but for the name of the field: what they cost is the only difference."""
    bodies = {step.title: send(client, step) for step in GRAPHQL if "query Posts" in str(step.document)}
    assert len(bodies) == 3
    assert len({re.sub("postsNaive|postsFast|postsAsync", "posts", body) for body in bodies.values()}) == 1
    assert all(body.count('"text":') == Comment.objects.count() > 30 for body in bodies.values())


def test_the_slow_statement_is_marked_and_shows_no_value(take, seen, settings):
    """The tour's blog is larger: there it takes longer than the tour's threshold."""
    settings.GRAPHQL_AUTO = {"SLOW_SQL_THRESHOLD": 0.001}
    take("QuotedPosts")
    (span,) = [span for span in seen.spans if semconv.DB_QUERY_SUMMARY in span.attributes]
    assert span.attributes[semconv.DB_SLOW] is True
    assert span.attributes[semconv.FIELD_SCHEMA_COORDINATE] == "Query.quotedPosts"
    assert "blog_post.id <= ?" in span.attributes[semconv.DB_QUERY_TEXT]
    assert "200" not in span.attributes[semconv.DB_QUERY_TEXT]


def test_an_operation_may_have_a_threshold_of_its_own(ask, seen, settings):
    """The demo's settings allow AllowedToBeSlow five seconds; under any other name the same is slow."""
    settings.GRAPHQL_AUTO = {**demo_settings.GRAPHQL_AUTO, "SLOW_QUERY_THRESHOLD": 20}
    for name in ("AllowedToBeSlow", "Slow"):
        assert ask(f"query {name} {{ slow(ms: 30) }}")[1] == {"data": {"slow": "slept for 30 ms"}}
    assert [span.attributes.get(semconv.SLOW) for span in seen.operation_spans] == [None, True]
    assert "AllowedToBeSlow" in README


def test_the_document_that_is_slow_to_validate_shows_it(take, seen):
    take("SlowValidation")
    found = phases(seen)
    assert found["validate"] > 10 * found.get("execute", 0)
    assert found["validate"] > found["parse"]


def test_failures_are_told_apart_by_whose_fault_they_are(take):
    server = take("UnexpectedFailure")["UnexpectedFailure"]
    client = take("PartialData")["PartialData"]
    assert (server.attributes[semconv.ERROR_TYPE], server.attributes[semconv.FAULT]) == ("ConnectionError", "server")
    assert (client.attributes[semconv.ERROR_TYPE], client.attributes[semconv.FAULT]) == ("BAD_USER_INPUT", "client")
    assert [error[semconv.FIELD_PATH] for span in (server, client) for error in errors(span)] == ["unexpectedFailure", "badUserInput"]


def test_a_variable_of_the_wrong_type_is_the_clients_fault_and_its_value_stays_here(take, seen):
    span = take("BadVariable")["BadVariable"]
    assert span.attributes[semconv.FAULT] == "client"
    assert "variable_coercion" in phases(seen)
    assert len(errors(span)) == 1
    assert "hunter2" not in "".join(span.to_json() for span in seen.spans)


def test_a_document_that_is_not_valid_is_the_clients_fault(take):
    span = take("Typo")["Typo"]
    assert (span.attributes[semconv.ERROR_TYPE], span.attributes[semconv.FAULT]) == (semconv.VALIDATION_FAILED, "client")


def test_nothing_of_a_query_string_is_on_the_operation(take, seen):
    assert "ByGet" in take("ByGet")
    assert "Hopper" not in "".join(span.to_json() for span in seen.spans)


def test_a_batch_has_a_span_for_each_operation(take):
    assert {"BatchA", "BatchB", "BatchC"} == set(take("BatchA"))


def test_the_operation_inside_another_is_its_child(take, seen):
    spans = take("Outer")
    above = {span.context.span_id: span.parent and span.parent.span_id for span in seen.spans}
    position = spans["Inner"].parent.span_id
    while position != spans["Outer"].context.span_id:
        position = above[position]


def test_async_fields_wait_at_the_same_time(take, seen):
    take("Async")
    one, two = (span for span in seen.spans if span.name == "Query.slowAsync")
    assert max(one.start_time, two.start_time) < min(one.end_time, two.end_time)


def test_the_failure_of_an_event_is_that_events_own(take, seen):
    operation = take("Countdown")["Countdown"]
    events = [span for span in seen.spans if span.name == semconv.SPAN_SUBSCRIPTION_EVENT]
    assert [span.status.status_code is StatusCode.ERROR for span in sorted(events, key=lambda span: span.start_time)] == [
        False,
        False,
        True,
    ]
    assert operation.status.status_code is not StatusCode.ERROR


@pytest.mark.parametrize("name", ["Hello", "PostsNaive", "PostsFast", "PostsLoaded", "QuotedPosts", "CreateComment"])
def test_what_goes_well_has_no_error(take, name):
    assert take(name)[name].status.status_code is not StatusCode.ERROR


def test_one_document_may_hold_several_operations(client, blog, seen):
    """The one that is asked for runs, and gives the span its name."""
    body = {"query": "query First { hello } query Second { serverTime }", "operationName": "Second"}
    assert "serverTime" in client.post("/graphql/", json.dumps(body), content_type="application/json").json()["data"]
    assert [span.attributes[semconv.OPERATION_NAME] for span in seen.operation_spans] == ["Second"]


def test_every_field_and_every_step_is_in_the_readme():
    """Whoever looks for the operation that shows something finds it there, and what it shows."""
    types = schema.graphql_schema
    fields = [name for root in (types.query_type, types.mutation_type, types.subscription_type) for name in root.fields]
    assert len(fields) > 20
    assert [name for name in fields if not re.search(rf"`[^`]*\b{name}\b[^`]*`", README)] == []
    names = [re.search(r"\w+ (\w+)", document)[1] for step in GRAPHQL for document in documents_of(step)]
    assert [name for name in names if name not in README] == []


def test_the_tour_is_read_in_two_minutes():
    """About 240 words a minute."""
    words = sum(len(f"{step.title} {step.why}".split()) for step in STEPS)
    assert len(STEPS) < 20
    assert words < 480
    assert all(len(step.why) <= 120 for step in STEPS)
