"""An engine on a GPU: its buffers, the copies to and fro, and the CUDA graph. Knows CUDA, but not TensorRT."""

from __future__ import annotations

import ctypes
import logging
import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.engine_key import Shape, Shapes
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends.cuda import Cuda, Handle
from trunnion_edge.backends.engine import Array, EngineSpecs, check_inputs
from trunnion_edge.backends.shapes import check_range, is_free

_log = logging.getLogger(__name__)


class Dimensions(Protocol):
    """A shape as a runtime gives it."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> int: ...


class Context(Protocol):
    """What is used of TensorRT's execution context. The calls that answer with a bool answer False on failure."""

    def set_input_shape(self, name: str, shape: tuple[int, ...], /) -> bool: ...
    def get_tensor_shape(self, name: str, /) -> Dimensions: ...
    def set_tensor_address(self, name: str, memory: int, /) -> bool: ...
    def execute_async_v3(self, stream_handle: int, /) -> bool: ...


@dataclass(frozen=True)
class GpuNetwork:
    """A network that the runtime has loaded.

    Attributes:
        shapes: of the inputs: least, usual, greatest.
        runtime: name and version, and the GPU.
        owner: what must live as long as `context` does.
    """

    context: Context
    specs: EngineSpecs
    shapes: Shapes
    runtime: str
    owner: object = None


@dataclass(frozen=True)
class Buffer:
    """Room for the greatest value of one tensor, uint8 [bytes] on the host, and as much at `device` on the GPU."""

    spec: TensorSpec
    host: NDArray[np.uint8]
    device: int

    def array(self, shape: Shape) -> Array:
        """The host's memory as a tensor of `shape`."""
        return self.host[: self.size(shape)].view(self.spec.dtype).reshape(shape)

    def size(self, shape: Shape) -> int:
        """Bytes of a tensor of `shape`."""
        return math.prod(shape) * np.dtype(self.spec.dtype).itemsize

    @property
    def address(self) -> int:
        """Where the host's memory begins."""
        return int(self.host.ctypes.data)


class GpuEngine:
    """A network with its memory, allocated once; use `open`."""

    def __init__(self, network: GpuNetwork, cuda: Cuda, stream: Handle, resources: ExitStack) -> None:
        self._network: GpuNetwork | None = network
        self._specs, self._runtime = network.specs, network.runtime
        self._cuda, self._stream, self._resources = cuda, stream, resources
        self._buffers: dict[str, Buffer] = {}
        self._graph: Handle = None

    @classmethod
    def open(cls, network: GpuNetwork, cuda: Cuda) -> GpuEngine:
        """Allocate all memory, run the network once, and make a CUDA graph of it where its shapes are fixed.

        Raises:
            BadInput: the size of an output depends on the data.
            Broken: CUDA or the runtime reports an error; nothing stays allocated.
        """
        with ExitStack() as resources:
            stream = cuda.create_stream()
            resources.callback(cuda.destroy_stream, stream)
            engine = cls(network, cuda, stream, resources)
            engine._allocate(network)
            engine._warm_up(network)
            engine._resources = resources.pop_all()
        return engine

    @property
    def specs(self) -> EngineSpecs:
        """Inputs and outputs, as the engine says."""
        return self._specs

    @property
    def runtime(self) -> str:
        """For example `tensorrt 10.3.0 on gpu (Orin)`."""
        return self._runtime

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the network on inputs of its own names, dtypes and shapes; the outputs are the caller's to keep."""
        if self._network is None:
            raise Broken(
                where="the engine",
                got="a call after close",
                wanted="an open engine",
                next_step="open the model again",
            )
        check_inputs(self._specs, inputs)
        check_range(self._network.shapes, inputs)
        shapes = {name: array.shape for name, array in inputs.items()}
        if self._graph is None:
            shapes |= _set_shapes(self._network, shapes)
        else:
            shapes |= {spec.name: _fixed(spec) for spec in self._specs.outputs}
        for name, array in inputs.items():
            np.copyto(self._buffers[name].array(array.shape), array)
        self._run(self._network, shapes)
        return {
            spec.name: self._buffers[spec.name].array(shapes[spec.name]).copy()
            for spec in self._specs.outputs
        }

    def close(self) -> None:
        """Free the GPU's and the host's memory; all of it, also where CUDA reports an error for a part."""
        self._network, self._graph = None, None
        self._buffers.clear()
        self._resources.close()

    def __enter__(self) -> GpuEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _allocate(self, network: GpuNetwork) -> None:
        shapes = {name: greatest for name, (_, _, greatest) in network.shapes.items()}
        shapes |= _set_shapes(network, shapes)
        for spec in (*self._specs.inputs, *self._specs.outputs):
            buffer = self._buffers[spec.name] = self._buffer(spec, shapes[spec.name])
            if not network.context.set_tensor_address(spec.name, buffer.device):
                raise _failed(network, f"setting the address of '{spec.name}'")

    def _buffer(self, spec: TensorSpec, shape: Shape) -> Buffer:
        size = max(math.prod(shape) * np.dtype(spec.dtype).itemsize, 1)
        device = self._cuda.allocate(size)
        self._resources.callback(self._cuda.free, device)
        address = self._cuda.allocate_pinned(size)
        self._resources.callback(self._cuda.free_pinned, address)
        host = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))
        host[:] = 0
        return Buffer(spec, host, device)

    def _warm_up(self, network: GpuNetwork) -> None:
        shapes = {name: usual for name, (_, usual, _) in network.shapes.items()}
        shapes |= _set_shapes(network, shapes)
        # What the runtime puts off until its first run cannot be part of a graph.
        self._run(network, shapes)
        if any(least != greatest for least, _, greatest in network.shapes.values()):
            return
        self._graph = self._captured(network, shapes)
        if self._graph is not None:
            self._resources.callback(self._cuda.destroy_graph, self._graph)

    def _captured(self, network: GpuNetwork, shapes: Mapping[str, Shape]) -> Handle:
        """The run as a CUDA graph; None for a network that cannot be one."""
        try:
            self._cuda.begin_capture(self._stream)
            self._queue(network, shapes)
            return self._cuda.end_capture(self._stream)
        except Broken as error:
            self._cuda.abandon_capture(self._stream)
            _log.info("no CUDA graph of this network, which costs some launch time: %s", error)
            return None

    def _run(self, network: GpuNetwork, shapes: Mapping[str, Shape]) -> None:
        if self._graph is None:
            self._queue(network, shapes)
        else:
            self._cuda.launch(self._graph, self._stream)
        self._cuda.wait(self._stream)

    def _queue(self, network: GpuNetwork, shapes: Mapping[str, Shape]) -> None:
        for spec in self._specs.inputs:
            buffer = self._buffers[spec.name]
            size = buffer.size(shapes[spec.name])
            self._cuda.to_device(buffer.device, buffer.address, size, self._stream)
        if not network.context.execute_async_v3(int(self._stream)):
            raise _failed(network, "running the network")
        for spec in self._specs.outputs:
            buffer = self._buffers[spec.name]
            self._cuda.to_host(buffer.address, buffer.device, buffer.size(shapes[spec.name]), self._stream)


def _set_shapes(network: GpuNetwork, inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """Tell the runtime the shapes of the inputs; those of the outputs."""
    for name, shape in inputs.items():
        if not network.context.set_input_shape(name, shape):
            raise _failed(network, f"setting the shape of '{name}' to {list(shape)}")
    outputs = {
        spec.name: plain(network.context.get_tensor_shape(spec.name)) for spec in network.specs.outputs
    }
    for name, shape in outputs.items():
        if is_free(shape):
            raise BadInput(
                where=f"output '{name}' of the network",
                got=f"shape {list(shape)}, whose size depends on the data",
                wanted="a size that follows from the inputs",
                next_step="export with a fixed number of outputs, or choose backend onnxruntime",
            )
    return outputs


def plain(shape: Dimensions) -> Shape:
    """A runtime's shape as a tuple."""
    return tuple(int(shape[index]) for index in range(len(shape)))


def _fixed(spec: TensorSpec) -> Shape:
    return tuple(int(dimension) for dimension in spec.shape)


def _failed(network: GpuNetwork, doing: str) -> Broken:
    return Broken(
        where=f"{network.runtime}, {doing}",
        got="a failure, which the runtime has written to the log",
        wanted="success",
        next_step="look at the lines above; `backend onnxruntime` runs the same network",
    )
