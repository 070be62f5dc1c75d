"""Quality of service by kind of topic (REP 2003 for sensors). Every endpoint takes overrides by parameter."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions

# Images and states: the newest counts, a lost one is worth nothing a moment later.
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# Commands and goals: none may be lost, and an old one must not follow a new one.
COMMAND = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
RESULTS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
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


def overridable() -> dict[str, QoSOverridingOptions]:
    """Keyword argument for create_publisher and create_subscription: qos_overrides.* parameters."""
    return {"qos_overriding_options": QoSOverridingOptions.with_default_policies()}
