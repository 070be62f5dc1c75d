"""FP16 by casts in the graph: weights and activations are halved, inputs, outputs and what is kept stay float32.

The converter that comes with ONNX Runtime 1.31 rounds every tensor between two kept nodes to FP16 and back, and names
a cast twice where two kept nodes read one tensor, which no runtime loads; hence this one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_LARGEST = float(np.finfo(np.float16).max)
# Inputs that are float32 by definition, whatever the other inputs are.
_ALWAYS_FLOAT = {"Resize": (1, 2)}
# Say a type themselves, or make floats from nothing.
_NEVER_HALVED = ("Cast", "Constant", "ConstantOfShape", "RandomUniform", "RandomNormal", "Range")


def to_fp16(model: onnx.ModelProto, kept: Collection[str]) -> onnx.ModelProto:
    """A network that computes in FP16 but for the nodes named in `kept`; it takes and gives float32 as before."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    half = onnx.ModelProto()
    half.CopyFrom(model)
    del half.graph.node[:], half.graph.value_info[:]
    conversion = _Conversion(inferred.graph, kept)
    half.graph.node.extend(conversion.nodes())
    used = {name for node in half.graph.node for name in node.input}
    weights = [weight for weight in half.graph.initializer if weight.name in used]
    del half.graph.initializer[:]
    half.graph.initializer.extend([*weights, *conversion.halved])
    onnx.checker.check_model(half, full_check=True)
    return half


class _Conversion:
    """One walk over the nodes, in their order; a cast stands right before the first node that needs it."""

    def __init__(self, graph: onnx.GraphProto, kept: Collection[str]) -> None:
        self._graph, self._kept = graph, kept
        self._weights = {weight.name: weight for weight in graph.initializer}
        known = [*graph.value_info, *graph.input, *graph.output]
        self._floats = {info.name for info in known if info.type.tensor_type.elem_type == _FLOAT}
        self._floats |= {name for name, weight in self._weights.items() if weight.data_type == _FLOAT}
        self._is_half: set[str] = set()
        self._made: dict[str, str] = {}
        self.halved: list[TensorProto] = []

    def nodes(self) -> Iterator[onnx.NodeProto]:
        outputs = {info.name for info in self._graph.output}
        for original in self._graph.node:
            node = onnx.NodeProto()
            node.CopyFrom(original)
            is_half = node.name not in self._kept and node.op_type not in _NEVER_HALVED
            yield from self._cast_inputs(node, is_half)
            made = [name for name in node.output if is_half and name in self._floats]
            self._is_half |= set(made)
            leaving = [name for name in made if name in outputs]
            for name in leaving:
                self._rename(node, name)
            yield node
            yield from (_cast(f"{name}_fp16", name, _FLOAT) for name in leaving)

    def _cast_inputs(self, node: onnx.NodeProto, is_half: bool) -> Iterator[onnx.NodeProto]:
        for place, name in enumerate(node.input):
            wants_half = is_half and place not in _ALWAYS_FLOAT.get(node.op_type, ())
            if name not in self._floats or wants_half == (name in self._is_half):
                continue
            node.input[place] = f"{name}_{'fp16' if wants_half else 'fp32'}"
            if node.input[place] in self._made:
                continue
            self._made[node.input[place]] = name
            if name in self._weights:
                self.halved.append(_halved(self._weights[name], node.input[place]))
            else:
                yield _cast(name, node.input[place], _HALF if wants_half else _FLOAT)

    def _rename(self, node: onnx.NodeProto, output: str) -> None:
        """An output of the network keeps its name for the float32 that leaves it."""
        node.output[list(node.output).index(output)] = f"{output}_fp16"
        self._made[f"{output}_fp16"] = output
        self._is_half.discard(output)


def _cast(source: str, target: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"{target}_cast", to=kind)


def _halved(weight: TensorProto, name: str) -> TensorProto:
    values = numpy_helper.to_array(weight).clip(-_LARGEST, _LARGEST).astype(np.float16)
    return numpy_helper.from_array(values, name)
