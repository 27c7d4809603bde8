"""The Django project of the benchmark: settings, one GraphQL route, seeded tables and the WSGI application."""

import django
from django.conf import settings

HOST = "bench.example.org"
PATH = "/graphql/"
AUTHORS = 50
BOOKS = 100
READINGS = 500


def configure() -> None:
    """Set Django up with the middleware that `startproject` writes and an SQLite database in memory."""
    settings.configure(
        DEBUG=False,
        SECRET_KEY="only for the benchmark",
        ALLOWED_HOSTS=[HOST],
        ROOT_URLCONF="bench_urls",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "graphene_django",
            "bench_library",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
    )
    django.setup(set_prefix=False)


def make_application():
    """The WSGI application, middleware loaded, over freshly seeded tables."""
    from django.core.handlers.wsgi import WSGIHandler

    seed()
    return WSGIHandler()


def seed() -> None:
    """Create the three tables and fill them with the same rows every time."""
    from bench_library.models import Author, Book, Reading
    from django.db import connection

    with connection.schema_editor() as editor:
        editor.create_model(Author)
        editor.create_model(Book)
        editor.create_model(Reading)
    authors = Author.objects.bulk_create(Author(name=f"Author {number}") for number in range(AUTHORS))
    Book.objects.bulk_create(
        Book(title=f"Book {number}", summary=f"What book {number} is about. " * 4, pages=100 + number, author=authors[number % AUTHORS])
        for number in range(BOOKS)
    )
    Reading.objects.bulk_create(
        Reading(**{name: number if name in "acegi" else f"{name}{number}" for name in "abcdefghij"}) for number in range(READINGS)
    )
