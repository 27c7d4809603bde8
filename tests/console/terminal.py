"""A console of the tests' own, and spans with times that a test chooses."""

import io
import time
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE
from opentelemetry.trace import SpanKind, Status, StatusCode

from otel_graphql_auto import semconv
from otel_graphql_auto.console import GraphQLConsoleExporter

MILLISECOND = 1_000_000


class Terminal:
    """An exporter on a console of its own, and spans with times that the test chooses."""

    def __init__(self, *, tree_seconds=0.1, settle_seconds=60.0, hold_seconds=60.0, table_after=1, **options):
        self.output = io.StringIO()
        self.exporter = GraphQLConsoleExporter(
            file=self.output,
            tree_seconds=tree_seconds,
            settle_seconds=settle_seconds,
            hold_seconds=hold_seconds,
            table_after=table_after,
            **{"width": 160, **options},
        )
        self.ended = []
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(Keeper(self.ended)))
        self.tracer = provider.get_tracer(semconv.SCOPE)
        self.others = provider.get_tracer("another.library")

    @contextmanager
    def span(
        self, name, *, parent=None, begin=0, end=10, error=None, events=(), findings=(), kind=SpanKind.INTERNAL, tracer=None, **attributes
    ):
        """A span from `begin` to `end`, in milliseconds; with `parent` it hangs on that one instead of the current one."""
        context = trace.set_span_in_context(parent) if parent is not None else None
        span = (tracer or self.tracer).start_span(name, context, kind, attributes, start_time=begin * MILLISECOND)
        for event in events:
            span.add_event(semconv.EVENT_ERROR, event)
        for finding in findings:
            span.add_event(semconv.EVENT_N_PLUS_ONE, finding)
        if findings:
            span.set_attribute(semconv.N_PLUS_ONE_COUNT, len(findings))
        if error:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute(semconv.ERROR_TYPE, error)
        with trace.use_span(span, end_on_exit=False):
            yield span
        span.end(end_time=int(end * MILLISECOND))

    def operation(self, name="Hello", *, type_="query", attributes=None, **options):
        known = {semconv.PROCESSING_TYPE: "request", semconv.OPERATION_TYPE: type_, semconv.OPERATION_NAME: name}
        values = {key: value for key, value in {**known, **(attributes or {})}.items() if value is not None}
        return self.span(type_ or semconv.SPAN_OPERATION, **{**options, **values})

    def phase(self, phase, **options):
        return self.span(semconv.SPAN_BY_PHASE[phase], **{**options, semconv.PROCESSING_TYPE: phase})

    def statement(self, summary="SELECT blog_user", *, coordinate="Post.author", attributes=None, **options):
        """A span as room database makes it; without a coordinate the field is not known."""
        place = {semconv.FIELD_SCHEMA_COORDINATE: coordinate} if coordinate else {semconv.DB_UNATTRIBUTED: True}
        attributes = {semconv.DB_QUERY_SUMMARY: summary, **place, **(attributes or {})}
        return self.span(summary, kind=SpanKind.CLIENT, **{**options, **attributes})

    def request(self, status=200, **options):
        return self.span("POST graphql/", kind=SpanKind.SERVER, tracer=self.others, **{**options, HTTP_RESPONSE_STATUS_CODE: status})

    def export(self, spans=None):
        """Exports what has ended since the last time, or these spans."""
        batch = list(self.ended) if spans is None else list(spans)
        self.ended.clear()
        assert self.exporter.export(batch) is SpanExportResult.SUCCESS
        return self.lines()

    def lines(self):
        """What was printed since the last time."""
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        return [line.rstrip() for line in text.splitlines()]

    def table(self):
        self.exporter.shutdown()
        lines = self.lines()
        return lines[lines.index("Operations so far") + 1 :]


def finding(coordinate="Post.author", *, count=40, seconds=0.0041, fix="select_related", relation="blog.Post.author", path=None, line=88):
    """The attributes of the event by which an operation tells of an N+1 query."""
    attributes = {
        semconv.FIELD_SCHEMA_COORDINATE: coordinate,
        semconv.DB_QUERY_SUMMARY: "SELECT blog_user",
        semconv.N_PLUS_ONE_QUERY_COUNT: count,
        semconv.N_PLUS_ONE_DURATION: seconds,
        semconv.N_PLUS_ONE_FIX: fix,
        semconv.N_PLUS_ONE_RELATION: relation,
        semconv.CODE_FILE_PATH: path,
        semconv.CODE_LINE_NUMBER: line if path else None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


class Keeper(SpanExporter):
    def __init__(self, ended):
        self.ended = ended

    def export(self, spans):
        self.ended.extend(spans)
        return SpanExportResult.SUCCESS


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def words(line):
    return line.split()
