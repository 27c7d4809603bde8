"""The foreign test suites: which sdist carries them, what they need, and how large they are when all of them runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One project's own test suite."""

    name: str
    version: str
    requirements: tuple[str, ...]
    arguments: tuple[str, ...]
    """What pytest is given, in the folder of the unpacked sdist."""
    minimum_passed: int
    """So many tests pass bare at least, or something is wrong with the set-up and nothing has been compared."""
    minimum_operations: int
    """So many operations our instrumentation sees at least, a little less than what it is known to see: a name that is wrapped no longer shows here."""
    environment: dict[str, str] = field(default_factory=dict)


PYTEST = "pytest>=7.4,<10"
"""The bounds that graphql-core's own tox.ini gives, for all: one suite may need a newer pytest than another, none an older."""

SUITES = (
    Suite(
        name="graphql-core",
        version="3.2.14",
        requirements=(
            PYTEST,
            "pytest-asyncio>=0.21,<2",
            "pytest-benchmark>=4,<6",
            "pytest-describe>=2,<4",
            "pytest-timeout>=2.4,<3",
        ),
        # Its setup.cfg runs each benchmark once as an ordinary test, and skips what is marked slow.
        arguments=("tests",),
        minimum_passed=2800,
        minimum_operations=550,
    ),
    Suite(
        name="graphene-django",
        version="3.2.3",
        # psycopg: without it the tests of array fields are skipped (no server is needed).
        requirements=(
            PYTEST,
            "pytest-django>=4.5.2",
            "Django>=5.2,<6",
            "graphql-core>=3.2,<3.3",
            "django-filter>=22.1",
            "djangorestframework>=3.6.3",
            "psycopg[binary]",
            "mock",
            "pytz",
        ),
        # Its setup.cfg asks for a random order, in which no two runs are alike.
        arguments=("-o", "addopts=", "graphene_django"),
        minimum_passed=390,
        minimum_operations=220,
        environment={"DJANGO_SETTINGS_MODULE": "graphene_django_settings"},
    ),
    Suite(
        name="aiodataloader",
        version="0.4.3",
        # graphql-core: for the question that the plugin asks at the end, whether the process is instrumented at all.
        requirements=(PYTEST, "pytest-asyncio", "mock", "graphql-core>=3.2,<3.3"),
        arguments=("-o", "asyncio_default_fixture_loop_scope=function", "test_aiodataloader.py"),
        minimum_passed=25,
        minimum_operations=0,
    ),
)
