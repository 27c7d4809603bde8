"""The table of articles and its first three rows."""

from typing import ClassVar

from django.db import migrations, models


def add_articles(apps, schema_editor):
    """Three articles, so that a list is never empty."""
    apps.get_model("shop", "Article").objects.bulk_create([apps.get_model("shop", "Article")(name=name) for name in ("cup", "lamp", "rug")])


class Migration(migrations.Migration):
    """First migration."""

    initial = True
    operations: ClassVar = [
        migrations.CreateModel(
            name="Article",
            fields=[("id", models.BigAutoField(primary_key=True, serialize=False)), ("name", models.CharField(max_length=100))],
        ),
        migrations.RunPython(add_articles, migrations.RunPython.noop),
    ]
