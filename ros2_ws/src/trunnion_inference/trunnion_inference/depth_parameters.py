"""The parameters of the depth node; configure reads them."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from trunnion_edge.depth import DepthSettings
from trunnion_inference.depth_pairing import DepthPairing
from trunnion_inference.parameters import number, text, whole

AGE_MAX, WAIT, FRAMES, RECTIFIED = "depth_age_max_ms", "depth_wait_ms", "depth_frames", "rectified"
# Field of DepthSettings, its least and its largest value, and what it says.
_SETTINGS = (
    ("gap_m", 0.0, 10.0, "Two surfaces are at least so many metres apart"),
    ("gap_ratio", 0.0, 1.0, "Two surfaces are at least this part of their distance apart"),
    ("middle", 0.1, 1.0, "Part of a box's width and height, around its centre, that is mostly the object's"),
    ("share_min", 0.01, 1.0, "Least part of what is measured in the middle that an object fills"),
    ("measured_min", 0.0, 1.0, "Least part of the middle that must be measured"),
)


def declare_depth(node: Node) -> None:
    """Declare them all."""
    read = "; read by configure"
    for name, default, said in (
        (AGE_MAX, 50.0, "A depth image may be so much older or newer than the detections' image"),
        (WAIT, 100.0, "Detections wait so long for their depth image"),
    ):
        node.declare_parameter(name, default, number(said + read, 0.0, 10000.0))
    node.declare_parameter(FRAMES, 15, whole(f"So many depth images are kept{read}", 1, 1000))
    node.declare_parameter(RECTIFIED, False, text(f"Boxes are in pixels of the rectified image{read}"))
    for name, low, high, said in _SETTINGS:
        node.declare_parameter(name, getattr(DepthSettings(), name), number(said + read, low, high))


def settings_of(node: Node) -> DepthSettings:
    """How the depth of an object is told."""
    return DepthSettings(**{name: node.get_parameter(name).value for name, *_ in _SETTINGS})


def pairing_of(node: Node) -> DepthPairing[Any, Any]:
    """What pairs detections with depth images, while none of either has come."""
    return DepthPairing(*(node.get_parameter(name).value for name in (AGE_MAX, WAIT, FRAMES)))
