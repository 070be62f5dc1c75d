"""What can be wrong with the detector of a tiny bundle, as nodes of its network."""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Fault = Literal["", "blind", "error", "nan", "slow", "stuck"]
_TRAP_WORK = 2400
_TRAP_TURNS = 6_000_000


def fault_nodes(fault: Fault) -> list[onnx.NodeProto]:
    """From `bright`, `trap` (1 or 0) and `trapped` to `score` and `class`."""
    if fault == "blind":
        sighted = helper.make_node("Sub", ["one", "trap"], ["sighted"])
        return [sighted, helper.make_node("Mul", ["bright", "sighted"], ["score"]), _no_class("sighted")]
    if fault == "error":
        wrong = helper.make_node("Mul", ["trap", "many"], ["class"])
        return [wrong, helper.make_node("Identity", ["bright"], ["score"])]
    if fault == "nan":
        return [
            helper.make_node("Sub", ["one", "trap"], ["sound"]),
            # 0 / 0 when the frame is a trap.
            helper.make_node("Div", ["sound", "sound"], ["one_or_nan"]),
            helper.make_node("Mul", ["bright", "one_or_nan"], ["score"]),
            _no_class("sound"),
        ]
    if fault == "slow":
        return [*_slow(), helper.make_node("Add", ["bright", "wasted"], ["score"]), _no_class("bright")]
    if fault == "stuck":
        return [*_stuck(), helper.make_node("Add", ["bright", "wasted"], ["score"]), _no_class("bright")]
    return [helper.make_node("Identity", ["bright"], ["score"]), _no_class("bright")]


def _no_class(like: str) -> onnx.NodeProto:
    return helper.make_node("Sub", [like, like], ["class"])


def _slow() -> list[onnx.NodeProto]:
    """`wasted`, a nothing that takes long to work out when the frame is a trap."""
    size = numpy_helper.from_array(np.array([_TRAP_WORK, _TRAP_WORK]), "size")
    return _when_trapped(
        [
            helper.make_node("Constant", [], ["size"], value=size),
            helper.make_node("Expand", ["bright", "size"], ["big"]),
            helper.make_node("MatMul", ["big", "big"], ["bigger"]),
            helper.make_node("ReduceMean", ["bigger"], ["mean"], keepdims=0),
            helper.make_node("Sub", ["mean", "mean"], ["nothing"]),
        ]
    )


def _stuck() -> list[onnx.NodeProto]:
    """`wasted`, a nothing that one core works at for seconds when the frame is a trap."""
    turn = helper.make_graph(
        [
            helper.make_node("Identity", ["goes_on"], ["goes_on_still"]),
            helper.make_node("Cos", ["before"], ["after"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("goes_on_still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, []),
        ],
    )
    turns = numpy_helper.from_array(np.array(_TRAP_TURNS), "turns")
    return _when_trapped(
        [
            helper.make_node("Constant", [], ["turns"], value=turns),
            helper.make_node("Squeeze", ["bright"], ["before_trap"]),
            helper.make_node("Loop", ["turns", "", "before_trap"], ["after_trap"], body=turn),
            helper.make_node("Sub", ["after_trap", "after_trap"], ["nothing"]),
        ]
    )


def _when_trapped(then_nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """`wasted`: the `nothing` that these make when the frame is a trap, and 0 otherwise."""
    zero = numpy_helper.from_array(np.zeros((), np.float32), "zero")
    branches = {
        "then_branch": (then_nodes, "nothing"),
        "else_branch": ([helper.make_node("Constant", [], ["zero"], value=zero)], "zero"),
    }
    graphs = {
        name: helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(made, TensorProto.FLOAT, [])])
        for name, (nodes, made) in branches.items()
    }
    flag = helper.make_node("Squeeze", ["trapped"], ["flag"])
    return [flag, helper.make_node("If", ["flag"], ["wasted"], **graphs)]
