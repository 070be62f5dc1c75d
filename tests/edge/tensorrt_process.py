"""Claims about the TensorRT backend on NVIDIA's own bindings, with nothing behind them: `tensorrt_process.py VERSION`.

Enums, shapes, loggers and monitors are real. What would need the libraries (builder, engine) is played.
Prints JSON: each claim, and what went wrong; empty where nothing did.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import tensorrt as trt

# In the package around the extension, which needs the libraries, this is a constant.
trt.__version__ = sys.argv[1]

from trunnion_contract.errors import BadInput, Broken  # noqa: E402
from trunnion_contract.progress import Silent  # noqa: E402
from trunnion_edge.backends import CannotRunHere, EngineSettings  # noqa: E402
from trunnion_edge.backends import tensorrt as backend  # noqa: E402
from trunnion_edge.backends.build_progress import BuildProgress  # noqa: E402
from trunnion_edge.backends.cuda import DeviceProperties  # noqa: E402


class Stopping(Silent):
    """A person who presses Ctrl-C at the first step."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        raise KeyboardInterrupt


class Engine:
    """A detector with a free batch: what `ICudaEngine` tells of one."""

    num_io_tensors = 2

    def __init__(self) -> None:
        self.tensors = {"images": ((-1, 3), trt.DataType.HALF), "boxes": ((-1, 6), trt.DataType.FLOAT)}

    def get_tensor_name(self, index: int) -> str:
        return list(self.tensors)[index]

    def get_tensor_shape(self, name: str) -> Any:
        return trt.Dims(list(self.tensors[name][0]))

    def get_tensor_dtype(self, name: str) -> Any:
        return self.tensors[name][1]

    def get_tensor_mode(self, name: str) -> Any:
        return trt.TensorIOMode.INPUT if name == "images" else trt.TensorIOMode.OUTPUT

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Any]:
        return [trt.Dims([1, 3]), trt.Dims([1, 3]), trt.Dims([8, 3])]


class Config:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.progress_monitor: Any = None

    def set_memory_pool_limit(self, pool: Any, size: int) -> None:
        self.told.append((pool, size))

    def clear_flag(self, flag: Any) -> None:
        self.told.append(flag)

    def add_optimization_profile(self, profile: Any) -> None:
        self.told.append(profile.shapes)


class Profile:
    """Remembers the shapes."""

    def __init__(self) -> None:
        self.shapes: dict[str, Any] = {}

    def set_shape(self, name: str, *shapes: Any) -> None:
        self.shapes[name] = [tuple(shape) for shape in shapes]


class Builder:
    """Builds `plan` in two steps, and tells the monitor of them."""

    def __init__(self, plan: bytes | None) -> None:
        self.plan, self.config = plan, Config()

    def create_builder_config(self) -> Config:
        return self.config

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def build_serialized_network(self, network: Any, config: Config) -> bytes | None:
        config.progress_monitor.phase_start("build", None, 2)
        for step in range(2):
            if not config.progress_monitor.step_complete("build", step):
                return None
        config.progress_monitor.phase_finish("build")
        return self.plan


class Cuda:
    """An Orin."""

    def properties(self) -> DeviceProperties:
        return DeviceProperties("Orin", "8.7")

    def version(self) -> str:
        return "12.6"


def made(plan: bytes | None, progress: Any = None) -> tuple[Any, Builder]:
    """A builder of ours over a played one of TensorRT's."""
    theirs = Builder(plan)
    inputs = [SimpleNamespace(name="images", shape=trt.Dims([-1, 3]))]
    network = SimpleNamespace(num_inputs=1, get_input=inputs.__getitem__)
    backend.started = lambda kind, log: theirs
    backend.parsed = lambda builder, onnx, log: network
    cuda: Any = Cuda()
    key = backend.key_of(b"a network", EngineSettings(workspace_mib=256), cuda)
    return backend.TensorRtBuilder(b"a network", key, cuda, progress or Silent(), backend.Log()), theirs


def refused(kind: type[Exception], call: Callable[[], object]) -> str:
    """The message of the error that `call` must raise."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


def a_tensorrt_that_gives_no_builder_is_passed_over() -> None:
    for kind in (trt.Builder, trt.Runtime):
        message = refused(CannotRunHere, lambda kind=kind: backend.started(kind, backend.Log()))
        assert f"got no {kind.__name__} (it gave no reason)" in message, message


def the_last_error_of_the_log_is_kept() -> None:
    log = backend.Log()
    log.log(trt.ILogger.Severity.ERROR, "no kernel for this node")
    log.log(trt.ILogger.Severity.WARNING, "slow")
    log.log(trt.ILogger.Severity.VERBOSE, "much")
    assert log.last_error == "no kernel for this node"


def the_monitor_hands_phases_on() -> None:
    told = BuildProgress(Silent())
    monitor = backend.Monitor(told, backend.Log())
    monitor.phase_start("build", None, 4)
    assert monitor.step_complete("build", 0)
    assert told.fraction() == 0.25
    monitor.phase_finish("build")
    assert told.fraction() == 1


def the_specs_are_those_of_the_engine() -> None:
    specs = backend.specs_of(Engine())
    assert [(spec.name, spec.dtype, spec.shape) for spec in specs.inputs] == [("images", "float16", ("?", 3))]
    assert [(spec.name, spec.dtype, spec.shape) for spec in specs.outputs] == [("boxes", "float32", ("?", 6))]


def the_range_of_a_free_dimension_comes_from_the_plan() -> None:
    engine = Engine()
    assert backend.shapes_of(engine, "images") == ((1, 3), (1, 3), (8, 3))
    engine.tensors = {"images": ((1, 3), trt.DataType.HALF)}
    assert backend.shapes_of(engine, "images") == ((1, 3), (1, 3), (1, 3))


def a_type_that_numpy_lacks_is_named() -> None:
    engine = Engine()
    engine.tensors = {"images": ((1, 3), trt.DataType.BF16), "boxes": ((1, 3), trt.DataType.FLOAT)}
    assert "tensor 'images' of the network: got type BF16" in refused(
        BadInput, lambda: backend.specs_of(engine)
    )


def the_key_says_what_the_engine_is_for() -> None:
    key = made(b"")[0].key
    assert (key.runtime, key.runtime_version, key.gpu, key.cuda) == ("tensorrt", sys.argv[1], "Orin", "12.6")
    assert key.settings == {"workspace_mib": 256}
    assert key.shapes == {"a free dimension": ((1,), (1,), (8,))}


def the_builder_gets_its_memory_its_shapes_and_no_tf32() -> None:
    builder, theirs = made(b"plan")
    assert builder.build() == b"plan"
    assert theirs.config.told == [
        (trt.MemoryPoolType.WORKSPACE, 256 << 20),
        trt.BuilderFlag.TF32,
        {"images": [(1, 3), (1, 3), (8, 3)]},
    ]


def a_build_that_fails_says_what_tensorrt_said() -> None:
    builder, _ = made(None)
    builder.log.log(trt.ILogger.Severity.ERROR, "no memory")
    message = refused(Broken, builder.build)
    assert f"TensorRT {sys.argv[1]}, building the engine: got no memory" in message, message


def a_build_that_a_person_stops_ends_as_they_asked() -> None:
    builder, _ = made(b"plan", Stopping())
    try:
        builder.build()
    except KeyboardInterrupt:
        return
    raise AssertionError("it went on")


def a_ctrl_c_during_a_message_ends_the_build_and_comes_out_after_it() -> None:
    builder, _ = made(b"plan")

    def interrupted(*words: object) -> None:
        raise KeyboardInterrupt

    backend._log = SimpleNamespace(log=interrupted)
    builder.log.log(trt.ILogger.Severity.INFO, "one of many")
    assert not backend.Monitor(BuildProgress(Silent()), builder.log).step_complete("build", 0)
    try:
        builder.build()
    except KeyboardInterrupt:
        return
    raise AssertionError("it went on")


# The first needs TensorRT's own, the last ones play it.
CLAIMS = (
    a_tensorrt_that_gives_no_builder_is_passed_over,
    the_last_error_of_the_log_is_kept,
    the_monitor_hands_phases_on,
    the_specs_are_those_of_the_engine,
    the_range_of_a_free_dimension_comes_from_the_plan,
    a_type_that_numpy_lacks_is_named,
    the_key_says_what_the_engine_is_for,
    the_builder_gets_its_memory_its_shapes_and_no_tf32,
    a_build_that_fails_says_what_tensorrt_said,
    a_build_that_a_person_stops_ends_as_they_asked,
    a_ctrl_c_during_a_message_ends_the_build_and_comes_out_after_it,
)


def outcome(claim: Callable[[], None]) -> str:
    """What went wrong; empty where nothing did."""
    try:
        claim()
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    print(json.dumps({claim.__name__: outcome(claim) for claim in CLAIMS}))
