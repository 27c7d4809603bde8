"""Three tables: books with authors for naive lookups and a relay page, and readings with ten plain columns for leaves."""

from django.db import models


class Author(models.Model):
    """Fifty of them, one for each book that the naive lookups list."""

    name = models.CharField(max_length=100)

    class Meta:
        app_label = "bench_library"


class Book(models.Model):
    """A hundred of them, enough for a full relay page."""

    title = models.CharField(max_length=200)
    summary = models.TextField()
    pages = models.IntegerField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")

    class Meta:
        app_label = "bench_library"
        ordering = ("id",)


class Reading(models.Model):
    """Five hundred rows of ten columns."""

    a = models.IntegerField()
    b = models.CharField(max_length=20)
    c = models.IntegerField()
    d = models.CharField(max_length=20)
    e = models.IntegerField()
    f = models.CharField(max_length=20)
    g = models.IntegerField()
    h = models.CharField(max_length=20)
    i = models.IntegerField()
    j = models.CharField(max_length=20)

    class Meta:
        app_label = "bench_library"
        ordering = ("id",)
