"""A detector that does not come back from a frame says so while it hangs, because its executor goes on without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from tests.ros.detector_process import Camera, detector_entry, state
from tests.ros.tiny_bundle import TRAP_BRIGHTNESS, Variant, write_bundle

from trunnion_bringup.processes import Cell

CALM, TRAP = 153, TRAP_BRIGHTNESS + 15


@pytest.fixture(scope="module")
def camera(graph: Any, start_cell: Callable[..., Cell], tmp_path_factory: pytest.TempPathFactory) -> Camera:
    bundle: Path = write_bundle(tmp_path_factory.mktemp("stuck"), Variant(fault="stuck"))
    start_cell(detector_entry(bundle))
    camera = Camera(graph)
    graph.until(lambda: graph.node.count_publishers("detections"), "detector")
    camera.look(CALM)
    return camera


def test_a_detector_that_hangs_on_a_frame_is_an_error_in_the_heartbeat_until_it_answers(
    graph: Any, camera: Camera
) -> None:
    heard = graph.hear(DiagnosticArray, "/diagnostics")

    def last() -> tuple[bytes, str]:
        statuses = [message.status[0] for message in list(heard) if message.status[0].name == "detector"]
        return (statuses[-1].level, statuses[-1].message) if statuses else (b"", "")

    graph.until(lambda: camera.look(CALM) and last() == (DiagnosticStatus.OK, "works"), "a detector at work")
    trap = camera.show(TRAP)
    graph.until(lambda: "has been at work on one frame for" in last()[1], "word of the frame that hangs")
    assert last()[0] == DiagnosticStatus.ERROR
    assert state(graph) == "active"
    assert not any(message.header.stamp.nanosec == trap for message in list(camera.detections))
    graph.until(
        lambda: any(message.header.stamp.nanosec == trap for message in list(camera.detections)),
        "answer to the frame that hung",
        60,
    )
    graph.until(lambda: camera.look(CALM) and last() == (DiagnosticStatus.OK, "works"), "a detector at work")
