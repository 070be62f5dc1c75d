"""INT8 by Q/DQ: weights by channel, activations by tensor, sensitive blocks left in fp32.

For CPUs, activations are uint8 with a zero point. ONNX Runtime's kernels for x86 want that: with int8 and none it
leaves most convolutions in fp32 between Q and DQ, and the demo's detector takes twice as long as without any. TensorRT
takes int8 without a zero point alone, and biases that are not quantised.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import onnx
from onnxruntime.quantization import QDQQuantizer, QuantType, TensorsData, quant_pre_process

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import Int8For
from trunnion_training.precision.anatomy import Anatomy, name_nodes
from trunnion_training.precision.calibration import CALIBRATORS, OPERATORS, Tensor, calibrate
from trunnion_training.precision.search import Bounds, Names, tried, without_sensitive_blocks
from trunnion_training.precision.sensitivity import rounding_to_int8


class Scheme(NamedTuple):
    """What is quantised, and how.

    Attributes:
        operators: whose inputs and outputs are.
        activations: their type; weights are always int8 without a zero point.
        symmetric: whether activations have no zero point either.
        biases: whether the biases of convolutions are, to int32.
    """

    operators: tuple[str, ...]
    activations: QuantType
    symmetric: bool
    biases: bool


# Between convolutions TensorRT fuses by itself; SiLU in symmetric int8 costs the demo's detector a point of mAP50-95.
SCHEMES: Mapping[Int8For, Scheme] = {
    "cpu": Scheme(OPERATORS, QuantType.QUInt8, symmetric=False, biases=True),
    "tensorrt": Scheme(("Conv", "MatMul"), QuantType.QInt8, symmetric=True, biases=False),
}


def to_int8(
    source: Path,
    spec: DetectorSpec,
    images: list[Tensor],
    bounds: Bounds,
    folder: Path,
    progress: Progress,
    runs_on: Int8For = "cpu",
) -> onnx.ModelProto:
    """The INT8 network that loses least, of those that were tried until one lost no more than it may.

    Args:
        source: the fp32 network.
        images: float32 [1, 3, S, S] each, to calibrate on.
        folder: for what is only needed on the way.
        runs_on: a key of `SCHEMES`.

    Raises:
        BadInput: there is nothing in the network that could be quantised.
    """
    network, prepared = _prepared(source, folder)
    kept = kept_in_fp32(Anatomy(network.graph))
    _check_something_is_left(network, kept, source)
    scheme, candidates = SCHEMES[runs_on], []
    for calibrator in CALIBRATORS:
        ranges = calibrate(prepared, calibrator, spec.input.name, images, progress)
        candidates.append((tried(partial(quantise, network, ranges, scheme), kept, bounds), ranges))
    best, ranges = min(candidates, key=lambda pair: pair[0].drop_points)
    make = partial(quantise, network, ranges, scheme)
    rounding = rounding_to_int8(ranges, scheme.symmetric)
    return without_sensitive_blocks(best, make, network, rounding, kept, images, bounds).network


def _prepared(source: Path, folder: Path) -> tuple[onnx.ModelProto, Path]:
    """The network with constants folded and every shape known, and its file."""
    prepared = folder / "prepared.onnx"
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    network = onnx.load(prepared)
    name_nodes(network.graph)
    # ONNX Runtime names every domain that it knows; other runtimes may not know them.
    used = {node.domain for node in network.graph.node} | {""}
    opsets = [opset for opset in network.opset_import if opset.domain in used]
    del network.opset_import[:]
    network.opset_import.extend(opsets)
    onnx.save(network, prepared)
    return network, prepared


def kept_in_fp32(anatomy: Anatomy) -> Names:
    """Nodes that are never quantised.

    The stem convolves three channels, for which the INT8 kernel takes twice as long as fp32. The head, that is the
    block of the last convolutions, costs the demo's detector up to 1.7 points of mAP50-95 and gains it no time; what
    comes after counts pixels, for which 256 steps are too few.
    """
    head = anatomy.head if anatomy.head < set(anatomy.nodes) - anatomy.stem else anatomy.last
    return anatomy.stem | head | anatomy.tail


def quantise(network: onnx.ModelProto, ranges: TensorsData, scheme: Scheme, kept: Names) -> onnx.ModelProto:
    """Q/DQ around everything that 8 bits suffice for, but for the nodes named in `kept`."""
    copy = onnx.ModelProto()
    copy.CopyFrom(network)
    quantizer = QDQQuantizer(
        copy,
        per_channel=True,
        reduce_range=False,  # Only CPUs before VNNI saturate when they add two products.
        weight_qType=QuantType.QInt8,
        activation_qType=scheme.activations,
        tensors_range=ranges,
        nodes_to_quantize=[],
        nodes_to_exclude=sorted(kept),
        op_types_to_quantize=list(scheme.operators),
        extra_options={
            "ActivationSymmetric": scheme.symmetric,
            "WeightSymmetric": True,
            "QuantizeBias": scheme.biases,
        },
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    quantised: onnx.ModelProto = quantizer.model.model
    onnx.checker.check_model(quantised)
    return quantised


def _check_something_is_left(network: onnx.ModelProto, kept: Names, source: Path) -> None:
    if not any(node.op_type in ("Conv", "MatMul") and node.name not in kept for node in network.graph.node):
        raise BadInput(
            where=str(source),
            got="no convolution between the first and the last ones",
            wanted="something that INT8 makes smaller and faster",
            next_step="take int8 out of export.precisions",
        )
