"""Django settings for graphene-django's own tests, which its sdist leaves out; nothing in them is about this project."""

SECRET_KEY = "only for tests"  # noqa: S105 - a test database in memory, nothing to protect

INSTALLED_APPS = ["graphene_django", "graphene_django.rest_framework", "graphene_django.tests"]

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}

DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

GRAPHENE = {"SCHEMA": "graphene_django.tests.schema_view.schema"}

ROOT_URLCONF = "graphene_django.tests.urls"

USE_TZ = True
