"""Robots."""

from __future__ import annotations

from fastapi import APIRouter

from trunnion_bridge.bridge import Bridge, TheBridge
from trunnion_bridge.problem import not_found
from trunnion_bridge.robots import Robot, RobotList, robot_of

router = APIRouter(prefix="/v1/robots", tags=["robots"])


@router.get("")
def list_robots(bridge: TheBridge) -> RobotList:
    """The robots that take orders through this bridge, and how they are."""
    return RobotList(robots=[_robot(bridge)])


@router.get("/{name}")
def get_robot(name: str, bridge: TheBridge) -> Robot:
    """One robot: its arm, camera and nodes, and what it does."""
    robot = _robot(bridge)
    if name != robot.name:
        raise not_found("the robot's name", name, f"'{robot.name}'", "/v1/robots")
    return robot


def _robot(bridge: Bridge) -> Robot:
    model = f"{bridge.catalogue.name} {bridge.catalogue.version}"
    return robot_of(bridge.settings.namespace, model, bridge.health(), bridge.view.seen())
