"""Networks small enough to reason about, and a cell to run them in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from trunnion_contract.cell import BinLayout, CameraLayout, CellLayout, MotionLimits, TrayLayout
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.manifest import Entry, PolicySpec
from trunnion_contract.tensor import TensorSpec

SQUARE_PX = 64


def _serialized(
    nodes: list[onnx.NodeProto], given: str, shape: list[int | str], made: str, out: list[int | str]
) -> bytes:
    """An ONNX model of float32 tensors with one input and one output."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(made, TensorProto.FLOAT, out)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _constant(name: str, value: NDArray[np.generic]) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))


def _colour_network(
    boxes_px: list[list[float]], class_ids: tuple[float, float, float] = (0, 1, 2), batch: int | str = 1
) -> bytes:
    """A detector that gives box i with the mean of input channel i as its score."""
    return _serialized(
        [
            _constant("boxes", np.array([boxes_px], np.float32)),
            _constant("classes", np.array([[[c] for c in class_ids]], np.float32)),
            helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
            _constant("last", np.array([2], np.int64)),
            helper.make_node("Unsqueeze", ["mean", "last"], ["scores"]),
            # As many boxes and classes as there are images.
            helper.make_node("Sub", ["scores", "scores"], ["zeros"]),
            helper.make_node("Add", ["boxes", "zeros"], ["all_boxes"]),
            helper.make_node("Add", ["classes", "zeros"], ["all_classes"]),
            helper.make_node("Concat", ["all_boxes", "scores", "all_classes"], ["output0"], axis=2),
        ],
        "images",
        [batch, 3, SQUARE_PX, SQUARE_PX],
        "output0",
        [batch, 3, 6],
    )


def _linear_network(weights: NDArray[np.float32], chunk: int | None = None) -> bytes:
    """A policy that gives `observation @ weights`, with `chunk` as that many actions [N, chunk, a]."""
    rows, columns = weights.shape
    shape = [columns] if chunk is None else [chunk, columns // chunk]
    nodes = [
        _constant("weights", weights),
        _constant("shape", np.array([-1, *shape], np.int64)),
        helper.make_node("MatMul", ["observation", "weights"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["action"]),
    ]
    return _serialized(nodes, "observation", ["N", rows], "action", ["N", *shape])


@pytest.fixture(scope="session")
def colour_network() -> Callable[..., bytes]:
    return _colour_network


@pytest.fixture(scope="session")
def linear_network() -> Callable[..., bytes]:
    return _linear_network


@pytest.fixture
def detector_spec() -> DetectorSpec:
    return DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, SQUARE_PX, SQUARE_PX)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 3, 6)),
        image_size_px=SQUARE_PX,
        labels=("red", "green", "blue"),
        confidence_threshold=0.5,
    )


@pytest.fixture
def policy_spec() -> PolicySpec:
    return PolicySpec(
        input=TensorSpec(name="observation", dtype="float32", shape=("N", 4)),
        output=TensorSpec(name="action", dtype="float32", shape=("N", 2)),
        observation=(
            Entry(name="place", size=3, unit="m", low=-1, high=1),
            Entry(name="opening_m", size=1, unit="m", low=0, high=0.08),
        ),
        action=(
            Entry(name="speed", size=1, unit="m/s", low=-1, high=1),
            Entry(name="opening_m", size=1, unit="m", low=0, high=0.08),
        ),
        rate_hz=20,
    )


@pytest.fixture(scope="session")
def limits() -> MotionLimits:
    return MotionLimits(
        workspace_low_base_m=(0.3, -0.4, 0.0),
        workspace_high_base_m=(0.7, 0.4, 0.5),
        speed_max_mps=0.6,
        acceleration_max_mps2=6.0,
        observation_age_max_ms=150,
    )


@pytest.fixture(scope="session")
def cell(limits: MotionLimits) -> CellLayout:
    return CellLayout(
        camera=CameraLayout(
            width_px=320,
            height_px=240,
            vertical_field_of_view_deg=36,
            position_base_m=(0.5, 0.0, 0.9),
            look_at_base_m=(0.5, 0.0, 0.0),
        ),
        tray=TrayLayout(center_base_m=(0.5, 0.0, 0.0), size_m=(0.3, 0.3)),
        bins={
            "A": BinLayout(center_base_m=(0.5, 0.29, 0.0), size_m=(0.2, 0.16), drop_base_m=(0.5, 0.29, 0.16)),
            "B": BinLayout(
                center_base_m=(0.5, -0.29, 0.0), size_m=(0.2, 0.16), drop_base_m=(0.5, -0.29, 0.16)
            ),
        },
        part_heights_m={"gear": 0.018, "bolt": 0.018, "nut": 0.016},
        home_base_m=(0.5, 0.29, 0.25),
        limits=limits,
    )
