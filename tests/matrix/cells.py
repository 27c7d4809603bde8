"""The cells of the version matrix: which releases are tested together, and why these."""

from __future__ import annotations

from dataclasses import dataclass

NEWEST_GRAPHQL_CORE = "<3.3,>=3.2.14"
"""graphene 3 excludes 3.3; the lower bound keeps a resolver from backing out to an old one."""

NEWEST_DJANGO = "<7,>=6.1"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One environment. Versions are exact, a series (`5.2.*`) or bounds."""

    python: str
    graphql_core: str
    django: str
    graphene_django: str = "3.2.3"
    more: tuple[str, ...] = ()
    """Further pins."""

    @property
    def name(self) -> str:
        plain = [self.python, *(_plain(version) for version in (self.graphql_core, self.django, self.graphene_django))]
        return "python{}-core{}-django{}-graphene_django{}".format(*plain)

    @property
    def requirements(self) -> list[str]:
        pins = {"graphql-core": self.graphql_core, "Django": self.django, "graphene-django": self.graphene_django}
        return [*(f"{name}{_specifier(version)}" for name, version in pins.items()), *self.more]


def _plain(version: str) -> str:
    return "newest" if version.startswith("<") else version.removesuffix(".*")


def _specifier(version: str) -> str:
    return version if version.startswith("<") else f"=={version}"


# What limits the pairs: Django 6 needs Python 3.12; Django 4.2 supports none after 3.12; graphene before 3.1 excludes
# graphql-core 3.2; graphene-django has no 3.1.0, so 3.1.1 is the lowest. Everything else can be installed with everything
# else, so each cell is chosen for a value that nobody else covers, or for a pair where something is known to have moved:
# graphql-core 3.2.0 (oldest), 3.2.6 (between), 3.2.9 and 3.2.10 (before and after execute() changed the order of its
# parameters and ExecutionContext the name of its list of errors), newest.
# Python 3.11 covers four of the five graphql-core versions and two Djangos, and either of 3.12 and 3.13 the rest: a machine
# that has no more than two of these still tests every graphql-core and every Django.
CELLS = (
    # The oldest of everything.
    Cell(python="3.10", graphql_core="3.2.0", django="4.2.*", graphene_django="3.1.1", more=("graphene==3.1",)),
    # The oldest Python with the newest that it can have.
    Cell(python="3.10", graphql_core=NEWEST_GRAPHQL_CORE, django="5.2.*"),
    Cell(python="3.11", graphql_core="3.2.0", django="5.2.*"),
    Cell(python="3.11", graphql_core="3.2.6", django="4.2.*", graphene_django="3.1.1"),
    Cell(python="3.11", graphql_core="3.2.9", django="4.2.*"),
    Cell(python="3.11", graphql_core="3.2.10", django="5.2.*"),
    # The newest Python that Django 4.2 supports.
    Cell(python="3.12", graphql_core="3.2.10", django="4.2.*"),
    # An old graphene-django under the first Django that came years after it.
    Cell(python="3.12", graphql_core=NEWEST_GRAPHQL_CORE, django="6.0.*", graphene_django="3.1.1"),
    # An old graphql-core under the newest Python.
    Cell(python="3.13", graphql_core="3.2.6", django="5.2.*"),
    # The newest of everything.
    Cell(python="3.13", graphql_core=NEWEST_GRAPHQL_CORE, django=NEWEST_DJANGO),
)
