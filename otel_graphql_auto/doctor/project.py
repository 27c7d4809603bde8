"""Sets up the Django project of the working directory, as its manage.py would, and loads its URLconf."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otel_graphql_auto.doctor import environment
from otel_graphql_auto.doctor.bounded import first_line
from otel_graphql_auto.finding import ERROR, Finding
from otel_graphql_auto.project import settings_module

__all__ = ["set_up", "urlconf"]


def set_up() -> list[Finding]:
    """Nothing where that goes well, else what there is to say."""
    module = settings_module()
    if module is None:
        message = "no project here: no DJANGO_SETTINGS_MODULE, and no manage.py that names one"
        return [Finding(ERROR, "Django", message, "Start this where manage.py is, or set DJANGO_SETTINGS_MODULE.")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    import django
    from django.conf import settings

    try:
        django.setup()
    except Exception as error:  # noqa: BLE001 - settings and apps may raise whatever they like
        advice = "Try python manage.py check: the project has to start before its telemetry can be looked at."
        return [Finding(ERROR, "Django", f"the project of {module} does not start: {first_line(error)}", advice)]
    if getattr(settings, "SETTINGS_MODULE", None) is None and not hasattr(settings, "ROOT_URLCONF"):
        # The stock Django instrumentation does that where it meets none, and the settings module is then never read.
        advice = f"Leave OTEL_PYTHON_DISTRO and OTEL_PYTHON_CONFIGURATOR to otel-graphql-auto, or set DJANGO_SETTINGS_MODULE={module} where the process is started."
        return [
            Finding(
                ERROR,
                "Django",
                "the project has lost its settings: the Django instrumentation has configured empty ones before it was set up",
                advice,
            ),
            *environment.parts(),
        ]
    return []


def urlconf() -> Iterator[Finding]:
    """Nothing where it loads."""
    from django.urls import URLResolver, get_resolver

    def load(resolver: Any) -> None:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                load(entry)

    try:
        load(get_resolver())
    except Exception as error:  # noqa: BLE001 - modules may raise whatever they like
        advice = "Try python manage.py check: no request is answered without it."
        yield Finding(ERROR, "Django", f"the URLconf does not load: {first_line(error)}", advice)
