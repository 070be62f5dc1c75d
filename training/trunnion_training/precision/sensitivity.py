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

# A ratio of noise to signal is a mean over millions of values: a few images suffice.
IMAGES = 4

Values = NDArray[np.float64]
Rounding = Callable[[str, Values], Values]


def rounding_to_fp16(name: str, values: Values) -> Values:
    """To half precision; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float64)


def rounding_to_int8(ranges: TensorsData) -> Rounding:
    """To 256 steps between the ends that calibration found."""

    def rounded(name: str, values: Values) -> Values:
        if name not in ranges:
            return values
        low, high = (float(np.asarray(end).item()) for end in ranges[name].range_value)
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / 255 or 1.0
        return np.clip(np.round(values / step), round(low / step), round(high / step)) * step

    return rounded


def block_noise(
    network: onnx.ModelProto, images: list[Tensor], rounding: Rounding, kept: Collection[str]
) -> dict[str, float]:
    """The worst noise of a tensor that each block makes or reads, of blocks with something in them that is not kept.

    The worst block comes first. A tensor is rounded for those who read it too, so that its maker alone left out would
    change nothing.
    """
    anatomy = Anatomy(network.graph)
    noise = tensor_noise(network, images[:IMAGES], rounding)
    worst = {
        block: max((noise.get(name, 0.0) for node in nodes for name in anatomy.tensors[node]), default=0.0)
        for block, nodes in anatomy.blocks().items()
        if not set(nodes) <= set(kept)
    }
    return dict(sorted(worst.items(), key=lambda item: (-item[1], item[0])))


def tensor_noise(network: onnx.ModelProto, images: list[Tensor], rounding: Rounding) -> dict[str, float]:
    """Energy of the rounding over energy of the values, for each float tensor inside the network."""
    names = _float_tensors(network)
    session = _session(network, names)
    (given,) = session.get_inputs()
    energy, lost = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for image in images:
        for name, found in zip(names, session.run(names, {given.name: image}), strict=True):
            values = found.astype(np.float64)
            energy[name] += float(np.square(values).sum())
            lost[name] += float(np.square(np.nan_to_num(rounding(name, values) - values, posinf=1e9)).sum())
    return {name: lost[name] / energy[name] if energy[name] else 0.0 for name in names}


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
