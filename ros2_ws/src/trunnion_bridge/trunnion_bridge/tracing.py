"""Traces from the request of an order to what the robot did with it: OpenTelemetry, off unless the environment names
a collector, with the variables of its specification (OTEL_EXPORTER_OTLP_ENDPOINT and those beside it). FastAPI itself
makes a span of each request, in the caller's trace where it names one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Status, StatusCode
from opentelemetry.util.types import Attributes

from trunnion_bridge.models import Order

_COLLECTOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FLUSH_S = 0.5
tracer = trace.get_tracer("trunnion.bridge")


@contextmanager
def tracing() -> Iterator[None]:
    """Send traces for as long as the block lasts, if a collector is named. One that is away delays nothing."""
    if not any(os.environ.get(name) for name in _COLLECTOR):
        yield
        return
    # Not needed by most, and slow to import.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    service = os.environ.get("OTEL_SERVICE_NAME", "trunnion-bridge")
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        # The time that it may take is not heeded by the library, which tries again and again.
        flushing = threading.Thread(target=provider.force_flush, daemon=True)
        flushing.start()
        flushing.join(_FLUSH_S)


def traceparent() -> str:
    """What names the span that is open now (W3C Trace Context); empty when nothing is traced."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def of_order(order: Order) -> Iterator[None]:
    """A span for an order on its way, in the trace of the request that posted it, however long ago that was."""
    posted = propagate.extract({"traceparent": order.traceparent}, context.Context())
    attributes: Attributes = {"trunnion.order_id": order.id, "trunnion.order_number": order.number}
    with tracer.start_as_current_span("order", posted, attributes=attributes):
        yield


def ended(state: str, message: str) -> None:
    """How the order ended whose span is open."""
    span = trace.get_current_span()
    span.set_attribute("trunnion.order_state", state)
    if state == "failed":
        span.set_status(Status(StatusCode.ERROR, message))
