"""What Prometheus scrapes. Gauges are read from the parts at the scrape, so nothing has to keep them up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.models import NodeHealth, Order, OrderState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ORDER_BUCKETS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_AGE_BUCKETS_S = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2)
_REQUEST_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)


class Metrics:
    """The histograms that parts of the bridge fill, and a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.request_s = Histogram(
            "trunnion_request_seconds",
            "Time to answer a request",
            ["method", "route", "status"],
            buckets=_REQUEST_BUCKETS_S,
            registry=self.registry,
        )
        self.order_s = Histogram(
            "trunnion_order_seconds",
            "Time from the start of an order to its end",
            ["state"],
            buckets=_ORDER_BUCKETS_S,
            registry=self.registry,
        )
        self.detection_age_s = Histogram(
            "trunnion_detection_age_seconds",
            "Time from the camera's stamp to the detections of that image reaching the bridge",
            buckets=_AGE_BUCKETS_S,
            registry=self.registry,
        )

        self.connections = Gauge(
            "trunnion_connections", "Connections that are open, HTTP and WebSocket", registry=self.registry
        )
        self._refused = Counter(
            "trunnion_refused",
            "Requests and connections that were refused, by the code of the problem",
            ["code"],
            registry=self.registry,
        )

    def refuse(self, code: str) -> None:
        """Count what was refused."""
        self._refused.labels(code).inc()

    def order_ended(self, order: Order) -> None:
        """Count an order that has ended."""
        if order.started_at and order.ended_at:
            self.order_s.labels(order.state).observe((order.ended_at - order.started_at).total_seconds())

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class Readings(Collector):
    """Gauges and counters that are asked for when Prometheus asks."""

    def __init__(
        self,
        *,
        orders: Callable[[], dict[OrderState, int]],
        nodes: Callable[[], list[NodeHealth]],
        gauges: dict[str, tuple[str, Callable[[], float]]],
        counters: dict[str, tuple[str, Callable[[], float]]],
    ) -> None:
        self._orders = orders
        self._nodes = nodes
        self._gauges = gauges
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        with suppress(SQLAlchemyError):  # trunnion_database_up says so
            yield _labelled("trunnion_orders", "Orders by state", "state", dict(self._orders()))
        up = {node.name: float(node.state in ("ok", "warn")) for node in self._nodes()}
        yield _labelled("trunnion_node_up", "1 for a node that is well, 0 for one that is not", "node", up)
        for name, (words, read) in self._gauges.items():
            yield GaugeMetricFamily(name, words, value=read())
        for name, (words, read) in self._counters.items():
            yield CounterMetricFamily(name, words, value=read())


def _labelled(name: str, words: str, label: str, values: dict[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
