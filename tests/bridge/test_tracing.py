"""One trace leads from the request of an order to the robot's action, by the real exporter to a receiver of OTLP."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.bridge.running import a_free_port, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"


class Collector:
    """Keeps the spans that come."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.keep(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def keep(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            self.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)

    def of(self, trace: str) -> dict[str, Span]:
        """The spans of a trace by name."""
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    serving = threading.Thread(target=collector.server.serve_forever)
    serving.start()
    yield collector
    collector.server.shutdown()
    serving.join()
    collector.server.server_close()


def _sending_to(url: str, environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "100"}


def test_a_trace_leads_from_the_callers_request_to_the_action_even_across_a_kill(
    start_bridge, cell, ros_process_environment, collector
):
    environment = _sending_to(collector.url, ros_process_environment)
    cell.say("sorter slow")
    with start_bridge(environment=environment) as bridge:
        bridge.until_ready()
        order = bridge.post({"nut": 1}, traceparent=GIVEN).json()
        bridge.until_state(order["id"], "running")
        until(lambda: "POST /v1/orders" in collector.of(TRACE), what="the request's span")
        bridge.stop(signal.SIGKILL)
    cell.say("sorter quick")
    with start_bridge(environment=environment) as bridge:
        ended = bridge.until_state(order["id"], "succeeded", "failed")
        spans = until(lambda: len(collector.of(TRACE)) >= 3 and collector.of(TRACE), what="the action's span")

    request, journey, action = spans["POST /v1/orders"], spans["order"], spans["sort"]
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert order["traceparent"] == f"00-{TRACE}-{request.span_id.hex()}-01"
    assert journey.parent_span_id == request.span_id
    assert action.parent_span_id == journey.span_id
    told = {pair.key: pair.value.string_value for pair in action.attributes}
    assert told == {"ros.action": "sort", "trunnion.order_state": ended["state"]}
    assert collector.services == {"trunnion-bridge"}


def test_a_collector_that_is_away_delays_neither_orders_nor_the_end(
    start_bridge, cell, ros_process_environment
):
    environment = _sending_to(f"http://127.0.0.1:{a_free_port()}", ros_process_environment)
    with start_bridge(environment=environment) as bridge:
        bridge.until_ready()
        assert bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")

        assert bridge.stop() == 0  # within its 10 s


def test_without_a_collector_nothing_is_traced(bridge):
    assert bridge.post({"nut": 1}, traceparent=GIVEN).json()["traceparent"] == ""
