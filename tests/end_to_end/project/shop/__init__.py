"""A small shop: the Django project that the end-to-end tests start."""
