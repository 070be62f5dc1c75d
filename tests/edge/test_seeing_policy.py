"""A policy that sees: its image goes in beside its entries, and no other image does."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends import open_engine
from trunnion_edge.policy import Policy

HEIGHT_PX, WIDTH_PX = 4, 6
IMAGE = TensorSpec(name="image", dtype="uint8", shape=("N", HEIGHT_PX, WIDTH_PX, 3))
OBSERVATION = {"place": [0.1, 0.2, 0.3], "opening_m": [0.04]}


@pytest.fixture
def seeing(policy_spec: PolicySpec) -> PolicySpec:
    return PolicySpec(**{**dict(policy_spec), "image": IMAGE})


@pytest.fixture
def network() -> bytes:
    """An action [place x + mean of red, opening]: the columns 0 and 3 of the observation."""
    columns = np.array([[1, 0], [0, 0], [0, 0], [0, 1]], np.float32)
    red = np.array([[1, 0], [0, 0], [0, 0]], np.float32)
    nodes = [
        helper.make_node("Constant", [], ["columns"], value=numpy_helper.from_array(columns)),
        helper.make_node("Constant", [], ["red"], value=numpy_helper.from_array(red)),
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["colour"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["colour", "red"], ["seen"]),
        helper.make_node("MatMul", ["observation", "columns"], ["felt"]),
        helper.make_node("Add", ["seen", "felt"], ["action"]),
    ]
    inputs = [
        helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["N", 4]),
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", HEIGHT_PX, WIDTH_PX, 3]),
    ]
    output = helper.make_tensor_value_info("action", TensorProto.FLOAT, ["N", 2])
    graph = helper.make_graph(nodes, "seeing", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return bytes(onnx.ModelProto.SerializeToString(model))


def image(red: int) -> NDArray[np.uint8]:
    pixels = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    pixels[..., 0] = red
    return pixels


def test_what_is_seen_reaches_the_network_as_it_is(network: bytes, seeing: PolicySpec) -> None:
    with Policy(open_engine(network), seeing) as policy:
        policy.warm_up()
        for red in (0, 255):
            action = policy.act({**OBSERVATION, "image": image(red)})
            assert action["speed"][0] == pytest.approx(0.1 + red)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "got place, opening_m, wanted place, opening_m, image"),
        ({"image": np.zeros((6, 4, 3), np.uint8)}, r"got uint8 \[6, 4, 3\], wanted uint8 \[4, 6, 3\]"),
        ({"image": np.zeros((4, 6, 3), np.float32)}, r"got float32 \[4, 6, 3\], wanted uint8"),
        ({"image": np.zeros((4, 6), np.uint8)}, r"got uint8 \[4, 6\]"),
        ({"image": image(0), "depth": [1]}, "got place, opening_m, image, depth"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(
    network: bytes, seeing: PolicySpec, given: dict[str, Any], message: str
) -> None:
    with Policy(open_engine(network), seeing) as policy, pytest.raises(BadInput, match=message):
        policy.act({**OBSERVATION, **given})


def test_a_network_that_sees_is_refused_where_the_manifest_says_nothing_of_an_image(
    network: bytes, policy_spec: PolicySpec
) -> None:
    with open_engine(network) as engine, pytest.raises(BadInput, match="image uint8"):
        Policy(engine, policy_spec)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dtype": "float32"}, r"uint8 \[N, h, w, 3\]"),
        ({"shape": ("N", 4, 6, 4)}, r"uint8 \[N, h, w, 3\]"),
        ({"shape": ("N", "h", 6, 3)}, "height and width are given"),
        ({"name": "place"}, "a name of its own"),
    ],
)
def test_an_image_that_no_camera_gives_is_refused(
    policy_spec: PolicySpec, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PolicySpec(**{**dict(policy_spec), "image": IMAGE.model_copy(update=change)})
