"""`manage.py seed` fills the blog with the same rows every time; a database that has them already is left alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import F

from blog.factories import CategoryFactory, CommentFactory, PostFactory, UserFactory
from blog.models import Category, Comment, Post, User

CATEGORY_COUNT = 10

BATCH_SIZE = 500
"""Rows in one INSERT, which SQLite's limit on parameters cuts further where it must."""


class Command(BaseCommand):
    help = "Fill the blog with users, posts and comments (deterministic; does nothing the second time)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=int, default=100, help="number of users (default: 100)")
        parser.add_argument("--posts", type=int, default=10, help="posts of each user (default: 10)")
        parser.add_argument("--comments", type=int, default=3, help="comments on each post (default: 3)")
        parser.add_argument("--fresh", action="store_true", help="delete everything in the blog first")

    def handle(self, *args: Any, **options: Any) -> None:
        users, posts, comments = options["users"], options["posts"], options["comments"]
        if users < 1 or posts < 0 or comments < 0:
            raise CommandError("There must be at least one user, and no number may be negative.")
        with transaction.atomic():
            if options["fresh"]:
                delete_everything()
            if User.objects.exists():
                self.check_seeded(users=users, posts=posts, comments=comments)
                return
            plant(users=users, posts=posts, comments=comments)
        self.say(options, f"{users} users, {users * posts} posts, {users * posts * comments} comments written.")

    def check_seeded(self, *, users: int, posts: int, comments: int) -> None:
        """Comments written by visitors since then are welcome; another size is not what was asked for."""
        found = (User.objects.count(), Post.objects.count(), Comment.objects.count())
        if found[:2] != (users, users * posts) or found[2] < users * posts * comments:
            raise CommandError(
                f"The blog holds {found[0]} users, {found[1]} posts and {found[2]} comments, which is not the size asked for. "
                "Add --fresh to delete them and begin anew."
            )

    def say(self, options: dict[str, Any], sentence: str) -> None:
        if options["verbosity"] > 0:
            self.stdout.write(sentence)


def delete_everything() -> None:
    """Numbering begins anew too: the queries in the documentation name posts by their number."""
    tables = [model._meta.db_table for model in (Comment, Post, Category, User)]
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables, reset_sequences=True, allow_cascade=True))


def plant(*, users: int, posts: int, comments: int) -> None:
    """Write `users` x `posts` x `comments` rows; rows come back from `bulk_create` with their keys."""
    authors = User.objects.bulk_create([UserFactory.build(number=number) for number in range(1, users + 1)], BATCH_SIZE)
    categories = Category.objects.bulk_create([CategoryFactory.build(number=number) for number in range(CATEGORY_COUNT)])
    articles = Post.objects.bulk_create(
        [
            PostFactory.build(
                number=number,
                # Users take turns, so that the newest posts are by different ones.
                author=authors[number % users],
                category=categories[(number + number // 100) % CATEGORY_COUNT],
            )
            for number in range(1, users * posts + 1)
        ],
        BATCH_SIZE,
    )
    # `auto_now` put the time of the seeding there; the same rows every time means the same times too.
    Post.objects.update(updated_at=F("created_at"))
    Comment.objects.bulk_create(
        [
            CommentFactory.build(number=number, post=articles[(number - 1) // comments], author=authors[(number * 7) % users])
            for number in range(1, users * posts * comments + 1)
        ],
        BATCH_SIZE,
    )
