"""Sensitivity: which blocks of a network lose most when their tensors are rounded."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import TensorsData

from trunnion_training.precision.anatomy import Anatomy
from trunnion_training.precision.calibration import Tensor

# A ratio of noise to signal is a mean over many values: a few images suffice.
IMAGES = 4

_INFINITE = 1e9
# A channel with less than this of the strongest one's energy says nothing.
_DEAD = 1e-12

Values = NDArray[np.float64]
Rounding = Callable[[str, Values], Values]


def rounding_to_fp16(name: str, values: Values) -> Values:
    """To half precision; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float64)


def rounding_to_int8(ranges: TensorsData, symmetric: bool) -> Rounding:
    """To 256 steps between the ends that calibration found, or to 255 around 0."""

    def rounded(name: str, values: Values) -> Values:
        if name not in ranges:
            return values
        low, high = (float(np.asarray(end).item()) for end in ranges[name].range_value)
        low, high = min(low, 0.0), max(high, 0.0)
        if symmetric:
            low, high = -max(-low, high), max(-low, high)
        step = (high - low) / 255 or 1.0
        return np.clip(np.round(values / step), round(low / step), round(high / step)) * step

    return rounded


def block_noise(
    network: onnx.ModelProto, images: list[Tensor], rounding: Rounding, kept: Collection[str]
) -> dict[str, float]:
    """The worst noise of a tensor that each block makes or reads with nodes that are not kept, the worst block first.

    A tensor is rounded for those who read it too, so that its maker alone left out would change nothing.
    """
    anatomy = Anatomy(network.graph)
    noise = tensor_noise(network, images[:IMAGES], rounding)
    worst: dict[str, float] = {}
    for block, nodes in anatomy.blocks().items():
        rounded = [name for node in nodes if node not in kept for name in anatomy.tensors[node]]
        if rounded:
            worst[block] = max(noise.get(name, 0.0) for name in rounded)
    return dict(sorted(worst.items(), key=lambda item: (-item[1], item[0])))


def tensor_noise(network: onnx.ModelProto, images: list[Tensor], rounding: Rounding) -> dict[str, float]:
    """How much of each float tensor inside the network rounding takes: 0 nothing, 1 everything.

    It is the energy of the noise over that of the values, for each channel by itself, and then the mean: a faint
    channel that is lost in the rounding of the others may be the one that tells two classes apart.
    """
    names = _float_tensors(network)
    session = _session(network, names)
    (given,) = session.get_inputs()
    energy: dict[str, Values] = {}
    lost: dict[str, Values] = {}
    for image in images:
        for name, found in zip(names, session.run(names, {given.name: image}), strict=True):
            values = found.astype(np.float64)
            energy[name] = energy.get(name, 0.0) + _by_channel(values)
            lost[name] = lost.get(name, 0.0) + _by_channel(rounding(name, values) - values)
    return {name: _mean_share(lost[name], energy[name]) for name in names}


def _by_channel(values: Values) -> Values:
    """Energy [channels] of a tensor [1, channels, ...]; of anything else, [1]."""
    is_map = values.ndim >= 3 and values.shape[0] == 1
    rows = values.reshape(values.shape[1] if is_map else 1, -1)
    return np.square(np.nan_to_num(rows, posinf=_INFINITE, neginf=-_INFINITE)).sum(axis=1)


def _mean_share(lost: Values, energy: Values) -> float:
    if not energy.any():
        return 0.0
    return float(np.minimum(lost / np.maximum(energy, _DEAD * energy.max()), 1.0).mean())


def _float_tensors(network: onnx.ModelProto) -> list[str]:
    inferred = onnx.shape_inference.infer_shapes(network)
    floats = {
        info.name
        for info in inferred.graph.value_info
        if info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    }
    return [name for node in network.graph.node for name in node.output if name in floats]


def _session(network: onnx.ModelProto, outputs: list[str]) -> ort.InferenceSession:
    seen = onnx.ModelProto()
    seen.CopyFrom(network)
    kinds = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs]
    seen.graph.output.extend(kinds)
    return ort.InferenceSession(seen.SerializeToString(), providers=["CPUExecutionProvider"])
