"""A small export and its proof, whole and in agreement."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.files import digest_bytes
from trunnion_contract.manifest import (
    Accuracy,
    DetectorModel,
    DetectorVariant,
    ModelManifest,
    PrecisionParity,
)
from trunnion_contract.proof import Gate, Proof
from trunnion_contract.tensor import TensorSpec


@pytest.fixture
def model() -> ModelManifest:
    spec = DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 320, 320)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 300, 6)),
        image_size_px=320,
        labels=("gear",),
        confidence_threshold=0.4,
    )
    return ModelManifest(
        name="cell",
        version="0.1.0",
        problem="Find gears.",
        usecase_digest=digest_bytes(b"a use case"),
        dataset_digest=None,
        detector=DetectorModel(file="detector.onnx", sha256=digest_bytes(b"a network"), parity=(), spec=spec),
        made_with={"torch": "2.15.0"},
        licences={"detector.onnx": "AGPL-3.0"},
    )


@pytest.fixture
def int8_variant() -> DetectorVariant:
    parity = PrecisionParity(
        images=70,
        map50_drop_points=0.1,
        map50_95_drop_points=0.4,
        map50_95_drop_max_points=1.0,
        boxes_largest_px=3.0,
    )
    return DetectorVariant(
        file="detector.int8.onnx",
        sha256=digest_bytes(b"a network in int8"),
        precision="int8",
        parity=parity,
        accuracy=Accuracy(images=70, map50=0.94, map50_95=0.72),
    )


@pytest.fixture
def model_in_int8(model: ModelManifest, int8_variant: DetectorVariant) -> ModelManifest:
    """The model with a second network."""
    assert model.detector is not None
    return model.model_copy(
        update={"detector": model.detector.model_copy(update={"variants": (int8_variant,)})}
    )


@pytest.fixture
def proof(model: ModelManifest) -> Proof:
    return Proof(
        name=model.name,
        version=model.version,
        usecase_digest=model.usecase_digest,
        dataset_digest=None,
        model_digest=model.digest(),
        files=model.files(),
        runtime={"engine": "onnxruntime 1.31.1"},
        gates=(Gate(name="detector mAP50", got="0.951", wanted="at least 0.90", passed=True),),
        simulated=False,
    )


@pytest.fixture(scope="session")
def constant_detector() -> Callable[..., bytes]:
    """Makes an ONNX detector for images of 64 pixels that finds the same boxes [n, 6] in everything."""

    def make(rows: list[list[float]]) -> bytes:
        output = numpy_helper.from_array(np.array([rows], np.float32).reshape(1, -1, 6))
        nodes = [helper.make_node("Constant", [], ["output0"], value=output)]
        return _onnx(nodes, ("images", [1, 3, 64, 64]), ("output0", list(output.dims)))

    return make


@pytest.fixture(scope="session")
def policy_that_opens() -> Callable[[float], bytes]:
    """Makes an ONNX policy for the sorting cell that steers straight to the target with the hand this wide open."""

    def make(opening_m: float) -> bytes:
        weights = np.zeros((11, 4), np.float32)
        for axis in range(3):
            weights[axis, axis], weights[5 + axis, axis] = -4.0, 4.0
        opening = numpy_helper.from_array(np.array([0, 0, 0, opening_m], np.float32))
        nodes = [
            helper.make_node("Constant", [], ["weights"], value=numpy_helper.from_array(weights)),
            helper.make_node("Constant", [], ["wide"], value=opening),
            helper.make_node("MatMul", ["observation", "weights"], ["velocity"]),
            helper.make_node("Add", ["velocity", "wide"], ["action"]),
        ]
        return _onnx(nodes, ("observation", ["N", 11]), ("action", ["N", 4]))

    return make


@pytest.fixture(scope="session")
def steering_policy(policy_that_opens: Callable[[float], bytes]) -> bytes:
    """A policy that never closes the hand."""
    return policy_that_opens(0.08)


@pytest.fixture(scope="session")
def reaching_policy() -> Callable[[float], bytes]:
    """Makes an ONNX policy for Reach that moves the hand by this share of its way to the goal, or of 5 cm if less."""

    def make(gain: float) -> bytes:
        weights = np.zeros((9, 3), np.float32)
        for axis in range(3):
            weights[axis, axis], weights[6 + axis, axis] = -gain / 0.05, gain / 0.05
        nodes = [
            helper.make_node("Constant", [], ["weights"], value=numpy_helper.from_array(weights)),
            helper.make_node("MatMul", ["observation", "weights"], ["action"]),
        ]
        return _onnx(nodes, ("observation", ["N", 9]), ("action", ["N", 3]))

    return make


@pytest.fixture(scope="session")
def foreign_reach() -> str:
    """The package that registers the environments of `foreign_reach.py`, importable by its name."""
    sys.path.insert(0, str(Path(__file__).parent))
    return "foreign_reach"


@pytest.fixture(scope="session")
def networks(constant_detector: Callable[..., bytes], steering_policy: bytes) -> dict[str, bytes]:
    """A detector that sees one gear beside the tray, whatever there is, and a policy that never closes the hand."""
    beside = [54, 26, 62, 34, 0.9, 0]
    return {"detector.onnx": constant_detector([beside]), "policy.onnx": steering_policy}


def _onnx(nodes: list[onnx.NodeProto], given: tuple[str, list[Any]], made: tuple[str, list[Any]]) -> bytes:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
        [helper.make_tensor_value_info(made[0], TensorProto.FLOAT, made[1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
