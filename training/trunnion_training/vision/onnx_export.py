"""From a trained detector to an ONNX graph that takes and gives what its spec says."""

from __future__ import annotations

import io
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from trunnion_contract.files import whole_file
from trunnion_contract.tensor import TensorSpec
from trunnion_training.vision.family import Trained

if TYPE_CHECKING:
    import onnx

# Traced with two images where their number is free: one would be taken for a number that never changes.
_TRACED_WITH = 2
# Newer forms of the file are unknown to the runtimes of the field.
_IR_VERSION_MAX = 10


def export_onnx(trained: Trained, target: Path, opset: int) -> None:
    """Write the graph of a detector, the same bytes for the same network."""
    import onnx
    import onnxslim

    with tempfile.TemporaryDirectory() as folder:
        traced = Path(folder) / "traced.onnx"
        # Warnings about tracing and shapes are the exporter's own business.
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            _trace(trained, traced, opset)
            network = onnxslim.slim(onnx.load(traced))
    for given, tensor in zip(network.graph.output, trained.spec.outputs, strict=True):
        _declare(given, tensor)
    # Time, paths and versions would make every export another file.
    del network.metadata_props[:]
    network.ir_version = min(network.ir_version, _IR_VERSION_MAX)
    onnx.checker.check_model(network)
    with whole_file(target) as temporary:
        onnx.save(network, temporary)


def _trace(trained: Trained, target: Path, opset: int) -> None:
    import torch

    spec = trained.spec
    tensors = (spec.input, *spec.outputs)
    free = {tensor.name: {0: tensor.shape[0]} for tensor in tensors if isinstance(tensor.shape[0], str)}
    size = spec.image_size_px
    example = torch.zeros(_TRACED_WITH if free else 1, 3, size, size)
    with torch.no_grad():
        # Networks keep what depends on the size alone, such as anchors, from one image to the next: so that these are
        # constants of the graph, the first image comes before it is traced.
        trained.network(example)
        torch.onnx.export(
            trained.network,
            (example,),
            target,
            opset_version=opset,
            input_names=[spec.input.name],
            output_names=[tensor.name for tensor in spec.outputs],
            dynamic_axes=free or None,
            dynamo=False,
        )


def _declare(given: onnx.ValueInfoProto, tensor: TensorSpec) -> None:
    """Say the shape of an output, of which tracing with a free dimension knows little."""
    shape = given.type.tensor_type.shape
    del shape.dim[:]
    for size in tensor.shape:
        dimension = shape.dim.add()
        if isinstance(size, str):
            dimension.dim_param = size
        else:
            dimension.dim_value = size
