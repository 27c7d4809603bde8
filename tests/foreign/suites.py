"""The foreign test suites: which sdist carries them, what they need, and how large they are when all of them runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from comparison import Known


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One project's own test suite."""

    name: str
    package: str = ""
    """What carries it, where the suite has another name."""
    version: str
    requirements: tuple[str, ...]
    arguments: tuple[str, ...]
    """What pytest is given, or the suite's own script, in `folder` of the unpacked sdist."""
    folder: str = "."
    script: str | None = None
    """Runs the tests, where pytest cannot: it must end in a runner of unittest_outcomes.py."""
    minimum_passed: int
    """So many tests pass bare at least, or something is wrong with the set-up and nothing has been compared."""
    minimum_operations: int
    """So many operations our instrumentation sees at least, a little less than what it is known to see: a name that is wrapped no longer shows here."""
    minimum_statements: int = 0
    """So many SQL statements our instrumentation sees at least."""
    environment: dict[str, str] = field(default_factory=dict)
    postgresql: bool = False
    """Each run gets a server of its own, which FOREIGN_DATABASE describes."""
    known: dict[str, Known] = field(default_factory=dict)
    """The tests that have to end differently."""

    @property
    def distribution(self) -> str:
        return self.package or self.name


PYTEST = "pytest>=7.4,<10"
"""The bounds that graphql-core's own tox.ini gives, for all: one suite may need a newer pytest than another, none an older."""

DJANGO_REQUIREMENTS = (
    # psycopg also where the tests run on SQLite: some of the tests for PostgreSQL need no server.
    "psycopg[binary,pool]",
    # For the operations that the tests run in; Django itself knows nothing of it.
    "graphql-core>=3.2,<3.3",
)

DJANGO_ARGUMENTS = ("--parallel=1", "--noinput")

DJANGO_APPS = (
    # What the database room could disturb: connections, cursors, wrappers, transactions, locks, threads, counts of queries.
    *("backends", "transactions", "transaction_hooks", "prefetch_related", "db_utils", "select_related", "select_for_update"),
    *("bulk_create", "basic", "async", "multiple_database", "raw_query", "test_utils", "known_related_objects"),
)

DJANGO_MORE_APPS = ("queries", "expressions", "aggregation")
"""SQL of every shape; quick enough on SQLite only."""

DJANGO_KNOWN = {
    "backends.base.test_base.ExecuteWrapperTests.test_wrapper_connection_specific": Known(
        ending="failed: AssertionError: Lists differ: [",
        reason="it asks for the whole list of execute_wrappers of a connection, and we are in it: there is no other documented way",
    ),
}

SUITES = (
    # The long ones first: what is left for the end does not leave a core without work.
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
        name="django-postgresql",
        package="django",
        version="5.2.19",
        requirements=DJANGO_REQUIREMENTS,
        folder="tests",
        script="runtests.py",
        arguments=("--settings=django_postgresql", *DJANGO_ARGUMENTS, *DJANGO_APPS),
        minimum_passed=1000,
        minimum_operations=1100,
        minimum_statements=7_000,
        postgresql=True,
        known=DJANGO_KNOWN,
    ),
    Suite(
        name="django",
        version="5.2.19",
        requirements=DJANGO_REQUIREMENTS,
        folder="tests",
        script="runtests.py",
        arguments=("--settings=django_sqlite", *DJANGO_ARGUMENTS, *DJANGO_APPS, *DJANGO_MORE_APPS),
        minimum_passed=1750,
        minimum_operations=1950,
        minimum_statements=12_500,
        known=DJANGO_KNOWN,
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
