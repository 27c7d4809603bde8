"""The seed writes the same rows every time, once."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from blog.factories import CommentFactory, PostFactory
from blog.models import Category, Comment, Post, User

pytestmark = pytest.mark.django_db

MODELS = (User, Category, Post, Comment)


def seed(**options):
    call_command("seed", **{"verbosity": 0, **options})


def counts():
    return tuple(model.objects.count() for model in MODELS)


def rows():
    """Everything but when and by which key a row was written."""
    return (
        list(
            User.objects.order_by("username").values("username", "email", "first_name", "last_name", "is_active", "date_joined", "password")
        ),
        list(Category.objects.order_by("slug").values("name", "slug")),
        list(
            Post.objects.order_by("created_at").values(
                "title", "content", "published", "created_at", "updated_at", "author__username", "category__slug"
            )
        ),
        list(Comment.objects.order_by("post__created_at", "created_at").values("text", "created_at", "author__username", "post__title")),
    )


def test_the_size_is_the_documented_one():
    seed()
    assert counts() == (100, 10, 1000, 3000)
    assert set(User.objects.values_list("pk", flat=True)) == set(Post.objects.values_list("author", flat=True))
    assert Post.objects.filter(author=User.objects.first()).count() == 10
    assert Comment.objects.filter(post=Post.objects.first()).count() == 3


def test_the_size_can_be_chosen():
    seed(users=4, posts=2, comments=5)
    assert counts() == (4, 10, 8, 40)


def test_two_seeds_write_the_same_rows():
    seed(users=7, posts=3, comments=2)
    first = rows()
    assert len(first[2]) == 21
    seed(users=7, posts=3, comments=2, fresh=True)
    assert rows() == first


def test_factories_used_before_change_nothing():
    seed(users=7, posts=3, comments=2)
    first = rows()
    PostFactory.build_batch(3)
    seed(users=7, posts=3, comments=2, fresh=True)
    assert rows() == first


def test_seeding_again_leaves_the_blog_alone():
    seed(users=4, posts=2, comments=1)
    CommentFactory(post=Post.objects.first(), author=User.objects.first(), text="From a visitor.")
    keys = [list(model.objects.order_by("pk").values_list("pk", flat=True)) for model in MODELS]
    output = StringIO()
    call_command("seed", users=4, posts=2, comments=1, stdout=output)
    assert [list(model.objects.order_by("pk").values_list("pk", flat=True)) for model in MODELS] == keys
    assert output.getvalue() == ""


def test_another_size_is_refused_until_fresh_is_asked_for():
    seed(users=4, posts=2, comments=1)
    with pytest.raises(CommandError, match="holds 4 users, 8 posts and 8 comments"):
        seed(users=5, posts=2, comments=1)
    assert counts() == (4, 10, 8, 8)
    seed(users=5, posts=2, comments=1, fresh=True)
    assert counts() == (5, 10, 10, 10)


def test_impossible_sizes_are_refused():
    with pytest.raises(CommandError, match="at least one user"):
        seed(users=0)
    assert counts() == (0, 0, 0, 0)


def test_every_author_has_published_posts_and_drafts_in_many_categories():
    seed()
    for author in User.objects.all()[:5]:
        assert 0 < author.posts.filter(published=True).count() < author.posts.count()
        assert author.posts.values("category").distinct().count() == 10


def test_no_password_fits():
    seed(users=1, posts=0, comments=0)
    user = User.objects.get()
    assert not user.has_usable_password()
    assert not user.check_password("!")


def test_a_comment_is_younger_than_its_post():
    seed(users=4, posts=2, comments=3)
    ages = [comment.created_at - comment.post.created_at for comment in Comment.objects.select_related("post")]
    assert len(ages) == 24
    assert min(ages) > timedelta(0)
