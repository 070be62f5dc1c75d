"""The robots that this bridge knows: one, the cell's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trunnion_bridge.models import Arm, Camera, Health, Model, NodeHealth
from trunnion_bridge.seen import Seen

Doing = Literal["idle", "waiting", "sorting", "away"]


class Robot(Model):
    """A robot with its nodes. `ready`: an order posted now would start at once or after those before it."""

    name: str = Field(description="the ROS namespace of its nodes", examples=["cell"])
    ready: bool
    doing: Doing = Field(description="`waiting`: there are orders, and the robot is not ready for them")
    message: str = Field(description="what it does, or what it lacks", examples=["takes orders"])
    order_id: str | None = Field(description="the order that runs, or that waits for it")
    model: str = Field(description="name and version of the bundle", examples=["sorting_cell 0.1.0"])
    arm: Arm
    camera: Camera
    nodes: list[NodeHealth]


class RobotList(Model):
    """All robots."""

    robots: list[Robot]


def name_of(namespace: str) -> str:
    """A robot's name from the namespace of its nodes."""
    return namespace.strip("/").replace("/", ".") or "robot"


def robot_of(namespace: str, model: str, health: Health, seen: Seen) -> Robot:
    """The robot from what is seen of it."""
    lacks = [f"{check.name}: {check.message}" for check in health.checks if not check.ok]
    order = seen.order
    return Robot(
        name=name_of(namespace),
        ready=health.ready,
        doing=_doing(health.ready, seen),
        message="; ".join(lacks) or (order.message if order else "takes orders"),
        order_id=order.id if order else None,
        model=model,
        arm=seen.arm,
        camera=seen.camera,
        nodes=seen.nodes,
    )


def _doing(ready: bool, seen: Seen) -> Doing:
    order = seen.order
    if order and (ready or order.state in ("starting", "running")):
        return "sorting"
    if not seen.arm.here:
        return "away"
    return "waiting" if order else "idle"
