"""Every operation of the demo answers with what its name promises."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blog.models import Comment, Post, User
from blog.schema import schema

RELATIONS = "id title author { username } category { name } comments { text author { fullName } }"


def queries_of(action):
    with CaptureQueriesContext(connection) as captured:
        result = action()
    return result, len(captured)


def first_post():
    return Post.objects.order_by("pk").first()


def test_hello(ask):
    assert ask("{ hello }") == (200, {"data": {"hello": "Hello, world!"}})
    assert ask('{ hello(name: "you") }') == (200, {"data": {"hello": "Hello, you!"}})


def test_server_time(ask):
    status, body = ask("{ serverTime }")
    assert status == 200
    assert body["data"]["serverTime"].startswith("20")


@pytest.mark.parametrize(
    ("connection_name", "fields", "count", "queries"),
    [
        ("allUsers", "username fullName", 6, 2),
        ("allCategories", "name slug", 10, 2),
        ("allPosts", "title author { username } category { name }", 18, 2),
        ("allComments", "text author { username } post { title }", 36, 2),
    ],
)
def test_relay_connections(ask, connection_name, fields, count, queries):
    document = f"{{ {connection_name} {{ edges {{ node {{ {fields} }} }} pageInfo {{ hasNextPage }} }} }}"
    (status, body), ran = queries_of(lambda: ask(document))
    assert status == 200
    assert "errors" not in body
    assert len(body["data"][connection_name]["edges"]) == count
    assert ran == queries


def test_a_relay_page_leads_to_the_next_one_and_a_node_to_itself(ask):
    page = "query Page($after: String) { allPosts(first: 10, after: $after) { edges { node { id title } } pageInfo { hasNextPage endCursor } } }"
    first = ask(page)[1]["data"]["allPosts"]
    second = ask(page, after=first["pageInfo"]["endCursor"])[1]["data"]["allPosts"]
    titles = [edge["node"]["title"] for edge in first["edges"] + second["edges"]]
    assert len(titles) == len(set(titles)) == 18
    assert first["pageInfo"]["hasNextPage"]
    assert not second["pageInfo"]["hasNextPage"]
    node = first["edges"][0]["node"]
    assert (
        ask("query One($id: ID!) { node(id: $id) { ... on Post { title } } }", id=node["id"])[1]["data"]["node"]["title"] == node["title"]
    )


def test_posts_fast_and_posts_naive_give_the_same_answer_for_different_prices(ask):
    fast, fast_queries = queries_of(lambda: ask(f"{{ posts: postsFast(limit: 5) {{ {RELATIONS} }} }}"))
    naive, naive_queries = queries_of(lambda: ask(f"{{ posts: postsNaive(limit: 5) {{ {RELATIONS} }} }}"))
    assert fast == naive
    assert len(fast[1]["data"]["posts"]) == 5
    assert all(len(post["comments"]) == 2 for post in fast[1]["data"]["posts"])
    assert fast_queries == 2
    # The posts; of each post its author, its category, its comments, and the authors of both comments.
    assert naive_queries == 1 + 5 * (3 + 2)


def test_categories_fast_and_categories_naive_give_the_same_answer_for_different_prices(ask):
    fast, fast_queries = queries_of(lambda: ask("{ categories: categoriesFast { name postCount } }"))
    naive, naive_queries = queries_of(lambda: ask("{ categories: categoriesNaive { name postCount } }"))
    assert fast == naive
    assert sum(category["postCount"] for category in fast[1]["data"]["categories"]) == 18
    assert (fast_queries, naive_queries) == (1, 11)


def test_a_post_that_another_one_names_is_quoted(ask):
    """Itself does not count, and `%` in a title means itself."""
    assert ask("{ quotedPosts }")[1] == {"data": {"quotedPosts": 0}}
    first, second, third, *_ = Post.objects.order_by("pk")
    Post.objects.filter(pk=first.pk).update(title="100%")
    Post.objects.filter(pk=second.pk).update(content=f"Xylophones: as {third.title} says, 100 of 100.", title="Xylophones")
    Post.objects.filter(pk=third.pk).update(content="Of 100% there is more to say.")
    assert ask("query Quoted($upTo: Int!) { quotedPosts(upTo: $upTo) }", upTo=third.pk)[1] == {"data": {"quotedPosts": 2}}
    assert ask("query Quoted($upTo: Int!) { quotedPosts(upTo: $upTo) }", upTo=second.pk)[1] == {"data": {"quotedPosts": 1}}
    assert ask("{ quotedPosts(upTo: -1) }")[1] == {"data": {"quotedPosts": 0}}


def test_fields_with_loaders_say_where_they_work(ask):
    """Nothing awaits a resolver in graphene-django's own view, which would answer with HTTP 500."""
    for field in ("authorLoaded { username }", "commentsLoaded { text }"):
        status, body = ask(f"{{ postsFast(limit: 1) {{ {field} }} }}")
        assert status == 200
        assert body["data"] is None
        assert [error["message"] for error in body["errors"]] == ["A DataLoader needs an event loop: ask /graphql/async/."]


def test_the_feed_is_what_is_published_newest_first(ask):
    feed = ask("{ feed(limit: 5) { published createdAt author { username } } }")[1]["data"]["feed"]
    assert len(feed) == 5
    assert all(post["published"] for post in feed)
    assert [post["createdAt"] for post in feed] == sorted((post["createdAt"] for post in feed), reverse=True)
    assert "errors" not in ask('{ feed(category: "graphql") { title } }')[1]


def test_the_feed_of_a_category_holds_only_its_posts(ask):
    feed = ask('{ feed(category: "graphql") { published category { slug } } }')[1]["data"]["feed"]
    assert feed
    assert all(post == {"published": True, "category": {"slug": "graphql"}} for post in feed)
    assert ask('{ feed(category: "no-such") { title } }')[1] == {"data": {"feed": []}}


def test_newest_users_are_active_ones(ask):
    users = ask("{ newestUsers(limit: 3) { username isActive } }")[1]["data"]["newestUsers"]
    assert [user["username"] for user in users] == ["user0001", "user0002", "user0003"]
    assert all(user["isActive"] for user in users)


def test_a_post_by_its_number_with_computed_and_deprecated_fields(ask):
    post = first_post()
    fields = "title excerpt(length: 20) summary readingMinutes author { posts(published: true) { published } }"
    answer = ask(f"query Post($number: Int!) {{ post(number: $number) {{ {fields} }} }}", number=post.pk)[1]["data"]["post"]
    assert answer["title"] == post.title
    assert len(answer["excerpt"]) <= 20
    assert post.content.startswith(answer["summary"].rstrip("…"))
    assert answer["readingMinutes"] == 1
    assert answer["author"]["posts"]
    assert all(each["published"] for each in answer["author"]["posts"])
    assert ask("{ post(number: 0) { title } }")[1] == {"data": {"post": None}}


def test_the_marked_field_has_a_span_and_others_that_are_fast_have_none(ask, seen):
    assert ask("query Both($number: Int!) { hello post(number: $number) { title } }", number=first_post().pk)[1]["data"]["post"]["title"]
    names = [span.name for span in seen.spans]
    assert "query" in names
    assert "Query.post" in names
    assert "Query.hello" not in names


def test_a_limit_is_bounded(ask):
    assert ask("{ postsNaive(limit: -1) { title } }")[1] == {"data": {"postsNaive": []}}
    assert len(ask("{ postsNaive(limit: 1000000) { title } }")[1]["data"]["postsNaive"]) == 18


def test_a_deprecated_field_says_what_to_use():
    assert "excerpt" in schema.graphql_schema.type_map["Post"].fields["summary"].deprecation_reason


def test_slow_sleeps_as_long_as_it_is_told(ask):
    assert ask("{ slow(ms: 5) slowAsync(ms: 5) }") == (200, {"data": {"slow": "slept for 5 ms", "slowAsync": "slept for 5 ms"}})
    assert ask("{ slow(ms: -5) }")[1]["data"]["slow"] == "slept for 0 ms"


def test_an_unexpected_failure_is_an_error_beside_data(ask):
    status, body = ask("{ hello unexpectedFailure }")
    assert status == 200
    assert body["data"] == {"hello": "Hello, world!", "unexpectedFailure": None}
    assert body["errors"][0]["message"] == "The search index does not answer."
    assert body["errors"][0]["path"] == ["unexpectedFailure"]


def test_bad_user_input_carries_its_code(ask):
    status, body = ask("{ badUserInput }")
    assert status == 200
    assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("document", ["{ nothing }", "{ hello", "query A { hello } query B { hello }"])
def test_what_cannot_be_executed_is_a_bad_request(ask, document):
    status, body = ask(document)
    assert status == 400
    assert body["errors"]
    assert "data" not in body


COMMENT = """mutation Comment($post: Int!, $username: String!, $text: String!) {
  createComment(post: $post, username: $username, text: $text) { comment { text author { username } } errors { field messages } }
}"""


def test_create_comment_writes_one(ask):
    before = Comment.objects.count()
    status, body = ask(COMMENT, post=first_post().pk, username="user0002", text=" Well said. ")
    assert status == 200
    assert body == {"data": {"createComment": {"comment": {"text": "Well said.", "author": {"username": "user0002"}}, "errors": []}}}
    assert Comment.objects.count() == before + 1
    assert Comment.objects.latest("pk").post == first_post()


@pytest.mark.parametrize("text", ["  ", "x" * 1001])
def test_create_comment_says_what_is_wrong_with_the_text(ask, text):
    before = Comment.objects.count()
    answer = ask(COMMENT, post=first_post().pk, username="user0002", text=text)[1]
    assert answer["data"]["createComment"]["comment"] is None
    assert [error["field"] for error in answer["data"]["createComment"]["errors"]] == ["text"]
    assert Comment.objects.count() == before


@pytest.mark.parametrize("wrong", [{"post": 0}, {"username": "nobody"}])
def test_create_comment_knows_its_posts_and_users(ask, wrong):
    before = Comment.objects.count()
    answer = ask(COMMENT, **{"post": first_post().pk, "username": "user0002", "text": "Hm.", **wrong})[1]
    assert answer["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
    assert Comment.objects.count() == before


def test_a_batch_answers_each_operation(ask):
    status, body = ask(["{ hello }", "{ badUserInput }", "{ hello }"], path="/graphql/batch/")
    assert status == 200
    assert [entry["status"] for entry in body] == [200, 200, 200]
    assert body[0]["data"] == body[2]["data"] == {"hello": "Hello, world!"}
    assert body[1]["errors"]


def test_graphiql_is_served_with_its_script(client, db):
    page = client.get("/graphql/", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert b"graphiql" in page.content
    script = client.get("/static/graphene_django/graphiql.js")
    assert script.status_code == 200
    assert b"GraphiQL" in b"".join(script.streaming_content)
    script.close()


def test_no_csrf_token_is_needed(blog):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    body = json.dumps({"query": "{ hello }"})
    for path in ("/graphql/", "/graphql/async/"):
        assert client.post(path, body, content_type="application/json").json() == {"data": {"hello": "Hello, world!"}}


def test_names_in_the_schema_carry_no_password():
    assert not {"password", "email"} & set(schema.graphql_schema.type_map["User"].fields)
    assert User._meta.get_field("password")
