"""What the detector says beside its detections: which model made them, how long it took, and a picture for people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image
from std_msgs.msg import Float64
from tests.ros.detector_process import Camera, detector_entry
from trunnion_interfaces.msg import DetectionSource
from vision_msgs.msg import VisionInfo

from trunnion_bringup.processes import Cell
from trunnion_contract.bundle import open_bundle
from trunnion_edge.image_encodings import bgr_image
from trunnion_inference.qos import LATCHED

BRIGHTNESS = 153


@pytest.fixture(scope="module")
def camera(graph: Any, start_cell: Callable[..., Cell], bundle_file: Path) -> Camera:
    start_cell(detector_entry(bundle_file))
    camera = Camera(graph)
    graph.until(lambda: graph.node.count_publishers("detections"), "detector")
    camera.look(0)
    return camera


def hear(graph: Any, camera: Camera, kind: type, topic: str) -> list[Any]:
    """What a topic says of images, once its publisher knows us."""
    heard = graph.hear(kind, topic)
    graph.until(lambda: camera.look(0) and heard, topic)
    return heard


def test_every_answer_also_an_empty_one_names_the_model_that_gave_it(
    graph: Any, camera: Camera, bundle_file: Path
) -> None:
    sources = hear(graph, camera, DetectionSource, "detection_source")
    for brightness in (BRIGHTNESS, 0):
        message = camera.look(brightness)
        graph.until(lambda wanted=message: [s for s in sources if s.header == wanted.header], "source")
    said = sources[-1]
    assert (said.model, said.version, said.precision) == ("tiny", "0.1.0", "fp32")
    assert said.digest == open_bundle(bundle_file).digest
    assert "onnxruntime" in said.runtime


def test_who_comes_late_learns_which_model_detects(graph: Any, camera: Camera, bundle_file: Path) -> None:
    told = graph.hear(VisionInfo, "vision_info", LATCHED)
    graph.until(lambda: told, "vision_info")
    assert told[-1].method.startswith("tiny 0.1.0 fp32 (onnxruntime")
    assert told[-1].database_location == f"{bundle_file}#sha256:{open_bundle(bundle_file).digest}"
    assert told[-1].database_version == 1


def test_the_debug_image_shows_the_box_and_is_drawn_only_for_who_looks(graph: Any, camera: Camera) -> None:
    topic = "debug_image"
    camera.look(BRIGHTNESS)
    pictures: list[Image] = []
    watcher = graph.node.create_subscription(Image, topic, pictures.append, 1)
    graph.until(lambda: camera.look(BRIGHTNESS) and pictures, "debug image")
    graph.node.destroy_subscription(watcher)
    seen = bgr_image(pictures[-1])
    assert pictures[-1].header.frame_id == "camera_optical"
    # The box is (100, 80) to (140, 120) in the source image.
    assert (seen[80, 101:139] != BRIGHTNESS).any(axis=1).all()
    np.testing.assert_array_equal(seen[90:110, 110:130], BRIGHTNESS)


def test_how_long_a_frame_took_is_said_for_each_frame(graph: Any, camera: Camera) -> None:
    processing = hear(graph, camera, Float64, "detector/debug/processing_time_ms")
    latency = hear(graph, camera, Float64, "detector/debug/pipeline_latency_ms")
    assert 0 < processing[-1].data < 5000
    # The frame is stamped in 2023.
    assert latency[-1].data > 1e9


def test_the_heartbeat_says_which_model_runs_where_and_how_frames_fare(
    graph: Any, camera: Camera, bundle_file: Path
) -> None:
    heard = graph.hear(DiagnosticArray, "/diagnostics")

    def values() -> dict[str, str]:
        statuses = [message.status[0] for message in heard if message.status[0].name == "detector"]
        return {value.key: value.value for value in statuses[-1].values} if statuses else {}

    graph.until(lambda: camera.look(BRIGHTNESS) and float(values().get("rate_hz", 0)) > 0, "a rate")
    said = values()
    assert (said["model"], said["version"], said["digest"]) == (
        "tiny",
        "0.1.0",
        open_bundle(bundle_file).digest,
    )
    assert (said["backend"], said["device"], said["precision"]) == ("onnxruntime", "cpu", "fp32")
    assert int(said["frames_received"]) >= int(said["frames"]) > 0
    assert {"frames_replaced", "frames_lost"} <= said.keys()
