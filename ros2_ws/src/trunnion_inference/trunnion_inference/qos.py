"""Quality of service by kind of topic (REP 2003 for sensors), which a site overrides by parameter."""

from __future__ import annotations

from copy import copy
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions

# Images and states: the newest counts, a lost one is worth nothing a moment later.
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# Commands and goals: none may be lost, and an old one must not follow a new one.
COMMAND = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
RESULTS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
# Of all nodes to all who watch them: deep enough for one who is held up for a while.
HEARTBEATS = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
# Pictures for people: reliable, because a viewer that asks for it would see nothing otherwise.
PICTURES = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)


def images(depth: int) -> QoSProfile:
    """For who has a queue of newest images of its own: deep enough that none is lost before it gets there."""
    return QoSProfile(
        depth=max(depth, qos_profile_sensor_data.depth), reliability=ReliabilityPolicy.BEST_EFFORT
    )


def overridable(qos: QoSProfile, entity_id: str | None = None) -> dict[str, Any]:
    """Keyword arguments for create_publisher and create_subscription: the profile, under qos_overrides.* parameters.

    Of two subscriptions of a node to one topic, the second is told apart by `entity_id`.
    """
    options = QoSOverridingOptions.with_default_policies(entity_id=entity_id)
    # A copy: rclpy writes what is overridden for one topic into the profile that it is given.
    return {"qos_profile": copy(qos), "qos_overriding_options": options}
