"""The guide's blog: users write posts in categories, and comment on them."""
