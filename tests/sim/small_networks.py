"""Networks written by hand, so small that a proof of them is all simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def networks() -> dict[str, bytes]:
    """A detector that sees one gear beside the tray, whatever there is, and a policy that never closes the hand."""
    beside = [54, 26, 62, 34, 0.9, 0]
    return {"detector.onnx": constant_detector([beside]), "policy.onnx": policy_that_opens(0.08)}


def constant_detector(rows: list[list[float]]) -> bytes:
    """An ONNX detector for images of 64 pixels that finds the same boxes [n, 6] in everything."""
    output = numpy_helper.from_array(np.array([rows], np.float32).reshape(1, -1, 6))
    nodes = [helper.make_node("Constant", [], ["output0"], value=output)]
    return _onnx(nodes, ("images", [1, 3, 64, 64]), ("output0", list(output.dims)))


def policy_that_opens(opening_m: float) -> bytes:
    """An ONNX policy for the sorting cell that steers straight to the target with the hand this wide open."""
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


def reaching_policy(gain: float) -> bytes:
    """An ONNX policy for Reach that moves the hand by this share of its way to the goal, or of 5 cm if less."""
    weights = np.zeros((9, 3), np.float32)
    for axis in range(3):
        weights[axis, axis], weights[6 + axis, axis] = -gain / 0.05, gain / 0.05
    nodes = [
        helper.make_node("Constant", [], ["weights"], value=numpy_helper.from_array(weights)),
        helper.make_node("MatMul", ["observation", "weights"], ["action"]),
    ]
    return _onnx(nodes, ("observation", ["N", 9]), ("action", ["N", 3]))


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
