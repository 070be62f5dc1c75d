"""An engine on a GPU whose CUDA is played by this process's own memory: copies, addresses, graphs, frees are real."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from cuda.bindings import runtime

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends.cuda import Cuda
from trunnion_edge.backends.engine import EngineSpecs
from trunnion_edge.backends.gpu_engine import GpuEngine, GpuNetwork
from trunnion_edge.backends.shapes import shape_range, tensor_spec

OK = runtime.cudaError_t.cudaSuccess
OUT_OF_MEMORY = runtime.cudaError_t.cudaErrorMemoryAllocation
WEIGHTS = np.array([[1, 0], [0, 2], [3, 0]], np.float32)
Work = Callable[[], None]


class HostCuda:
    """CUDA's functions on the host's memory. Work is queued, and done only when somebody waits for it."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.calls: list[str] = []
        self.held: dict[int, Any] = {}
        self.queue: list[Work] = []
        self.captured: list[Work] | None = None
        self.graphs: dict[int, list[Work]] = {}
        self._fails_at = fails_at

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self, f"do_{name}")

        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append(name)
            if self._fails_at is not None and len(self.calls) > self._fails_at and self._may_fail(name):
                self._fails_at = None
                return (OUT_OF_MEMORY, None)
            answer = function(*arguments)
            return answer if isinstance(answer, tuple) else (OK, answer)

        return call

    @staticmethod
    def _may_fail(name: str) -> bool:
        return not name.startswith(
            ("cudaFree", "cudaStreamDestroy", "cudaGraphExecDestroy", "cudaGraphDestroy")
        )

    def put(self, work: Work) -> None:
        (self.queue if self.captured is None else self.captured).append(work)

    def hold(self, thing: Any, address: int | None = None) -> int:
        address = id(thing) if address is None else address
        self.held[address] = thing
        return address

    def do_cudaMalloc(self, size: int) -> int:  # noqa: N802
        memory = (ctypes.c_uint8 * size)(*([0xAA] * size))
        return self.hold(memory, ctypes.addressof(memory))

    do_cudaMallocHost = do_cudaMalloc  # noqa: N815

    def do_cudaFree(self, address: int) -> None:  # noqa: N802
        del self.held[address]

    do_cudaFreeHost = do_cudaFree  # noqa: N815
    do_cudaStreamDestroy = do_cudaFree  # noqa: N815
    do_cudaGraphDestroy = do_cudaFree  # noqa: N815
    do_cudaGraphExecDestroy = do_cudaFree  # noqa: N815

    def do_cudaStreamCreateWithFlags(self, flags: int) -> int:  # noqa: N802
        return self.hold(object())

    def do_cudaMemcpyAsync(self, to: int, of: int, size: int, kind: Any, stream: int) -> None:  # noqa: N802
        self.put(lambda: ctypes.memmove(to, of, size) and None)

    def do_cudaStreamSynchronize(self, stream: int) -> None:  # noqa: N802
        while self.queue:
            self.queue.pop(0)()

    def do_cudaStreamBeginCapture(self, stream: int, mode: Any) -> None:  # noqa: N802
        self.captured = []

    def do_cudaStreamEndCapture(self, stream: int) -> Any:  # noqa: N802
        captured, self.captured = self.captured, None
        return self.hold(captured)

    def do_cudaGraphInstantiate(self, graph: int, flags: int) -> int:  # noqa: N802
        ready = list(self.held[graph])
        return self.hold(ready)

    def do_cudaGraphLaunch(self, graph: int, stream: int) -> None:  # noqa: N802
        self.queue.extend(self.held[graph])

    def do_cudaGetLastError(self) -> tuple[Any]:  # noqa: N802
        return (OK,)


@dataclass
class LinearContext:
    """A context that multiplies: `action = observation @ weights`, read and written where it was told to."""

    cuda: HostCuda
    shape: tuple[int, ...]
    refuses: set[str] = field(default_factory=set)
    address: dict[str, int] = field(default_factory=dict)
    output_rows: int | None = None
    runs: int = 0

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shape = shape
        return "shape" not in self.refuses

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        rows = self.shape[0] if self.output_rows is None else self.output_rows
        return (rows, WEIGHTS.shape[1])

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self.address[name] = memory
        return "address" not in self.refuses

    def execute_async_v3(self, stream_handle: int) -> bool:
        if "capture" in self.refuses and self.cuda.captured is not None:
            return False
        shape = self.shape
        self.cuda.put(lambda: self._multiply(shape))
        return "run" not in self.refuses

    def _multiply(self, shape: tuple[int, ...]) -> None:
        self.runs += 1
        observation = self._array("observation", shape)
        self._array("action", (shape[0], WEIGHTS.shape[1]))[:] = observation @ WEIGHTS

    def _array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        memory = (ctypes.c_float * math.prod(shape)).from_address(self.address[name])
        return np.ctypeslib.as_array(memory).reshape(shape)


def network(cuda: HostCuda, rows: int = -1, **more: Any) -> GpuNetwork:
    """A policy with a free batch, or with a fixed one."""
    context = LinearContext(cuda, (rows, 3), **more)
    specs = EngineSpecs(
        (tensor_spec("observation", "float32", (rows, 3)),), (tensor_spec("action", "float32", (rows, 2)),)
    )
    return GpuNetwork(context, specs, {"observation": shape_range((rows, 3))}, "linear 1.0 on gpu (host)")


def opened(cuda: HostCuda, made: GpuNetwork) -> GpuEngine:
    return GpuEngine.open(made, Cuda(cuda))


def observations(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, 3), np.float32)


@pytest.mark.parametrize("rows", [-1, 1, 4])
def test_what_goes_in_is_what_the_network_sees_and_what_it_gives_comes_out(rows: int) -> None:
    cuda = HostCuda()
    with opened(cuda, network(cuda, rows)) as engine:
        for seed, batch in enumerate([1, 8, 3, 1] if rows == -1 else [rows] * 3):
            observation = observations(batch, seed)
            np.testing.assert_array_equal(
                engine.infer({"observation": observation})["action"], observation @ WEIGHTS
            )


def test_a_view_that_is_not_contiguous_goes_in_as_it_reads() -> None:
    cuda = HostCuda()
    observation = np.asfortranarray(observations(4))[::-1]
    with opened(cuda, network(cuda, 4)) as engine:
        # Products of the same numbers in another layout may differ in the last bit.
        as_it_reads = np.ascontiguousarray(observation)
        np.testing.assert_array_equal(
            engine.infer({"observation": observation})["action"], as_it_reads @ WEIGHTS
        )


def test_outputs_are_the_callers_to_keep() -> None:
    cuda = HostCuda()
    with opened(cuda, network(cuda, 1)) as engine:
        first = engine.infer({"observation": observations(1, 1)})["action"]
        kept = first.copy()
        engine.infer({"observation": observations(1, 2)})
    np.testing.assert_array_equal(first, kept)
    first += 1


def test_fixed_shapes_run_as_one_graph_and_free_ones_do_not() -> None:
    for rows, wanted in ((1, "cudaGraphLaunch"), (-1, "cudaMemcpyAsync")):
        cuda = HostCuda()
        with opened(cuda, network(cuda, rows)) as engine:
            cuda.calls.clear()
            engine.infer({"observation": observations(1)})
        assert cuda.calls[0] == wanted
        assert ("cudaGraphLaunch" in cuda.calls) == (rows == 1)


def test_a_network_that_cannot_be_a_graph_runs_without_one() -> None:
    cuda = HostCuda()
    with opened(cuda, network(cuda, 2, refuses={"capture"})) as engine:
        observation = observations(2)
        np.testing.assert_array_equal(
            engine.infer({"observation": observation})["action"], observation @ WEIGHTS
        )
    assert "cudaGraphLaunch" not in cuda.calls
    assert cuda.held == {}


def test_memory_is_allocated_once() -> None:
    cuda = HostCuda()
    with opened(cuda, network(cuda)) as engine:
        cuda.calls.clear()
        for rows in range(1, 9):
            engine.infer({"observation": observations(rows)})
        assert not [name for name in cuda.calls if "Malloc" in name]


def test_close_frees_everything_and_can_be_called_again() -> None:
    cuda = HostCuda()
    engine = opened(cuda, network(cuda, 1))
    assert len(cuda.held) == 6  # a stream, a graph, two tensors here and there
    engine.close()
    engine.close()
    assert cuda.held == {}
    with pytest.raises(Broken, match="after close"):
        engine.infer({"observation": observations(1)})


def test_whatever_call_fails_while_opening_nothing_stays_allocated() -> None:
    whole = HostCuda()
    opened(whole, network(whole, 1)).close()
    may_fail = [number for number, name in enumerate(whole.calls) if HostCuda._may_fail(name)]
    assert len(may_fail) > 10
    for number in may_fail:
        cuda = HostCuda(fails_at=number)
        # While a graph is made, an error only costs the graph.
        with suppress(Broken):
            opened(cuda, network(cuda, 1)).close()
        assert cuda.held == {}, whole.calls[number]


@pytest.mark.parametrize("call", ["cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate"])
def test_a_graph_that_cuda_refuses_costs_the_graph_only(call: str) -> None:
    whole = HostCuda()
    opened(whole, network(whole, 1)).close()
    cuda, observation = HostCuda(fails_at=whole.calls.index(call)), observations(1)
    with opened(cuda, network(cuda, 1)) as engine:
        result = engine.infer({"observation": observation})["action"]
    np.testing.assert_array_equal(result, observation @ WEIGHTS)
    assert "cudaGraphLaunch" not in cuda.calls
    assert cuda.held == {}


@pytest.mark.parametrize(
    ("refused", "doing"),
    [("shape", "setting the shape"), ("address", "setting the addr"), ("run", "running")],
)
def test_a_refusal_of_the_runtime_is_an_error_and_frees_everything(refused: str, doing: str) -> None:
    cuda = HostCuda()
    with pytest.raises(Broken, match=f"linear 1.0 on gpu .host., {doing}"):
        opened(cuda, network(cuda, 1, refuses={refused}))
    assert cuda.held == {}


def test_an_output_whose_size_depends_on_the_data_is_refused() -> None:
    cuda = HostCuda()
    with pytest.raises(BadInput, match=r"output 'action' .* whose size depends on the data"):
        opened(cuda, network(cuda, output_rows=-1))
    assert cuda.held == {}


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        (observations(9), r"got shape \[9, 3\], wanted between \[1, 3\] and \[8, 3\]"),
        (observations(0), r"got shape \[0, 3\]"),
        (observations(1).astype(np.float64), r"got float64 \[1, 3\], wanted float32"),
    ],
)
def test_inputs_that_do_not_fit_are_named_before_the_gpu_sees_them(
    observation: np.ndarray, message: str
) -> None:
    cuda = HostCuda()
    with opened(cuda, network(cuda)) as engine:
        cuda.calls.clear()
        with pytest.raises(BadInput, match=message):
            engine.infer({"observation": observation})
        assert cuda.calls == []


def test_the_engine_says_what_it_is() -> None:
    cuda = HostCuda()
    with opened(cuda, network(cuda, 1)) as engine:
        assert engine.runtime == "linear 1.0 on gpu (host)"
        assert engine.specs.inputs == (TensorSpec(name="observation", dtype="float32", shape=(1, 3)),)
