"""`make picture`: draw docs/console.svg, the console exporter's view of real operations of the demo.

It runs under opentelemetry-instrument, like any other program. Run again, it changes the times and what follows from them, nothing else.
"""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import random
import sys
from collections.abc import Iterable
from pathlib import Path

DEMO = Path(__file__).resolve().parent
PICTURE = DEMO.parent / "docs" / "console.svg"
COLUMNS = 116

RELATIONS = "title author { username } comments { text author { username } }"
DOCUMENTS = {
    "query Hello { hello }": 40,
    f"query PostsFast {{ postsFast(limit: 20) {{ {RELATIONS} }} }}": 20,
    'mutation CreateComment { createComment(post: 1, username: "user0001", text: "Nice picture.") { comment { id } } }': 9,
    "query PartialData { hello badUserInput }": 4,
    "query UnexpectedFailure { unexpectedFailure }": 2,
    f"query PostsNaive {{ postsNaive(limit: 6) {{ {RELATIONS} }} }}": 8,
    "query Dashboard { feed(limit: 40) { title readingMinutes } quotedPosts postsNaive(limit: 40) { title author { username } } }": 3,
}
"""What is shown, and how often it was sent before: that is in the table only."""

FRAME = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
.{unique_id}-title {{ font: bold 16px system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own frame has fonts loaded from elsewhere."""


def main() -> int:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEMO_DATABASE": ":memory:",
        "OTEL_PYTHON_GRAPHQL_AUTO_SLOW_QUERY_THRESHOLD": "150",
        "OTEL_PYTHON_GRAPHQL_AUTO_SLOW_SQL_THRESHOLD": "50",
    }
    # Where manage.py is, files are called as whoever runs it would call them.
    os.chdir(DEMO)
    import django
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    from otel_graphql_auto.console import GraphQLConsoleExporter

    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        print("Nothing is instrumented here: run it with `make picture`.", file=sys.stderr)
        return 2
    django.setup()
    logging.disable()
    seed()
    send(DOCUMENTS)  # so that none is slow because it was the first one
    exporter = GraphQLConsoleExporter(file=io.StringIO(), width=COLUMNS, force_terminal=True, color_system="truecolor", record=True)
    assert exporter.console is not None
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    send(document for document, times in DOCUMENTS.items() for _ in range(times))
    exporter.console.export_text()  # forgets the lines of these
    exporter.console.print("$ OTEL_TRACES_EXPORTER=graphql_console opentelemetry-instrument python manage.py runserver", style="dim")
    # Trace ids are random, and would be others in each picture.
    random.seed(0)
    # A collection of all that came before would make one of them slow.
    gc.collect()
    gc.freeze()
    send(DOCUMENTS)
    provider.shutdown()
    picture = exporter.console.export_svg(title="graphql_console", code_format=FRAME, unique_id="console")
    PICTURE.write_text("".join(f"{line.rstrip()}\n" for line in picture.splitlines() if line.strip()), encoding="utf-8")
    print(f"{PICTURE} is drawn.")
    return 0


def seed() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed", verbosity=0)


def send(documents: Iterable[str]) -> None:
    """Each document through Django's whole request handling."""
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    for document in documents:
        response = client.post("/graphql/", json.dumps({"query": document}), content_type="application/json")
        assert response.status_code == 200, response.content


if __name__ == "__main__":
    sys.exit(main())
