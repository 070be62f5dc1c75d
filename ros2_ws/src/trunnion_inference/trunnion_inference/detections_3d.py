"""Detections in an image and their boxes in space, as messages."""

from __future__ import annotations

import math

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseWithCovariance, Vector3
from vision_msgs.msg import (
    BoundingBox3D,
    Detection2D,
    Detection2DArray,
    Detection3D,
    Detection3DArray,
    ObjectHypothesisWithPose,
)

from trunnion_edge.depth import Boxes3D


def boxes_of(message: Detection2DArray) -> np.ndarray:
    """The boxes as float64 [n, 4], x1 y1 x2 y2 in pixels, one row for each detection.

    Anybody may publish here: a row is NaN where a size is negative or a number is none, and where the box is turned,
    because what is in it is not what is between its upright edges.
    """
    return np.array([_corners(item) for item in message.detections], np.float64).reshape(-1, 4)


def detections_3d_message(message: Detection2DArray, boxes: Boxes3D) -> Detection3DArray:
    """The detections that have a box in space, with their ids and hypotheses, under the header of the array."""
    rows = zip(boxes.rows, boxes.centres_m, boxes.sizes_m, strict=True)
    found = [_detection_3d(message.detections[int(row)], centre, size, message) for row, centre, size in rows]
    return Detection3DArray(header=message.header, detections=found)


def _corners(item: Detection2D) -> tuple[float, float, float, float]:
    box = item.bbox
    x, y = box.center.position.x, box.center.position.y
    half_x, half_y = box.size_x / 2, box.size_y / 2
    corners = (x - half_x, y - half_y, x + half_x, y + half_y)
    if min(half_x, half_y) < 0 or box.center.theta != 0 or not all(map(math.isfinite, corners)):
        return (math.nan,) * 4
    return corners


def _detection_3d(
    item: Detection2D, centre_m: np.ndarray, size_m: np.ndarray, message: Detection2DArray
) -> Detection3D:
    x, y, z = centre_m.tolist()
    width, height, depth = size_m.tolist()
    pose = Pose(position=Point(x=x, y=y, z=z))
    results = [
        # A covariance of zeros says that nobody knows it.
        ObjectHypothesisWithPose(hypothesis=result.hypothesis, pose=PoseWithCovariance(pose=pose))
        for result in item.results
    ]
    box = BoundingBox3D(center=pose, size=Vector3(x=width, y=height, z=depth))
    return Detection3D(header=message.header, results=results, bbox=box, id=item.id)
