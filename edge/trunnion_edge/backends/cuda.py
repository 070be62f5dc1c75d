# ruff: noqa: N802 - CUDA's own names
"""CUDA's runtime through `cuda-bindings`, with its error codes as errors. Nothing here needs a GPU to be imported."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from cuda.bindings import runtime

from trunnion_contract.errors import Broken
from trunnion_edge.backends.engine import CannotRunHere

Handle = Any
Code = Any


class CudaApi(Protocol):
    """What is used of `cuda.bindings.runtime`, which carries no types. Sizes are in bytes, addresses plain numbers."""

    def cudaGetDeviceCount(self) -> tuple[Code, int]: ...
    def cudaGetDeviceProperties(self, device: int, /) -> tuple[Code, Any]: ...
    def cudaRuntimeGetVersion(self) -> tuple[Code, int]: ...
    def cudaMalloc(self, size: int, /) -> tuple[Code, int]: ...
    def cudaFree(self, address: int, /) -> tuple[Code]: ...
    def cudaMallocHost(self, size: int, /) -> tuple[Code, int]: ...
    def cudaFreeHost(self, address: int, /) -> tuple[Code]: ...
    def cudaMemcpyAsync(
        self, dst: int, src: int, count: int, kind: Any, stream: Handle, /
    ) -> tuple[Code]: ...
    def cudaStreamCreateWithFlags(self, flags: int, /) -> tuple[Code, Handle]: ...
    def cudaStreamSynchronize(self, stream: Handle, /) -> tuple[Code]: ...
    def cudaStreamDestroy(self, stream: Handle, /) -> tuple[Code]: ...
    def cudaStreamBeginCapture(self, stream: Handle, mode: Any, /) -> tuple[Code]: ...
    def cudaStreamEndCapture(self, stream: Handle, /) -> tuple[Code, Handle]: ...
    def cudaGraphInstantiate(self, graph: Handle, flags: int, /) -> tuple[Code, Handle]: ...
    def cudaGraphLaunch(self, graph: Handle, stream: Handle, /) -> tuple[Code]: ...
    def cudaGraphDestroy(self, graph: Handle, /) -> tuple[Code]: ...
    def cudaGraphExecDestroy(self, graph: Handle, /) -> tuple[Code]: ...
    def cudaGetLastError(self) -> tuple[Code]: ...


class DeviceProperties(NamedTuple):
    """A GPU, as CUDA names it; `compute_capability` as `8.7`."""

    name: str
    compute_capability: str


class Cuda:
    """The calls that an engine makes, each of which raises Broken where CUDA reports an error."""

    def __init__(self, api: CudaApi = runtime) -> None:
        self._api = api

    def device_count(self) -> int:
        """How many GPUs CUDA can use."""
        return int(_value(self._api.cudaGetDeviceCount(), "counting GPUs"))

    def properties(self) -> DeviceProperties:
        """The GPU that CUDA uses first; `CUDA_VISIBLE_DEVICES` chooses among several."""
        found = _value(self._api.cudaGetDeviceProperties(0), "reading the GPU's properties")
        return DeviceProperties(
            found.name.decode(errors="replace").rstrip("\0"), f"{found.major}.{found.minor}"
        )

    def version(self) -> str:
        """Version of CUDA's runtime, as `12.6`."""
        number = int(_value(self._api.cudaRuntimeGetVersion(), "reading CUDA's version"))
        return f"{number // 1000}.{number % 1000 // 10}"

    def allocate(self, size: int) -> int:
        """Memory of the GPU; its address."""
        return int(_value(self._api.cudaMalloc(size), f"allocating {size} bytes on the GPU"))

    def free(self, address: int) -> None:
        """Give memory of the GPU back."""
        _check(self._api.cudaFree(address), "freeing memory of the GPU")

    def allocate_pinned(self, size: int) -> int:
        """Memory of the host that the GPU reads and writes by itself; its address."""
        return int(_value(self._api.cudaMallocHost(size), f"pinning {size} bytes of the host"))

    def free_pinned(self, address: int) -> None:
        """Give pinned memory back."""
        _check(self._api.cudaFreeHost(address), "freeing pinned memory")

    def to_device(self, device: int, host: int, size: int, stream: Handle) -> None:
        """Begin to copy `size` bytes to the GPU."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        _check(self._api.cudaMemcpyAsync(device, host, size, kind, stream), "copying to the GPU")

    def to_host(self, host: int, device: int, size: int, stream: Handle) -> None:
        """Begin to copy `size` bytes from the GPU."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        _check(self._api.cudaMemcpyAsync(host, device, size, kind, stream), "copying from the GPU")

    def create_stream(self) -> Handle:
        """A queue of work that waits for no other queue."""
        flags = int(runtime.cudaStreamNonBlocking)
        return _value(self._api.cudaStreamCreateWithFlags(flags), "making a stream")

    def wait(self, stream: Handle) -> None:
        """Until all work in `stream` is done; an error of that work comes out here."""
        _check(self._api.cudaStreamSynchronize(stream), "running the network")

    def destroy_stream(self, stream: Handle) -> None:
        """Give a stream back."""
        _check(self._api.cudaStreamDestroy(stream), "destroying a stream")

    def begin_capture(self, stream: Handle) -> None:
        """Write down what this thread queues in `stream` from now on, instead of doing it."""
        mode = runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        _check(self._api.cudaStreamBeginCapture(stream, mode), "beginning a CUDA graph")

    def end_capture(self, stream: Handle) -> Handle:
        """What was written down, ready to be launched as one piece of work."""
        graph = _value(self._api.cudaStreamEndCapture(stream), "ending a CUDA graph")
        try:
            return _value(self._api.cudaGraphInstantiate(graph, 0), "making a CUDA graph ready")
        finally:
            _check(self._api.cudaGraphDestroy(graph), "destroying a CUDA graph")

    def abandon_capture(self, stream: Handle) -> None:
        """Leave a capture that failed, whatever state it is in, and forget its error."""
        _, graph = self._api.cudaStreamEndCapture(stream)
        if graph is not None and int(graph):
            self._api.cudaGraphDestroy(graph)
        self._api.cudaGetLastError()

    def launch(self, graph: Handle, stream: Handle) -> None:
        """Queue a graph."""
        _check(self._api.cudaGraphLaunch(graph, stream), "launching a CUDA graph")

    def destroy_graph(self, graph: Handle) -> None:
        """Give a graph back."""
        _check(self._api.cudaGraphExecDestroy(graph), "destroying a CUDA graph")


def check_gpu(cuda: Cuda) -> None:
    """Refuse a machine whose GPU CUDA cannot use.

    Raises:
        CannotRunHere: says what CUDA says.
    """
    try:
        count = cuda.device_count()
    except Broken as error:
        reason = error.got
    else:
        reason = "" if count else "no GPU"
    if reason:
        raise CannotRunHere(
            where="the GPU",
            got=f"a CUDA that reports {reason}",
            wanted="a GPU that CUDA can use",
            next_step="install NVIDIA's driver of this CUDA or a newer one, or the cuda-bindings of the driver's CUDA "
            "(on JetPack 6: pip install 'cuda-bindings==12.*'), or choose backend onnxruntime",
        )


def _value(answer: tuple[Code, Any], doing: str) -> Any:
    _check(answer[:1], doing)
    return answer[1]


def _check(answer: tuple[Code], doing: str) -> None:
    code = answer[0]
    if code == runtime.cudaError_t.cudaSuccess:
        return
    text = runtime.cudaGetErrorString(code)[1].decode(errors="replace")
    raise Broken(
        where=f"CUDA, {doing}",
        got=f"{code.name} ({text})",
        wanted="no error",
        next_step="see with nvidia-smi (tegrastats on a Jetson) that the GPU is well and has memory to spare",
    )
