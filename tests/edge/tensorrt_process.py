"""Claims about the TensorRT backend on NVIDIA's own bindings, with nothing behind them: `tensorrt_process.py VERSION`.

Enums, shapes, loggers and monitors are real. What would need the libraries (builder, engine) is played.
Prints JSON: each claim, and what went wrong; empty where nothing did.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import tensorrt as trt

# In the package around the extension, which needs the libraries, this is a constant.
trt.__version__ = sys.argv[1]

from played_tensorrt import Builder, Cuda, Engine, Parser, Stopping  # noqa: E402

from trunnion_contract.attached_engines import ENGINES, AttachedEngines, plan_file  # noqa: E402
from trunnion_contract.engine_key import PlanRecord  # noqa: E402
from trunnion_contract.errors import BadInput, Broken  # noqa: E402
from trunnion_contract.files import digest_bytes  # noqa: E402
from trunnion_contract.progress import Silent  # noqa: E402
from trunnion_edge.backends import CannotRunHere, EngineSettings  # noqa: E402
from trunnion_edge.backends import tensorrt as backend  # noqa: E402
from trunnion_edge.backends.build_progress import BuildProgress  # noqa: E402
from trunnion_edge.engine_builder import EngineDiffers, Judgement  # noqa: E402

PARSED = backend.parsed


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


def the_network_is_strongly_typed_and_what_cannot_be_parsed_is_named() -> None:
    flags: list[int] = []
    theirs: Any = SimpleNamespace(create_network=lambda given: flags.append(given) or "a network")
    trt.OnnxParser, before = Parser, trt.OnnxParser
    try:
        assert PARSED(theirs, b"onnx", backend.Log()) == "a network"
        message = refused(BadInput, lambda: PARSED(theirs, b"png", backend.Log()))
    finally:
        trt.OnnxParser = before
    assert flags == [1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)] * 2
    assert f"what TensorRT {sys.argv[1]} cannot take: no importer for Wobble (node 7)" in message, message


def an_engine_is_built_once_and_then_loaded() -> None:
    _, theirs = made(b"plan")
    built: list[bytes] = []
    build = theirs.build_serialized_network
    theirs.build_serialized_network = lambda *words: built.append(b"plan") or build(*words)
    engine: Any = Engine()
    engine.create_execution_context = lambda: "a context"
    loaded: Any = {b"plan": engine}
    theirs.deserialize_cuda_engine = loaded.get
    backend.check_gpu, backend.Cuda = lambda cuda: None, Cuda
    backend.GpuEngine = SimpleNamespace(open=lambda network, cuda: network)
    with TemporaryDirectory() as folder:
        settings = EngineSettings(cache_dir=Path(folder))
        for model in (b"onnx", b"onnx", b"another"):
            network: Any = backend.open_engine(model, settings, Silent())
            assert (network.context, network.shapes) == ("a context", {"images": ((1, 3), (1, 3), (8, 3))})
        assert network.runtime == f"tensorrt {sys.argv[1]} on gpu (Orin)"
        assert len(built) == 2
        loaded.clear()
        assert "a plan that it does not load" in refused(
            Broken, lambda: backend.open_engine(b"onnx", settings, Silent())
        )


def an_engine_that_came_with_its_network_is_taken_and_a_new_one_is_checked() -> None:
    """Continues what `an_engine_is_built_once_and_then_loaded` plays."""
    key = backend.key_here(b"onnx", EngineSettings())
    loaded = made(b"plan")[1]
    engine: Any = Engine()
    engine.create_execution_context = lambda: "a context"
    loaded.deserialize_cuda_engine = {b"plan": engine, b"attached": engine}.get
    record = PlanRecord(key=key, plan_sha256=digest_bytes(b"attached"), compared="alike")
    listed = AttachedEngines(plans=(record,)).model_dump_json(by_alias=True).encode()
    files = {ENGINES: listed, plan_file(record): b"attached"}
    judged: list[Any] = []
    check: Any = SimpleNamespace(
        prepare=lambda: None,
        judge=lambda network: judged.append(network) or Judgement(False, "boxes 80 px off"),
    )
    with TemporaryDirectory() as folder:
        settings = EngineSettings(cache_dir=Path(folder), attached=files.__getitem__, check=check)
        backend.open_engine(b"onnx", settings, Silent())
        assert not judged
        assert not list(Path(folder).iterdir())
        assert "boxes 80 px off" in refused(
            EngineDiffers, lambda: backend.open_engine(b"another", settings, Silent())
        )
    assert [network.context for network in judged] == ["a context"]


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
    the_network_is_strongly_typed_and_what_cannot_be_parsed_is_named,
    the_key_says_what_the_engine_is_for,
    the_builder_gets_its_memory_its_shapes_and_no_tf32,
    a_build_that_fails_says_what_tensorrt_said,
    a_build_that_a_person_stops_ends_as_they_asked,
    an_engine_is_built_once_and_then_loaded,
    an_engine_that_came_with_its_network_is_taken_and_a_new_one_is_checked,
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
