"""Settings of the shop; the environment decides only what a test has to vary."""

import json
import os
from pathlib import Path

SECRET_KEY = "only for tests"
DEBUG = os.environ.get("SHOP_DEBUG") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "graphene_django",
    "shop",
]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
if os.environ.get("SHOP_COMMON_MIDDLEWARE") == "1":
    MIDDLEWARE += ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "shop.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).resolve().parent.parent / "shop.sqlite3"}}
if "SHOP_DATABASE" in os.environ:
    DATABASES["default"] = json.loads(os.environ["SHOP_DATABASE"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
SHOP_MARKER = "the settings that manage.py names"
