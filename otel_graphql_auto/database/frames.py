"""What is known between one pair of parentheses of a statement, while it is being read. Pure."""

from __future__ import annotations

from otel_graphql_auto.database.vocabulary import ONLY

__all__ = ["A_CTE", "A_TABLE", "PLAIN", "Frame"]

A_TABLE, A_CTE = 1, 2


class Frame:
    """What is known between one pair of parentheses, or outside all of them."""

    verb: str | None = None
    """What the query between them does. SELECT may come later than another one."""

    expects = 0
    """What comes next: 0, or A_TABLE, or A_CTE for the name of a common table expression."""

    skips = ONLY
    """Words that can stand before the table."""

    lists = False
    """A comma leads to a further table."""

    writes = False
    """The tables that come are written."""

    reads_from = False
    """A FROM would be that of a query: `EXTRACT(year FROM x)` has none."""

    reads_using = False
    """A USING would name tables, as that of DELETE does and that of JOIN does not."""

    into = False
    """An INTO would make a table of what is selected."""

    defining = False
    """Common table expressions are being defined."""

    defined_last: str | None = None
    """The common table expression whose definition came last, or is to come."""

    defines: str | None = None
    """The common table expression that these parentheses define."""

    mark = 0
    """How many targets there were when the verb had been read."""

    def __init__(self, first: int) -> None:
        self.first = first

    def expect_table(self, skips: frozenset[str] = ONLY) -> None:
        """A table comes next, perhaps after some of the words `skips`."""
        self.expects = A_TABLE
        self.skips = skips


PLAIN = Frame(-1)
"""Between parentheses that hold an expression or a list of columns. Shared, hence never changed."""
