"""The rows `bridge.orders.*` of the bench: a short soak with the stand-in; all are to be 0."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from trunnion.bench.measure import Row
from trunnion.bench.order_soak.soak import Soak, run
from trunnion.checkout import cell_environment
from trunnion_contract.bundle import Bundle

_ORDERS = 300
DOMAIN = 100  # above those of the tests


def rows(bundle: Bundle, orders: int = _ORDERS) -> list[Row]:
    """Orders that were lost or begun twice, messages that are missing or came out of order."""
    with TemporaryDirectory() as folder:
        outcome = run(Soak(bundle.path, Path(folder), environment(), orders))
    kills = ", ".join(f"{kind} {count} times" for kind, count in sorted(outcome.kills.items()))
    against = f"killed: {kills}; {outcome.seconds:.0f} s"
    told = outcome.webhooks
    return [
        Row("bridge.orders.lost", outcome.lost, "orders", against, orders, 0.0),
        Row("bridge.orders.doubled", outcome.doubled, "orders", against, orders, 0.0),
        Row("bridge.orders.webhooks_missing", told.missing, "events", against, told.events, 0.0),
        Row("bridge.orders.webhooks_out_of_order", told.out_of_order, "events", against, told.events, 0.0),
    ]


def environment(domain: int = DOMAIN) -> dict[str, str]:
    """Of a cell of the soak's own: no other is to get its orders."""
    return {**cell_environment(), "ROS_DOMAIN_ID": str(domain)}
