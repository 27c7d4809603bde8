"""The four models of the blog, each index with the query that it is there for."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils import timezone


class User(AbstractUser):
    """An author: Django's user, with an e-mail address of its own."""

    # Unique, hence already indexed, as `username` is: neither needs `db_index`, nor an index on both.
    email = models.EmailField("email address", unique=True)

    class Meta:
        indexes = [
            # `allUsers` reads people in the order of a telephone book.
            models.Index(fields=["last_name", "first_name"], name="user_name_idx"),
            # `newestUsers`. Partial: a true-or-false column narrows nothing down as the first column of an index, and SQLite
            # does not use it there at all, because Django writes `WHERE is_active` and not `= true`.
            models.Index(fields=["-date_joined"], condition=models.Q(is_active=True), name="user_newest_active_idx"),
        ]


class Category(models.Model):
    """A subject that posts are filed under; the table has ten rows and both unique columns serve look-ups."""

    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class Post(models.Model):
    """An article; a draft until it is published."""

    title = models.CharField(max_length=200)
    content = models.TextField()
    # Both foreign keys are the first column of an index below: one of their own would be written and never read.
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="posts", db_index=False)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="posts", db_index=False)
    published = models.BooleanField(default=False)
    # A default, not `auto_now_add`: the seed says when a post was written.
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            # `User.posts(published:)`, and the cascade from a user.
            models.Index(fields=["author", "published"], name="post_author_published_idx"),
            # `feed(category:)`: one category, newest first.
            models.Index(fields=["category", "-created_at"], name="post_category_newest_idx"),
            # `feed`: what is published, newest first; partial for the same reason.
            models.Index(fields=["-created_at"], condition=models.Q(published=True), name="post_published_newest_idx"),
        ]

    def __str__(self) -> str:
        return self.title


class Comment(models.Model):
    """What a reader says about a post."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="comments", db_index=False)
    # Django's own index on a foreign key: `User.comments`, and the cascade from a user.
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="comments")
    # A validator: `max_length` of a text field is a matter of forms only.
    text = models.TextField(validators=[MaxLengthValidator(1000)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        # Here and not in the resolver, so that prefetched comments come in the same order.
        ordering = ["created_at"]
        indexes = [
            # `Post.comments` reads a conversation from its beginning; also the cascade from a post.
            models.Index(fields=["post", "created_at"], name="comment_post_oldest_idx"),
        ]

    def __str__(self) -> str:
        return self.text[:60]
