"""What the shop sells."""

from django.db import models


class Article(models.Model):
    """One article."""

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name
