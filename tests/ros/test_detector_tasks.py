"""Models that say more than boxes: masks and keypoints on topics of their own, and several cameras in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image
from tests.ros.detector_process import Camera, detector_entry, set_parameters
from tests.ros.tiny_bundle import Variant, write_bundle
from trunnion_interfaces.msg import Keypoints
from trunnion_interfaces.srv import LoadBundle

from trunnion_bringup.processes import Cell
from trunnion_contract.errors import Broken
from trunnion_edge.image_encodings import bgr_image

BRIGHTNESS = 153


@pytest.fixture
def detect(start_cell: Callable[..., Cell], tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Starts a detector of a variant, for one test."""
    cells: list[Cell] = []

    def detect(variant: Variant, **parameters: Any) -> None:
        cells.append(start_cell(detector_entry(write_bundle(tmp_path / "bundle", variant), **parameters)))

    yield detect
    for cell in cells:
        cell.stop()


@pytest.fixture
def watch(graph: Any, detect: Callable[..., None]) -> Callable[..., Camera]:
    """Starts a detector of a variant and gives a camera before it."""

    def watch(variant: Variant, **parameters: Any) -> Camera:
        detect(variant, **parameters)
        camera = Camera(graph)
        graph.until(lambda: graph.node.count_publishers("detections"), "detector")
        camera.look(0)
        return camera

    return watch


def test_a_model_of_poses_says_where_the_points_of_each_detection_are(
    graph: Any, watch: Callable[..., Camera]
) -> None:
    camera = watch(Variant(task="pose"))
    heard = graph.hear(Keypoints, "keypoints")
    graph.until(lambda: camera.look(0) and heard, "keypoints")
    for brightness, objects in ((BRIGHTNESS, 1), (0, 0)):
        answer = camera.look(brightness)
        graph.until(lambda wanted=answer: [m for m in heard if m.header == wanted.header], "keypoints")
        assert len(heard[-1].objects) == len(answer.detections) == objects
        assert heard[-1].names == ["axle"]
    (found,) = next(message for message in heard if message.objects).objects
    # The square has forty rows above the image.
    assert (found.points[0].x, found.points[0].y, found.visibility[0]) == (110, 90, 0.5)


def test_a_model_that_segments_draws_each_detection_by_its_number(
    graph: Any, watch: Callable[..., Camera]
) -> None:
    camera = watch(Variant(task="segmentation"))
    heard: list[Image] = graph.hear(Image, "instances")
    graph.until(lambda: camera.look(BRIGHTNESS) and heard, "instances")
    answer = camera.look(BRIGHTNESS)
    graph.until(lambda: [m for m in heard if m.header == answer.header], "instances")
    message = heard[-1]
    assert (message.encoding, message.width, message.height) == ("mono16", 320, 240)
    numbers = np.frombuffer(message.data, "<u2").reshape(240, 320)
    rows, columns = np.nonzero(numbers)
    assert set(numbers[rows, columns]) == {1}
    # The left half of the box from (100, 80) to (140, 120).
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (80, 119, 100, 119)


def test_the_debug_image_shows_the_mask(graph: Any, watch: Callable[..., Camera]) -> None:
    camera = watch(Variant(task="segmentation"))
    pictures: list[Image] = graph.hear(Image, "debug_image")
    graph.until(lambda: camera.look(BRIGHTNESS) and pictures, "debug image")
    seen = bgr_image(pictures[-1])
    assert (seen[90:110, 105:115] != BRIGHTNESS).any(axis=-1).all()
    np.testing.assert_array_equal(seen[90:110, 125:135], BRIGHTNESS)


def test_how_much_boxes_may_overlap_can_be_set_while_a_network_of_candidates_runs(
    graph: Any, watch: Callable[..., Camera]
) -> None:
    camera = watch(Variant(overlapping=True))
    # The two share three fifths of what they cover.
    for nms_threshold, boxes in ((0.5, 1), (0.65, 2)):
        assert set_parameters(graph, nms_threshold=nms_threshold).successful
        found = camera.look(BRIGHTNESS).detections
        assert [box.results[0].hypothesis.class_id for box in found] == ["0"] * boxes


def test_a_model_for_another_task_is_refused_while_one_runs(
    graph: Any, watch: Callable[..., Camera], tmp_path: Path
) -> None:
    watch(Variant(task="pose"))
    other = write_bundle(tmp_path / "other", Variant(version="0.2.0"))
    answer = graph.call(LoadBundle, "detector/load_bundle", LoadBundle.Request(path=str(other)))
    assert not answer.ok
    assert "got a model for detection, wanted one for pose" in answer.message


def test_a_model_that_takes_fewer_images_at_once_than_are_asked_for_is_refused(
    graph: Any, watch: Callable[..., Camera], tmp_path: Path
) -> None:
    watch(Variant(batch=True), batch_max=4)
    other = write_bundle(tmp_path / "other", Variant(version="0.2.0"))
    answer = graph.call(LoadBundle, "detector/load_bundle", LoadBundle.Request(path=str(other)))
    assert not answer.ok
    assert "'batch_max' of detector: got 4, wanted at most 1" in answer.message


def test_cameras_share_a_run_of_a_network_that_takes_several_images(
    graph: Any, detect: Callable[..., None]
) -> None:
    detect(Variant(batch=True), cameras=["front", "rear"], batch_max=2)
    front, rear = (Camera(graph, f"{name}/image_raw", f"{name}/detections") for name in ("front", "rear"))
    heard = graph.hear(DiagnosticArray, "/diagnostics")
    graph.until(lambda: graph.node.count_publishers("rear/detections"), "detector")
    front.look(0), rear.look(0)
    shown = [(front.show(BRIGHTNESS), rear.show(0)) for _ in range(20)]
    assert len(shown) == 20
    assert len(front.look(BRIGHTNESS).detections) == 1
    assert list(rear.look(0).detections) == []
    for camera, found in ((front, 1), (rear, 0)):
        after = [message for message in camera.detections if message.header.stamp.nanosec > 1]
        assert {len(message.detections) for message in after} == {found}
    graph.until(lambda: [m for m in list(heard) if m.status[0].name == "detector"], "a heartbeat")
    status = next(m.status[0] for m in heard if m.status[0].name == "detector")
    assert {value.key: value.value for value in status.values}["batch_max"] == "2"


def test_more_images_at_once_than_the_network_takes_are_refused(detect: Callable[..., None]) -> None:
    with pytest.raises(Broken, match="'batch_max' of detector: got 4, wanted at most 1"):
        detect(Variant(), batch_max=4)
