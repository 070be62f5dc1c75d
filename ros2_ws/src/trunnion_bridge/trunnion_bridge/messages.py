"""ROS messages as the models of the API. Pure: takes messages, knows no node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from action_msgs.msg import GoalStatus
from numpy.typing import NDArray
from trunnion_interfaces.msg import PolicyGoal

from trunnion_bridge.models import Arm, Battery, Detection, Order
from trunnion_bridge.sorting import SortOutcome, SortUpdate

_OUTCOMES = {
    GoalStatus.STATUS_SUCCEEDED: "succeeded",
    GoalStatus.STATUS_CANCELED: "cancelled",
    GoalStatus.STATUS_UNKNOWN: "unknown",
}

_MODES: dict[int, Literal["hold", "move", "policy"]] = {
    PolicyGoal.HOLD: "hold",
    PolicyGoal.MOVE: "move",
    PolicyGoal.POLICY: "policy",
}
_CHANNELS = {"bgr8": 3, "rgb8": 3, "mono8": 1}


def arm_from(pose: Any, joints: Any, status: Any, *, here: bool, age_ms: int | None) -> Arm:
    """The arm from a PoseStamped, a JointState and a PolicyStatus, each None where there is none."""
    angles_rad, opening_m = joints_from(joints)
    return Arm(
        here=here,
        position_base_m=_xyz(pose.pose.position) if pose else None,
        orientation_base_xyzw=(*_xyz(pose.pose.orientation), pose.pose.orientation.w) if pose else None,
        joints_rad=angles_rad,
        gripper_opening_m=opening_m,
        grasped=status.grasped if status else None,
        mode=_MODES.get(status.mode) if status else None,
        hold_reason=status.hold_reason if status else "",
        age_ms=age_ms,
    )


def battery_from(message: Any) -> Battery | None:
    """The battery from a BatteryState; None where it does not know how full it is."""
    if not 0 <= message.percentage <= 1:  # NaN is none of these
        return None
    charging = message.power_supply_status == message.POWER_SUPPLY_STATUS_CHARGING
    return Battery(charge_percent=round(100 * message.percentage, 1), charging=charging)


def joints_from(joints: Any) -> tuple[dict[str, float], float | None]:
    """Arm joints in radians, and the gripper's opening in metres: the sum of its two fingers."""
    if joints is None:
        return {}, None
    positions = dict(zip(joints.name, joints.position, strict=False))
    fingers_m = [value for name, value in positions.items() if "finger" in name]
    arm_rad = {name: value for name, value in positions.items() if "finger" not in name}
    return arm_rad, sum(fingers_m) if fingers_m else None


def detections_from(message: Any, labels: Sequence[str]) -> list[Detection]:
    """The best hypothesis of each detection; a `class_id` is the position of the label, as text."""
    return [_detection(item, labels) for item in message.detections if item.results]


def image_bgr_from(message: Any) -> NDArray[np.uint8]:
    """uint8 [h, w, 3] BGR, or [h, w, 1] grey.

    Raises:
        ValueError: an encoding that the camera of a cell does not use.
    """
    channels = _CHANNELS.get(message.encoding)
    if channels is None:
        raise ValueError(f"an image of encoding {message.encoding}, wanted one of {', '.join(_CHANNELS)}")
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    image = rows[:, : message.width * channels].reshape(message.height, message.width, channels)
    return image[:, :, ::-1] if message.encoding == "rgb8" else image


def nanoseconds_from(stamp: Any) -> int:
    """A stamp as nanoseconds since the epoch."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def sort_goal(kind: Any, order: Order) -> Any:
    """The order as a goal of trunnion_interfaces/action/Sort."""
    return kind(
        order_id=order.id,
        parts=[line.part for line in order.lines],
        quantities=[line.quantity for line in order.lines],
        bin=order.bin,
    )


def sort_update(said: Any) -> SortUpdate:
    """The feedback of the action `sort`."""
    return SortUpdate(said.phase, said.part, said.sorted, said.message)


def sort_outcome(response: Any) -> SortOutcome:
    """The end of an action `sort`."""
    result = response.result
    kind = _OUTCOMES.get(response.status, "failed")
    if kind == "succeeded" and not result.success:
        kind = "failed"
    return SortOutcome(kind, result.sorted, result.message)


def _detection(item: Any, labels: Sequence[str]) -> Detection:
    best = max((result.hypothesis for result in item.results), key=lambda hypothesis: hypothesis.score)
    known = best.class_id.isdecimal() and int(best.class_id) < len(labels)
    x, y = item.bbox.center.position.x, item.bbox.center.position.y
    half_x, half_y = item.bbox.size_x / 2, item.bbox.size_y / 2
    return Detection(
        label=labels[int(best.class_id)] if known else best.class_id,
        score=round(best.score, 3),
        box_px=(round(x - half_x, 1), round(y - half_y, 1), round(x + half_x, 1), round(y + half_y, 1)),
    )


def _xyz(vector: Any) -> tuple[float, float, float]:
    return (vector.x, vector.y, vector.z)
