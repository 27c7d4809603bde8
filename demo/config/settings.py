"""Settings of the demo; the environment (DEMO_*) changes what differs between a laptop and a server."""

import os
from pathlib import Path

import otel_graphql_auto
from config import servers

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DEMO_DEBUG", "").lower() in {"1", "true", "yes"}

SECRET_KEY = servers.secret("DEMO_SECRET_KEY", "only-for-the-demo-on-a-loopback-address")

ALLOWED_HOSTS = os.environ.get("DEMO_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "graphene_django",
    "otel_graphql_auto",
    "blog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
]

DATABASES = {"default": servers.database(embedded=BASE_DIR / "db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "blog.User"

CACHES = {"default": servers.cache()}

GRAPHENE = {"SCHEMA": "blog.schema.schema"}

GRAPHQL_AUTO = {
    "HEALTH_PATHS": {"live": "/healthz", "ready": "/readyz"},
    "SLOW_QUERY_THRESHOLDS": {"AllowedToBeSlow": 5000},
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"

LOG_LEVEL = os.environ.get("DEMO_LOG_LEVEL", "INFO")

if os.environ.get("DEMO_LOG_FORMAT") == "json":
    LOGGING = otel_graphql_auto.logging_config(LOG_LEVEL)
    LOGGING["loggers"]["otel_graphql_auto"] = {"level": "WARNING"}
else:
    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "loggers": {
            "django": {"level": LOG_LEVEL},
            # runserver's access log has a handler of its own by default; here it follows the level as everything else does.
            "django.server": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
            "otel_graphql_auto": {"level": "WARNING"},
        },
        "root": {"handlers": ["console"], "level": LOG_LEVEL},
    }
