"""How the application is instrumented in each variant of the benchmark; one entry per variant."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["VARIANTS", "Telemetry", "Variant"]


@dataclass
class Telemetry:
    """What the exporters of one process received before they dropped it."""

    spans: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, name) -> spans exported since the last look."""
    last: list = field(default_factory=list)
    """The spans of the last export, for the check that looks at parents."""
    flush: Callable[[], object] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> tuple[Counter[tuple[str, str]], list]:
        """Flush, return what came since the last look, and forget it."""
        self.flush()
        with self.lock:
            spans, last = self.spans, self.last
            self.spans, self.last = Counter(), []
        return spans, last


@dataclass(frozen=True)
class Variant:
    """One way to run the application."""

    title: str
    start: Callable[[], Telemetry]
    """Instruments; called after Django is set up and before its middleware is loaded."""
    server_spans: int
    operation_spans: int
    """How many of each one request must make; spans of slow phases may come on top."""


def _providers(*, sampled: bool):
    """A tracer provider with a batch processor and a meter provider with a periodic reader; both encode OTLP and send nothing."""
    from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased

    telemetry = Telemetry()

    class EncodingSpanExporter(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            encode_spans(spans).SerializeToString()
            with telemetry.lock:
                telemetry.spans.update((span.kind.name, span.name) for span in spans)
                telemetry.last = list(spans)
            return SpanExportResult.SUCCESS

    class EncodingMetricExporter(MetricExporter):
        def export(self, metrics_data, timeout_millis: float = 10_000, **kwargs) -> MetricExportResult:
            encode_metrics(metrics_data).SerializeToString()
            return MetricExportResult.SUCCESS

        def force_flush(self, timeout_millis: float = 10_000) -> bool:
            return True

        def shutdown(self, timeout_millis: float = 30_000, **kwargs) -> None:
            return None

    resource = Resource.create({"service.name": "benchmark"})
    tracer_provider = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_ON if sampled else ALWAYS_OFF))
    tracer_provider.add_span_processor(BatchSpanProcessor(EncodingSpanExporter()))
    # 15 s, as the distribution sets it.
    reader = PeriodicExportingMetricReader(EncodingMetricExporter(), export_interval_millis=15_000)
    meter_provider = MeterProvider(resource=resource, metric_readers=[reader])
    telemetry.flush = tracer_provider.force_flush
    return tracer_provider, meter_provider, telemetry


def _bare() -> Telemetry:
    return Telemetry()


def _upstream(*, sampled: bool = True) -> Telemetry:
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    tracer_provider, meter_provider, telemetry = _providers(sampled=sampled)
    DjangoInstrumentor().instrument(tracer_provider=tracer_provider, meter_provider=meter_provider)
    return telemetry


def _ours(*, sampled: bool = True) -> Telemetry:
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    import otel_graphql_auto

    tracer_provider, meter_provider, telemetry = _providers(sampled=sampled)
    DjangoInstrumentor().instrument(tracer_provider=tracer_provider, meter_provider=meter_provider)
    otel_graphql_auto.instrument(tracer_provider=tracer_provider, meter_provider=meter_provider)
    return telemetry


VARIANTS: dict[str, Variant] = {
    "bare": Variant("no telemetry at all", _bare, server_spans=0, operation_spans=0),
    "upstream": Variant("opentelemetry-instrumentation-django alone", _upstream, server_spans=1, operation_spans=0),
    "ours": Variant("upstream and this package with its default settings, sampled", _ours, server_spans=1, operation_spans=1),
    "control": Variant(
        "bare once more: its distance from 1 is what this machine cannot tell apart", _bare, server_spans=0, operation_spans=0
    ),
    "unsampled": Variant("as ours, but the sampler drops every trace", lambda: _ours(sampled=False), server_spans=0, operation_spans=0),
}
