"""Several cameras and one engine, frames that come faster than it can take them, pictures that are compressed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Float64, Header
from tests.ros.detector_process import Camera, detector_entry
from tests.ros.tiny_bundle import Variant, write_bundle
from vision_msgs.msg import Detection2DArray, LabelInfo

from trunnion_bringup.processes import Cell
from trunnion_inference.images import byte_array
from trunnion_inference.qos import LATCHED

BRIGHTNESS = 153
TRAP = 250
SIMULATED_S = 5000


def values_of(heard: list[DiagnosticArray], name: str) -> dict[str, str]:
    """What a node's last heartbeat said."""
    statuses = [message.status[0] for message in list(heard) if message.status[0].name == name]
    return {value.key: value.value for value in statuses[-1].values} if statuses else {}


@pytest.fixture(scope="module")
def two_cameras(graph: Any, start_cell: Callable[..., Cell], tmp_path_factory: Any) -> tuple[Camera, Camera]:
    """Cameras of one node; the brightest frames take its network long."""
    bundle = write_bundle(tmp_path_factory.mktemp("slow"), Variant(fault="slow"))
    start_cell(detector_entry(bundle, cameras=["front", "rear"]))
    cameras = tuple(Camera(graph, f"{name}/image_raw", f"{name}/detections") for name in ("front", "rear"))
    graph.until(lambda: graph.node.count_publishers("rear/detections"), "detector")
    return cameras


def test_each_camera_is_answered_on_its_own_topics(graph: Any, two_cameras: tuple[Camera, Camera]) -> None:
    front, rear = two_cameras
    assert len(front.look(BRIGHTNESS).detections) == 1
    assert list(rear.look(0).detections) == []
    labels = graph.hear(LabelInfo, "rear/label_info", LATCHED)
    graph.until(lambda: labels, "label_info")
    assert [entry.class_name for entry in labels[-1].class_map] == ["gear", "bolt", "nut"]
    assert front.detections.count(rear.detections[-1]) == 0


def test_above_capacity_each_camera_gets_its_turn_and_the_frames_that_gave_way_are_counted(
    graph: Any, two_cameras: tuple[Camera, Camera]
) -> None:
    front, rear = two_cameras
    heard = graph.hear(DiagnosticArray, "/diagnostics")
    rear.look(0), front.look(0)
    graph.until(lambda: values_of(heard, "detector"), "heartbeat")
    before = len(front.detections), len(rear.detections)
    shown = 0
    # The front shows three frames for each of the rear's, and every one takes long.
    while len(rear.detections) < before[1] + 8:
        front.show(TRAP), front.show(TRAP), front.show(TRAP), rear.show(TRAP)
        shown += 3
        time.sleep(0.01)
        assert shown < 3000
    answered = len(front.detections) - before[0]
    assert answered <= 12
    graph.until(lambda: is_all_counted(heard, front), "a count of all frames of the front")


def is_all_counted(heard: list[DiagnosticArray], front: Camera) -> bool:
    """Whether each frame that came was answered or gave way, and some did."""
    values = values_of(heard, "detector")
    received, replaced = int(values["front/frames_received"]), int(values["front/frames_replaced"])
    return replaced > 0 and received == len(front.detections) + replaced


def test_above_capacity_an_answer_is_never_older_than_a_few_turns(
    graph: Any, two_cameras: tuple[Camera, Camera]
) -> None:
    front, _ = two_cameras
    shown_s: dict[int, float] = {}
    answered_s: dict[int, float] = {}
    began_s = time.monotonic()
    while len(answered_s) < 12:
        shown_s[front.show(TRAP)] = time.monotonic()
        numbers = {message.header.stamp.nanosec for message in list(front.detections)}
        for number in (numbers & shown_s.keys()) - answered_s.keys():
            answered_s[number] = time.monotonic()
        time.sleep(0.01)
        assert time.monotonic() - began_s < 60
    times_s = sorted(answered_s.values())
    turn_s = (times_s[-1] - times_s[0]) / (len(times_s) - 1)
    # At most the frame at work and its own turn; in a queue of all frames the last would wait for eleven.
    assert max(answered_s[number] - shown_s[number] for number in answered_s) < 5 * turn_s


@pytest.fixture(scope="module")
def simulated(graph: Any, start_cell: Callable[..., Cell], bundle_file: Path) -> str:
    """A node that takes compressed pictures, on simulated time."""
    entry = detector_entry(bundle_file, image_transport="compressed", use_sim_time=True)
    entry = dataclasses.replace(
        entry,
        name="simulated",
        remappings=(("image_raw", "simulated/image_raw"), ("detections", "simulated/detections")),
    )
    start_cell(entry)
    return "simulated"


def test_a_compressed_picture_is_detected_in_and_one_that_is_cut_short_is_not(
    graph: Any, simulated: str
) -> None:
    heard, detections = (
        graph.hear(DiagnosticArray, "/diagnostics"),
        graph.hear(Detection2DArray, "simulated/detections"),
    )
    publish = graph.say(CompressedImage, "simulated/image_raw/compressed", qos_profile_sensor_data)
    _, jpeg = cv2.imencode(".jpg", np.full((240, 320, 3), BRIGHTNESS, np.uint8))

    def complains() -> bool:
        publish(CompressedImage(format="jpeg", data=byte_array(jpeg.tobytes()[:-40])))
        return any("cut short" in message.status[0].message for message in heard)

    graph.until(complains, "complaint")
    header = Header(frame_id="camera_optical")

    def sees() -> bool:
        publish(CompressedImage(header=header, format="jpeg", data=byte_array(jpeg.tobytes())))
        return bool(detections)

    graph.until(sees, "detections")
    assert detections[-1].header == header
    assert len(detections[-1].detections) == 1


def test_latency_is_measured_in_simulated_time(graph: Any, simulated: str) -> None:
    latency = graph.hear(Float64, "simulated/debug/pipeline_latency_ms")
    tell_time = graph.say(Clock, "/clock", qos_profile_sensor_data)
    publish = graph.say(CompressedImage, "simulated/image_raw/compressed", qos_profile_sensor_data)
    _, png = cv2.imencode(".png", np.full((24, 32, 3), BRIGHTNESS, np.uint8))
    header, clock = Header(), Clock()
    header.stamp.sec, clock.clock.sec = SIMULATED_S - 3, SIMULATED_S

    def measured() -> bool:
        tell_time(clock)
        publish(CompressedImage(header=header, format="png", data=byte_array(png.tobytes())))
        return bool(latency) and latency[-1].data == pytest.approx(3000)

    graph.until(measured, "latency in simulated time")
