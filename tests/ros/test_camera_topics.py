"""The topics of one camera, on a node in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from trunnion_edge.decode import Detections
from trunnion_inference import camera_topics
from trunnion_inference.camera_topics import CameraTopics

IMAGE = np.zeros((24, 32, 3), np.uint8)
NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


@pytest.fixture
def topics(ros: None) -> Iterator[CameraTopics]:
    node = LifecycleNode("sees", namespace="/cell")
    topics = CameraTopics(node, "drawn", "raw", 1, lambda camera, data: None)
    yield topics
    topics.destroy()
    node.destroy_node()


def test_a_debug_image_is_drawn_only_while_somebody_takes_it(
    graph: Any, topics: CameraTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[np.ndarray] = []
    monkeypatch.setattr(camera_topics, "with_boxes", lambda image, *boxes: drawn.append(image) or image)

    def show() -> int:
        topics.publish_debug_image(IMAGE, NOTHING, ("gear",), Header())
        return len(drawn)

    assert show() == 0
    seen: list[Image] = []
    watcher = graph.node.create_subscription(Image, "drawn/debug_image", seen.append, 1)
    graph.until(lambda: show() and seen, "a picture")
    graph.node.destroy_subscription(watcher)
    graph.until(lambda: topics._debug_image.get_subscription_count() == 0, "nobody who looks")
    before = len(drawn)
    assert show() == before
