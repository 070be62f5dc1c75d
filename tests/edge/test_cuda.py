"""The real cuda-bindings takes every call as it is written; without a GPU each is answered with an error of CUDA's."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from cuda.bindings import runtime

from trunnion_contract.errors import BadInput, Broken
from trunnion_edge.backends.cuda import Cuda, CudaApi, check_gpu

# A wrong number or kind of arguments would be a TypeError, which ends the program.
EVERY_CALL = """
from cuda.bindings import runtime
from trunnion_contract.errors import Broken
from trunnion_edge.backends.cuda import Cuda, check_gpu
from trunnion_edge.backends.engine import CannotRunHere

cuda, stream = Cuda(), runtime.cudaStream_t(0)
graph = runtime.cudaGraphExec_t(0)
calls = {
    "device_count": (), "properties": (), "allocate": (64,), "free": (64,), "allocate_pinned": (64,),
    "free_pinned": (64,), "to_device": (64, 64, 8, stream), "to_host": (64, 64, 8, stream), "create_stream": (),
    "wait": (stream,), "destroy_stream": (stream,), "begin_capture": (stream,), "end_capture": (stream,),
    "launch": (graph, stream), "destroy_graph": (graph,),
}
for name, arguments in calls.items():
    try:
        getattr(cuda, name)(*arguments)
    except Broken as error:
        assert error.got.startswith("cudaError"), error
    else:
        raise SystemExit(f"{name} worked without a GPU")
cuda.abandon_capture(stream)
print(cuda.version())
try:
    check_gpu(cuda)
except CannotRunHere as error:
    print(error.got)
never = set(vars(Cuda)) - set(calls) - {"version", "abandon_capture"}
assert not [name for name in never if not name.startswith("_")], never
"""


def test_every_call_is_one_that_the_bindings_take() -> None:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", EVERY_CALL], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    version, refusal = done.stdout.splitlines()
    assert version.split(".")[0].isdigit()
    assert refusal.startswith("a CUDA that reports cudaError")


def test_every_function_that_is_named_is_there_and_takes_as_many_arguments() -> None:
    for name, function in vars(CudaApi).items():
        if name.startswith("cuda"):
            signature = getattr(runtime, name).__doc__.splitlines()[0]
            given = signature.partition("(")[2].rpartition(")")[0]
            assert len([word for word in given.split(",") if word]) == function.__code__.co_argcount - 1, name


def answering(**answers: Any) -> Cuda:
    return Cuda(SimpleNamespace(**answers))  # type: ignore[arg-type]


SUCCESS = runtime.cudaError_t.cudaSuccess


def test_an_error_says_what_was_being_done_and_what_cuda_says() -> None:
    code = runtime.cudaError_t.cudaErrorMemoryAllocation
    cuda = answering(cudaMalloc=lambda size: (code, None))
    with pytest.raises(
        Broken, match=r"CUDA, allocating 64 bytes on the GPU: got cudaErrorMemoryAllocation \(out of"
    ):
        cuda.allocate(64)


def test_the_gpu_is_named_as_cuda_names_it() -> None:
    orin = SimpleNamespace(name=b"Orin\0\0", major=8, minor=7)
    cuda = answering(cudaGetDeviceProperties=lambda device: (SUCCESS, orin))
    assert cuda.properties() == ("Orin", "8.7")


def test_a_version_reads_as_people_write_it() -> None:
    assert answering(cudaRuntimeGetVersion=lambda: (SUCCESS, 12060)).version() == "12.6"


def test_a_cuda_without_a_gpu_is_refused() -> None:
    with pytest.raises(BadInput, match="got a CUDA that reports no GPU, wanted a GPU that CUDA can use"):
        check_gpu(answering(cudaGetDeviceCount=lambda: (SUCCESS, 0)))
