"""PostgreSQL as docker-compose makes it: the shipped configuration, the user `blog`, and what runs once on an empty data folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.services.postgres import Installation, Postgres, postgres

SHIPPED = Path(__file__).parents[2] / "collector" / "postgres"
CONFIGURATION = SHIPPED / "postgresql.conf"
BLOG = "blog"
BLOG_PASSWORD = "the-secret-of-the-blog"
MONITORING = "monitoring"
MONITORING_PASSWORD = "the-secret-of-the-exporter"

AS_THE_IMAGE_DOES = 'set -Eeo pipefail; if [ -x "$0" ]; then "$0"; else . "$0"; fi'
"""Its entrypoint sources what lost the right to be executed on its way."""


@contextmanager
def mounted(installation: Installation | None = None) -> Iterator[Postgres]:
    """One that answers, without the monitoring role."""
    with postgres(installation=installation, configuration=CONFIGURATION) as server:
        with psycopg.connect(**_address(server.settings()), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {BLOG} SUPERUSER LOGIN PASSWORD '{BLOG_PASSWORD}'")
            connection.execute(f"CREATE DATABASE {BLOG} OWNER {BLOG}")
        yield server


def initialize(server: Postgres, password_file: Path, *, script: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the script of the init folder as the image's entrypoint does."""
    environment = server.installation.environment | {
        "PATH": os.pathsep.join([str(server.installation.program("psql").parent), os.environ["PATH"]]),
        "PGHOST": str(server.folder),
        "PGPORT": str(server.port),
        "PGPASSWORD": BLOG_PASSWORD,
        "POSTGRES_USER": BLOG,
        "POSTGRES_DB": BLOG,
        "EXPORTER_PASSWORD_FILE": str(password_file),
    }
    command = ["bash", "-c", AS_THE_IMAGE_DOES, str(script or SHIPPED / "init" / "10-monitoring.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)


def connect(server: Postgres, user: str = BLOG, password: str = BLOG_PASSWORD) -> psycopg.Connection[Any]:
    """To the database `blog`; everything is committed at once."""
    return psycopg.connect(**_address(blog_settings(server, USER=user, PASSWORD=password)), autocommit=True)


def blog_settings(server: Postgres, **changes: Any) -> dict[str, Any]:
    """The application's entry of DATABASES."""
    return server.settings(NAME=BLOG, USER=BLOG, PASSWORD=BLOG_PASSWORD) | changes


def _address(settings: dict[str, Any]) -> dict[str, Any]:
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {name: settings[key] for name, key in names.items()}
