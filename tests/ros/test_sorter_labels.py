"""The sorter beside a detector whose model is swapped for one with other labels: it takes no bolt for a gear."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from tests.ros.sorter_process import Orders, sorting_entries
from tests.ros.tiny_bundle import Variant, write_bundle
from trunnion_interfaces.msg import DetectionSource
from trunnion_interfaces.srv import LoadBundle
from vision_msgs.msg import Detection2DArray

from trunnion_bringup.processes import Cell
from trunnion_contract.bundle import open_bundle
from trunnion_edge.decode import Detections
from trunnion_inference.clocks import header_now
from trunnion_inference.detections import detections_message

UNKNOWN = "f" * 64


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It calls a bolt what the cell's own bundle calls a gear."""
    variant = Variant(version="0.2.0", labels=("bolt", "gear", "nut"))
    return write_bundle(tmp_path_factory.mktemp("other"), variant)


@pytest.fixture(scope="module")
def cell(start_cell: Callable[..., Cell], bundle_file: Path) -> Cell:
    return start_cell(*sorting_entries(bundle_file, swap_other_labels=True, swap_probation_frames=1))


@pytest.fixture(scope="module")
def orders(graph: Any, cell: Cell) -> Orders:
    return Orders.to_sorter(graph)


def picks(orders: Orders, part: str) -> None:
    """The order gets as far as picking that part, and is cancelled."""
    handle = orders.send((part,))
    orders.until_phase("picking")
    assert orders.feedback[-1].part == part
    orders.graph.wait(handle.cancel_goal_async(), "cancellation")
    assert orders.result(handle).status == GoalStatus.STATUS_CANCELED


def test_after_a_swap_the_same_class_id_is_what_the_new_model_calls_it(
    graph: Any, orders: Orders, other_bundle: Path
) -> None:
    picks(orders, "gear")
    sources = graph.hear(DetectionSource, "detection_source")
    request = LoadBundle.Request(path=str(other_bundle))
    answer = graph.call(LoadBundle, "detector/load_bundle", request, timeout_s=30)
    assert answer.ok, answer.message
    digest = open_bundle(other_bundle).digest
    graph.until(lambda: [source for source in sources if source.digest == digest], "frame of the new model")
    picks(orders, "bolt")
    assert "no gear in the tray" in orders.result(orders.send(("gear",))).result.message


class PlayedDetector:
    """Sees class 0 in the middle, as a model whose labels nobody has told; beats like the real one."""

    def __init__(self, graph: Any) -> None:
        self.node = graph.node
        self._detections = graph.say(Detection2DArray, "detections")
        self._source = graph.say(DetectionSource, "detection_source")
        self._heartbeat = graph.say(DiagnosticArray, "/diagnostics")

    def play(self) -> None:
        """One frame."""
        header = header_now(self.node, "camera_optical")
        box = np.array([[140, 100, 180, 140]], np.float32)
        seen = Detections(box, np.array([0.9], np.float32), np.array([0]))
        self._detections(detections_message(seen, header))
        self._source(DetectionSource(header=header, digest=UNKNOWN))
        status = DiagnosticStatus(name="detector", message="works")
        self._heartbeat(DiagnosticArray(header=header, status=[status]))


def test_detections_of_a_model_whose_labels_are_not_known_move_nothing_and_fail_the_order_by_that_name(
    graph: Any, cell: Cell, orders: Orders
) -> None:
    os.kill(cell.process_ids["detector"], signal.SIGKILL)
    detector = PlayedDetector(graph)
    heard = graph.hear(DiagnosticArray, "/diagnostics")
    future = orders.send(("gear",)).get_result_async()
    deadline_s = time.monotonic() + 20
    while not future.done() and time.monotonic() < deadline_s:
        detector.play()
        time.sleep(0.1)
    answer = orders.graph.wait(future, "result")
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert answer.result.message.startswith("detector is silent: no labels of what it detects for ")
    assert "picking" not in {feedback.phase for feedback in orders.feedback}
    said = {status.message for message in list(heard) for status in message.status if status.name == "sorter"}
    assert any(f"from model {UNKNOWN[:12]}" in message for message in said)
