"""The tracker node, as a process: detections in, the same boxes with ids out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import NodeEntry
from trunnion_edge.decode import Detections
from trunnion_inference.detections import detections_message

TRACKER = NodeEntry(name="tracker", package="trunnion_inference", executable="tracker_node")


def message(number: int, *lefts_px: float) -> Detection2DArray:
    boxes = np.array([(left, 100, left + 40, 140) for left in lefts_px], np.float32).reshape(-1, 4)
    header = Header(frame_id="camera")
    header.stamp.sec, header.stamp.nanosec = 10 + number // 10, number % 10 * 100_000_000
    seen = Detections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int64))
    return detections_message(seen, header)


@pytest.fixture(scope="module")
def tracker(start_cell: Callable[..., Cell]) -> Cell:
    return start_cell(TRACKER)


def test_each_image_is_answered_under_its_header_and_objects_keep_their_ids(
    graph: Any, tracker: Cell
) -> None:
    say = graph.say(Detection2DArray, "detections")
    tracks = graph.hear(Detection2DArray, "tracks")
    graph.greet(lambda header: say(Detection2DArray(header=header)), tracks)
    for number in range(8):
        say(message(number, 100 + 5 * number, 400 - 5 * number))
        graph.until(lambda number=number: len(tracks) == number + 1, f"tracks of image {number}")
    assert [array.header for array in tracks] == [message(number).header for number in range(8)]
    ids = [[detection.id for detection in array.detections] for array in tracks]
    assert ids[-1] == ids[4]
    assert len(set(ids[-1])) == 2
    assert tracks[-1].detections[0].header.frame_id == "camera"
    assert tracks[-1].detections[0].bbox.center.position.x == pytest.approx(100 + 35 + 20)
    say(message(8))
    graph.until(lambda: len(tracks) == 9, "an empty array")
    assert tracks[-1].detections == []
