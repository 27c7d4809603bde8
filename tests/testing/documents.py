"""What the tests of budgets ask the demo's blog for."""

RELATIONS = "title author { username } category { name } comments { text author { username } }"
NAIVE = f"query PostsNaive($limit: Int = 6) {{ postsNaive(limit: $limit) {{ {RELATIONS} }} }}"
FAST = f"query PostsFast($limit: Int = 6) {{ postsFast(limit: $limit) {{ {RELATIONS} }} }}"
FAST_COUNT = 2
"""Statements of FAST, whatever the limit."""


def naive_count(limit: int) -> int:
    """Statements of NAIVE, with two comments for each post."""
    return 1 + limit * (3 + 2)
