"""The detector node, as a process."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import DescribeParameters
from rclpy.qos import ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import Image
from tests.ros.detector_process import Camera, change, detector_entry, state
from tests.ros.tiny_bundle import TRAP_BRIGHTNESS, Variant, write_bundle
from vision_msgs.msg import LabelInfo

from trunnion_bringup.processes import Cell
from trunnion_contract.errors import Broken
from trunnion_contract.progress import Silent
from trunnion_inference.qos import LATCHED
from trunnion_inference.stages import STAGES

BRIGHTNESS = 153
SCORE = BRIGHTNESS / 255
TRAP = TRAP_BRIGHTNESS + 15
IMAGES, ANSWERS, SOURCES = "/cell/camera/image_raw", "/cell/detections", "/cell/detection_source"


@pytest.fixture(scope="module")
def detector(start_cell: Callable[..., Cell], tmp_path_factory: pytest.TempPathFactory) -> Cell:
    """Its network gives NaN for frames that are a trap, and is well otherwise."""
    return start_cell(detector_entry(write_bundle(tmp_path_factory.mktemp("nan"), Variant(fault="nan"))))


@pytest.fixture
def health(graph: Any, detector: Cell) -> Callable[[], tuple[bytes, str]]:
    """Level and message of the detector's last heartbeat."""
    heard = graph.hear(DiagnosticArray, "/diagnostics")

    def last() -> tuple[bytes, str]:
        statuses = [message.status[0] for message in list(heard) if message.status[0].name == "detector"]
        return (statuses[-1].level, statuses[-1].message) if statuses else (b"", "")

    return last


@pytest.fixture(scope="module")
def camera(graph: Any, detector: Cell) -> Iterator[Camera]:
    camera = Camera(graph)
    graph.until(lambda: graph.node.count_publishers("detections"), "detector")
    camera.look(0)
    return camera


def test_a_box_is_in_pixels_of_the_frame_under_the_header_of_the_frame(camera: Camera) -> None:
    message = camera.look(BRIGHTNESS)
    (found,) = message.detections
    assert message.header == found.header
    assert (message.header.frame_id, message.header.stamp.sec) == ("camera_optical", 1_700_000_000)
    centre = found.bbox.center.position
    assert (centre.x, centre.y, found.bbox.size_x, found.bbox.size_y) == pytest.approx((120, 100, 40, 40))
    hypothesis = found.results[0].hypothesis
    assert (hypothesis.class_id, hypothesis.score) == ("0", pytest.approx(SCORE, abs=1e-3))


def test_a_frame_with_nothing_in_it_is_answered_with_an_empty_array(camera: Camera) -> None:
    message = camera.look(0)
    assert message.header.frame_id == "camera_optical"
    assert list(message.detections) == []


def test_labels_wait_for_whoever_comes_late(graph: Any, camera: Camera) -> None:
    labels = graph.hear(LabelInfo, "label_info", LATCHED)
    graph.until(lambda: labels, "label_info")
    assert [(c.class_id, c.class_name) for c in labels[-1].class_map] == [
        (0, "gear"),
        (1, "bolt"),
        (2, "nut"),
    ]
    assert labels[-1].threshold == pytest.approx(0.4)


def test_parameters_say_what_they_are(graph: Any, detector: Cell) -> None:
    names = ["bundle", "backend", "threads", "autostart", "cameras", "image_transport"]
    names += ["class_filter", "max_detections", "confidence_threshold"]
    request = DescribeParameters.Request(names=names)
    described = graph.call(DescribeParameters, "detector/describe_parameters", request).descriptors
    assert all(descriptor.description for descriptor in described)
    assert described[-1].floating_point_range[0].to_value == 1.0


def test_a_network_that_gives_nothing_finite_is_an_error_in_the_heartbeat_and_no_empty_answer(
    graph: Any, camera: Camera, health: Callable[[], tuple[bytes, str]]
) -> None:
    traps: list[int] = []
    not_finite = "the detector's output: got 300 rows, each with a value that is not finite"
    graph.until(lambda: traps.append(camera.show(TRAP)) or health()[1].startswith(not_finite), "complaint")
    assert health()[0] == DiagnosticStatus.ERROR
    assert state(graph) == "active"
    assert len(camera.look(BRIGHTNESS).detections) == 1
    assert not {message.header.stamp.nanosec for message in camera.detections} & set(traps)
    graph.until(lambda: camera.look(BRIGHTNESS) and health() == (DiagnosticStatus.OK, "works"), "recovery")


def test_a_camera_of_which_nothing_comes_is_a_warning_until_it_shows_something(
    graph: Any, camera: Camera, health: Callable[[], tuple[bytes, str]]
) -> None:
    camera.look(BRIGHTNESS)
    graph.until(lambda: health()[1].startswith("no image for "), "word of the silence")
    level, message = health()
    assert level == DiagnosticStatus.WARN
    assert 2 <= int(message.split()[3]) < 10
    graph.until(lambda: camera.look(BRIGHTNESS) and health() == (DiagnosticStatus.OK, "works"), "recovery")


def test_the_heartbeat_tells_where_the_time_goes(graph: Any, camera: Camera) -> None:
    heard = graph.hear(DiagnosticArray, "/diagnostics")
    camera.look(BRIGHTNESS)
    graph.until(lambda: [m for m in heard if m.status[0].name == "detector"][1:], "two heartbeats")
    assert (heard[-1].status[0].level, heard[-1].status[0].message) == (DiagnosticStatus.OK, "works")
    values = {value.key: value.value for value in heard[-1].status[0].values}
    assert values["state"] == "active"
    assert float(values["infer_p50_ms"]) > 0
    assert {
        f"{stage}_{percentile}_ms" for stage in STAGES for percentile in ("p50", "p95", "p99")
    } <= values.keys()


def test_an_image_in_an_unknown_encoding_is_an_error_in_the_heartbeat_and_no_crash(
    graph: Any, camera: Camera, detector: Cell
) -> None:
    heard = graph.hear(DiagnosticArray, "/diagnostics")
    publish = graph.say(Image, "camera/image_raw", qos_profile_sensor_data)

    def complains() -> bool:
        publish(Image(height=1, width=1, step=1, encoding="nv21", data=[0]))
        return any("nv21" in message.status[0].message for message in heard)

    graph.until(complains, "complaint")
    assert len(camera.look(BRIGHTNESS).detections) == 1
    assert detector.poll() == []


def test_frames_count_only_while_the_node_is_active_and_the_engine_can_be_freed_and_made_again(
    graph: Any, camera: Camera
) -> None:
    assert state(graph) == "active"
    assert change(graph, Transition.TRANSITION_DEACTIVATE)
    before = len(camera.detections)
    camera.show(BRIGHTNESS)
    time.sleep(0.3)
    assert len(camera.detections) == before
    assert change(graph, Transition.TRANSITION_CLEANUP)
    assert state(graph) == "unconfigured"
    assert change(graph, Transition.TRANSITION_CONFIGURE)
    assert change(graph, Transition.TRANSITION_ACTIVATE)
    graph.until(lambda: graph.node.count_subscribers("camera/image_raw"), "detector's subscription")
    deadline_s = time.monotonic() + 5
    while len(camera.detections) == before and time.monotonic() < deadline_s:
        camera.show(BRIGHTNESS)
        time.sleep(0.1)
    assert len(camera.detections) > before


def test_a_transition_that_does_not_fit_the_state_changes_nothing(
    graph: Any, camera: Camera, detector: Cell
) -> None:
    assert not change(graph, Transition.TRANSITION_CONFIGURE)
    assert state(graph) == "active"
    assert detector.poll() == []


def test_a_bundle_with_a_changed_byte_leaves_the_node_unconfigured_with_the_reason_in_its_log(
    start_cell: Callable[..., Cell], graph: Any, bundle_file: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.trunnion"
    data = bytearray(bundle_file.read_bytes())
    data[len(data) // 2] ^= 1
    bad.write_bytes(data)
    cell = start_cell(dataclasses.replace(detector_entry(bad), name="second"), ready=False)
    with pytest.raises(Broken, match=f"second: got {bad}: got .* wanted a node that becomes active"):
        cell.wait_ready(30, Silent())
    state = graph.call(GetState, "second/get_state", GetState.Request()).current_state.label
    assert state == "unconfigured"
    log = cell.log_file("second").read_text()
    assert str(bad) in log
    assert "Traceback" not in log
    assert cell.poll() == []


# Last, because it answers on the same topics.
def test_qos_can_be_overridden_by_parameter_for_one_topic_and_for_no_other(
    start_cell: Callable[..., Cell], graph: Any, bundle_file: Path
) -> None:
    overrides = {
        f"qos_overrides.{IMAGES}.subscription.reliability": "reliable",
        f"qos_overrides.{ANSWERS}.publisher.reliability": "best_effort",
    }
    start_cell(dataclasses.replace(detector_entry(bundle_file, **overrides), name="overridden"))

    def reliability(infos_of: Callable[[str], list[Any]], topic: str) -> ReliabilityPolicy:
        def found() -> list[Any]:
            return [info.qos_profile for info in infos_of(topic) if info.node_name == "overridden"]

        # The graph learns of endpoints and of the names of their nodes one by one.
        graph.until(found, f"the node at {topic}")
        (profile,) = found()
        return profile.reliability

    subscriptions, publishers = (
        graph.node.get_subscriptions_info_by_topic,
        graph.node.get_publishers_info_by_topic,
    )
    assert reliability(subscriptions, IMAGES) == ReliabilityPolicy.RELIABLE
    assert reliability(publishers, ANSWERS) == ReliabilityPolicy.BEST_EFFORT
    assert reliability(publishers, SOURCES) == ReliabilityPolicy.RELIABLE
