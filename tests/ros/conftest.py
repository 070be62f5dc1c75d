"""Real nodes in real processes on a bundle that is small, whole and predictable, and somebody who listens to them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import rclpy
from onnx import TensorProto, helper, numpy_helper
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import NodeEntry
from trunnion_contract.bundle import MODEL, PROOF, REPORT, pack
from trunnion_contract.cell import BinLayout, CameraLayout, CellLayout, MotionLimits, TrayLayout
from trunnion_contract.files import digest_bytes, digest_file, write_json
from trunnion_contract.manifest import (
    DetectorModel,
    DetectorSpec,
    Entry,
    ModelManifest,
    PolicyModel,
    PolicySpec,
    TensorSpec,
)
from trunnion_contract.progress import Silent
from trunnion_contract.proof import Gate, Proof

IMAGE_SIZE_PX = 320
# In the letterboxed square; in a 320x240 image it is 40 pixels higher.
BOX_PX = (100.0, 120.0, 140.0, 160.0)
POLICY_GAIN_PER_S = 4.0
READY_WITHIN_S = 30.0

LAYOUT = CellLayout(
    camera=CameraLayout(
        width_px=320,
        height_px=240,
        vertical_field_of_view_deg=28.6,
        position_base_m=(0.49, 0.0, 0.95),
        look_at_base_m=(0.49, 0.0, 0.0),
    ),
    tray=TrayLayout(center_base_m=(0.50, 0.0, 0.005), size_m=(0.26, 0.26)),
    bins={
        "A": BinLayout(
            center_base_m=(0.50, 0.225, 0.0), size_m=(0.20, 0.14), drop_base_m=(0.50, 0.225, 0.12)
        ),
        "B": BinLayout(
            center_base_m=(0.50, -0.225, 0.0), size_m=(0.20, 0.14), drop_base_m=(0.50, -0.225, 0.12)
        ),
    },
    part_heights_m={"gear": 0.018, "bolt": 0.018, "nut": 0.016},
    home_base_m=(0.50, 0.225, 0.22),
    limits=MotionLimits(
        workspace_low_base_m=(0.34, -0.30, 0.008),
        workspace_high_base_m=(0.66, 0.30, 0.30),
        speed_max_mps=0.6,
        acceleration_max_mps2=6.0,
    ),
)


@pytest.fixture(scope="session")
def cell_layout() -> CellLayout:
    return LAYOUT


@pytest.fixture(scope="session")
def bundle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose detector sees one gear, as sure as the middle of the image is bright, and whose policy goes
    straight to its target with open fingers."""
    folder = tmp_path_factory.mktemp("bundle")
    export, prove = folder / "export", folder / "prove"
    export.mkdir(), prove.mkdir()
    onnx.save(_detector(), export / "detector.onnx")
    onnx.save(_policy(), export / "policy.onnx")
    model = _manifest(export)
    write_json(export / MODEL, model.model_dump(mode="json", by_alias=True))
    write_json(prove / PROOF, _proof(model).model_dump(mode="json", by_alias=True))
    (prove / REPORT).write_text("<p>proven by hand</p>")
    pack(export, prove, folder / "tiny-0.1.0.trunnion", "# Tiny\n")
    return folder / "tiny-0.1.0.trunnion"


def _detector() -> onnx.ModelProto:
    """[1, 3, S, S] → [1, 300, 6]: one row that counts; its score is the brightest value in the middle."""
    row = np.zeros((1, 300, 6), np.float32)
    row[0, 0, :4] = BOX_PX
    only_score = np.zeros((1, 300, 6), np.float32)
    only_score[0, 0, 4] = 1
    constants = {
        "row": row,
        "only_score": only_score,
        "from": np.array([150, 150]),
        "to": np.array([170, 170]),
        "axes": np.array([2, 3]),
    }
    nodes = [
        helper.make_node("Slice", ["images", "from", "to", "axes"], ["middle"]),
        helper.make_node("ReduceMax", ["middle"], ["score"], keepdims=0),
        helper.make_node("Mul", ["only_score", "score"], ["scored"]),
        helper.make_node("Add", ["row", "scored"], ["output0"]),
    ]
    return _network(nodes, "images", [1, 3, IMAGE_SIZE_PX, IMAGE_SIZE_PX], "output0", [1, 300, 6], constants)


def _policy() -> onnx.ModelProto:
    """[N, 11] → [N, 4]: velocity = gain (target - gripper), opening = 0.08."""
    weights = np.zeros((11, 4), np.float32)
    weights[0:3, 0:3] = -POLICY_GAIN_PER_S * np.eye(3)
    weights[5:8, 0:3] = POLICY_GAIN_PER_S * np.eye(3)
    constants = {"weights": weights, "bias": np.array([0, 0, 0, 0.08], np.float32)}
    node = helper.make_node("Gemm", ["observation", "weights", "bias"], ["action"])
    return _network([node], "observation", ["n", 11], "action", ["n", 4], constants)


def _network(
    nodes: list[Any],
    input_name: str,
    input_shape: list[Any],
    output_name: str,
    output_shape: list[Any],
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, output_shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _manifest(export: Path) -> ModelManifest:
    return ModelManifest(
        name="tiny",
        version="0.1.0",
        problem="a test",
        usecase_digest=digest_bytes(b"a use case"),
        dataset_digest=None,
        detector=DetectorModel(
            file="detector.onnx",
            sha256=digest_file(export / "detector.onnx"),
            parity=(),
            spec=DetectorSpec(
                input=TensorSpec(name="images", dtype="float32", shape=(1, 3, IMAGE_SIZE_PX, IMAGE_SIZE_PX)),
                output=TensorSpec(name="output0", dtype="float32", shape=(1, 300, 6)),
                image_size_px=IMAGE_SIZE_PX,
                labels=("gear", "bolt", "nut"),
                confidence_threshold=0.4,
            ),
        ),
        policy=PolicyModel(
            file="policy.onnx",
            sha256=digest_file(export / "policy.onnx"),
            parity=(),
            spec=_policy_spec(),
        ),
        cell=LAYOUT,
        made_with={},
        licences={},
    )


def _policy_spec() -> PolicySpec:
    def metres(name: str, size: int = 3) -> Entry:
        return Entry(name=name, size=size, unit="m", low=-1, high=1)

    grasped = Entry(name="grasped", size=1, unit="1", low=0, high=1)
    return PolicySpec(
        input=TensorSpec(name="observation", dtype="float32", shape=("n", 11)),
        output=TensorSpec(name="action", dtype="float32", shape=("n", 4)),
        observation=(
            metres("gripper_base_m"),
            metres("opening_m", 1),
            grasped,
            metres("target_base_m"),
            metres("place_base_m"),
        ),
        action=(
            Entry(name="velocity_base_mps", size=3, unit="m/s", low=-1, high=1),
            metres("opening_m", 1),
        ),
        rate_hz=20,
    )


def _proof(model: ModelManifest) -> Proof:
    return Proof(
        name=model.name,
        version=model.version,
        usecase_digest=model.usecase_digest,
        dataset_digest=None,
        model_digest=model.digest(),
        files=model.files(),
        runtime={},
        gates=(Gate(name="by hand", got="yes", wanted="yes", passed=True),),
        simulated=True,
    )


class Graph:
    """A node of the test in /cell: remembers what topics said, spins on a thread of its own."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def hear(self, kind: type, topic: str, qos: QoSProfile | int = 10) -> list[Any]:
        """Everything that the topic says from now on; it grows."""
        heard: list[Any] = []
        self.node.create_subscription(kind, topic, heard.append, qos)
        return heard

    def say(self, kind: type, topic: str, qos: QoSProfile | int = 10) -> Callable[[Any], None]:
        """A way to publish, once somebody listens."""
        publisher = self.node.create_publisher(kind, topic, qos)
        self.until(lambda: publisher.get_subscription_count() > 0, f"a listener of {topic}")
        return publisher.publish

    def call(self, kind: type, service: str, request: Any, timeout_s: float = 10.0) -> Any:
        """The answer of a service."""
        client = self.node.create_client(kind, service)
        self.until(client.service_is_ready, service, timeout_s)
        return self.wait(client.call_async(request), service, timeout_s)

    def wait(self, future: Any, what: str, timeout_s: float = 10.0) -> Any:
        """The result of a future."""
        self.until(future.done, what, timeout_s)
        return future.result()

    def until(self, condition: Callable[[], Any], what: str, timeout_s: float = 10.0) -> None:
        """Wait for a condition, or fail naming it."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                pytest.fail(f"no {what} within {timeout_s:.0f} s")
            time.sleep(0.01)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown(timeout_sec=2)
        self._thread.join(2)
        self.node.destroy_node()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return


@pytest.fixture(scope="session")
def ros() -> Iterator[None]:
    """rclpy in this process."""
    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture(scope="module")
def graph(ros: None) -> Iterator[Graph]:
    graph = Graph(rclpy.create_node("test", namespace="/cell"))
    yield graph
    graph.close()


@pytest.fixture(scope="module")
def start_cell(
    ros_process_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Cell]]:
    """Starts table entries and stops them after the module."""
    cells: list[Cell] = []

    def start(*entries: NodeEntry, ready: bool = True) -> Cell:
        environment = {**ros_process_environment, "ROS_DOMAIN_ID": os.environ["ROS_DOMAIN_ID"]}
        cell = Cell(entries, environment, tmp_path_factory.mktemp("logs"))
        cells.append(cell)
        cell.start()
        if ready:
            cell.wait_ready(READY_WITHIN_S, Silent())
        return cell

    yield start
    for cell in cells:
        cell.stop()
