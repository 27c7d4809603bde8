"""Factories of the blog's models: the same number always makes the same row."""

from datetime import datetime, timedelta, timezone

import factory

from blog.models import Category, Comment, Post, User

FIRST_POST = datetime(2024, 1, 1, 8, tzinfo=timezone.utc)

FIRST_NAMES = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Radia", "Alan", "Frances", "Niklaus", "Hedy"]
LAST_NAMES = ["Abel", "Brandt", "Castillo", "Diallo", "Eriksen", "Fujita", "Grünwald", "Haddad", "Ivanova", "Jansen"]
CATEGORIES = ["Databases", "GraphQL", "Django", "Observability", "Caching", "Testing", "Deployment", "Security", "Python", "Community"]
OPENINGS = [
    "Notes on",
    "What we learned about",
    "A second look at",
    "The trouble with",
    "In praise of",
    "A short history of",
    "How we stopped fearing",
]
SUBJECTS = [
    "slow queries",
    "connection pools",
    "schema design",
    "query plans",
    "batch loading",
    "cache keys",
    "error budgets",
    "flaky tests",
    "migrations",
]
SENTENCES = [
    "We measured first, and the slowest part was not where we had looked.",
    "Every list had one query for each of its rows, and nobody had noticed.",
    "The index was there, but the columns were in the wrong order.",
    "A hit rate means little without the cost of a miss.",
    "The second deployment was quieter than the first.",
    "What helped most was deleting code.",
    "The graph was flat because nothing was being recorded.",
]
REMARKS = [
    "Thank you, this saved my evening.",
    "Have you tried it with more rows?",
    "We saw the same thing.",
    "I would like to see the query plan.",
    "Nicely put.",
]


def pick(values: list[str], number: int, step: int = 1) -> str:
    return values[(number * step) % len(values)]


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    class Params:
        number = factory.Sequence(lambda position: position + 1)

    username = factory.LazyAttribute(lambda user: f"user{user.number:04}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    first_name = factory.LazyAttribute(lambda user: pick(FIRST_NAMES, user.number))
    last_name = factory.LazyAttribute(lambda user: pick(LAST_NAMES, user.number // len(FIRST_NAMES)))
    date_joined = factory.LazyAttribute(lambda user: FIRST_POST - timedelta(days=user.number))
    is_active = factory.LazyAttribute(lambda user: user.number % 10 != 0)
    # The mark of an unusable password: hashing a hundred real ones would take longer than all the rest.
    password = "!"  # noqa: S105


class CategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Category

    class Params:
        number = factory.Sequence(lambda position: position)

    name = factory.LazyAttribute(
        lambda category: CATEGORIES[category.number] if category.number < len(CATEGORIES) else f"Subject {category.number + 1}"
    )
    slug = factory.LazyAttribute(lambda category: category.name.lower().replace(" ", "-"))


class PostFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Post

    class Params:
        number = factory.Sequence(lambda position: position + 1)

    author = factory.SubFactory(UserFactory)
    category = factory.SubFactory(CategoryFactory)
    title = factory.LazyAttribute(lambda post: f"{pick(OPENINGS, post.number)} {pick(SUBJECTS, post.number, 5)}, part {post.number}")
    content = factory.LazyAttribute(lambda post: " ".join(pick(SENTENCES, post.number + line, 3) for line in range(3 + post.number % 5)))
    # Four of five, spread over every author, whatever the order in which authors take turns.
    published = factory.LazyAttribute(lambda post: (post.number + post.number // 100) % 5 != 0)
    created_at = factory.LazyAttribute(lambda post: FIRST_POST + timedelta(hours=7 * post.number))


class CommentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Comment

    class Params:
        number = factory.Sequence(lambda position: position + 1)

    post = factory.SubFactory(PostFactory)
    author = factory.SubFactory(UserFactory)
    text = factory.LazyAttribute(lambda comment: pick(REMARKS, comment.number, 3))
    created_at = factory.LazyAttribute(lambda comment: comment.post.created_at + timedelta(minutes=5 + comment.number % 600))
