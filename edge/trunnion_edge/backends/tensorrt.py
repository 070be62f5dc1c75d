"""Engines on TensorRT 10 and 11, native: no calibrators, no precision flags, one strongly typed path for both.

Precision is a property of the network's file (casts for FP16, Q/DQ for INT8), which TensorRT 11 takes alone and
TensorRT 10 takes as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsInt, TypeVar

import tensorrt as trt

from trunnion_contract.engine_key import EngineKey, Shape
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.files import digest_bytes
from trunnion_contract.progress import Progress
from trunnion_edge.attached_plans import AttachedPlans
from trunnion_edge.backends.build_progress import TOTAL, BuildProgress
from trunnion_edge.backends.cuda import Cuda, check_gpu
from trunnion_edge.backends.engine import CannotRunHere, EngineSettings, EngineSpecs, onnx_bytes
from trunnion_edge.backends.gpu import driver_version, l4t_release
from trunnion_edge.backends.gpu_engine import GpuEngine, GpuNetwork, plain
from trunnion_edge.backends.shapes import FREE, is_free, shape_range, tensor_spec
from trunnion_edge.engine_builder import PlanRefused
from trunnion_edge.engine_cache import EngineCache, default_cache

_log = logging.getLogger(__name__)

Made = TypeVar("Made")

# Native BF16, FP8 and INT4 have no type in NumPy, so that a network may use them inside only.
_DTYPES = {
    trt.DataType.FLOAT: "float32",
    trt.DataType.HALF: "float16",
    trt.DataType.INT64: "int64",
    trt.DataType.INT32: "int32",
    trt.DataType.INT8: "int8",
    trt.DataType.UINT8: "uint8",
    trt.DataType.BOOL: "bool",
}
_LEVELS = {
    trt.ILogger.Severity.INTERNAL_ERROR: logging.ERROR,
    trt.ILogger.Severity.ERROR: logging.ERROR,
    trt.ILogger.Severity.WARNING: logging.WARNING,
}
_PRECISION = "as the network says; no TF32"


class Log(trt.ILogger):
    """TensorRT's messages in Python's log, and the last error among them for our own messages.

    A Ctrl-C that Python delivers during a message may not fly through TensorRT; `raise_if_stopped` does it later.
    """

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.last_error = "it gave no reason"
        self.stop_reason: BaseException | None = None

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        """Called by TensorRT, from any thread."""
        try:
            level = _LEVELS.get(severity, logging.DEBUG)
            if level == logging.ERROR:
                self.last_error = msg
            _log.log(level, "TensorRT: %s", msg)
        except BaseException as error:
            self.stop_reason = error

    def raise_if_stopped(self) -> None:
        """To be called when TensorRT has come back."""
        if (reason := self.stop_reason) is not None:
            self.stop_reason = None
            raise reason


class Monitor(trt.IProgressMonitor):
    """Hands TensorRT's phases on."""

    def __init__(self, told: BuildProgress, log: Log) -> None:
        trt.IProgressMonitor.__init__(self)
        self._told, self._log = told, log

    def phase_start(self, phase_name: str, parent_phase: str, num_steps: SupportsInt) -> None:
        """Called by TensorRT."""
        self._told.phase_start(phase_name, parent_phase, int(num_steps))

    def step_complete(self, phase_name: str, step: SupportsInt) -> bool:
        """Called by TensorRT; False ends the build."""
        return self._told.step_complete(phase_name, int(step)) and self._log.stop_reason is None

    def phase_finish(self, phase_name: str) -> None:
        """Called by TensorRT."""
        self._told.phase_finish(phase_name)


@dataclass(frozen=True)
class TensorRtBuilder:
    """One ONNX network for the GPU of this machine: a `Builder` of the engine cache.

    What loads a plan is much lighter than what builds one, so that the latter is made when it is needed.
    """

    onnx: bytes
    key: EngineKey
    cuda: Cuda
    progress: Progress
    log: Log

    def build(self) -> bytes:
        """The plan, with progress and time left."""
        builder = started(trt.Builder, self.log)
        network = parsed(builder, self.onnx, self.log)
        told = BuildProgress(self.progress)
        monitor = Monitor(told, self.log)
        config = self._config(builder, network, monitor)
        self.progress.start(f"build the engine for {self.key.gpu}", TOTAL)
        try:
            plan: Any = builder.build_serialized_network(network, config)
        finally:
            self.progress.done()
        self.log.raise_if_stopped()
        if told.stop_reason is not None:
            raise told.stop_reason
        if plan is None:
            raise self._not_built()
        # TensorRT's memory offers Python's buffers, which its type does not say.
        return bytes(plan)

    def load(self, plan: bytes) -> GpuEngine:
        """The engine with its memory on the GPU."""
        runtime = started(trt.Runtime, self.log)
        engine = runtime.deserialize_cuda_engine(plan)
        context = engine.create_execution_context() if engine is not None else None
        self.log.raise_if_stopped()
        if context is None:
            raise PlanRefused(self.log.last_error)
        specs = specs_of(engine)
        shapes = {spec.name: shapes_of(engine, spec.name) for spec in specs.inputs}
        name = f"tensorrt {trt.__version__} on gpu ({self.key.gpu})"
        owner = (runtime, engine, self.log)
        return GpuEngine.open(GpuNetwork(context, specs, shapes, name, owner), self.cuda)

    def _config(
        self, builder: trt.Builder, network: trt.INetworkDefinition, monitor: Monitor
    ) -> trt.IBuilderConfig:
        config = builder.create_builder_config()
        workspace_mib = int(self.key.settings["workspace_mib"])
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mib << 20)
        # On by default, and rounds to ten bits, which parity with the trained network does not survive.
        config.clear_flag(trt.BuilderFlag.TF32)
        config.progress_monitor = monitor
        profile = builder.create_optimization_profile()
        inputs = [network.get_input(index) for index in range(network.num_inputs)]
        for tensor in inputs:
            least, usual, greatest = (trt.Dims(list(shape)) for shape in shape_range(plain(tensor.shape)))
            profile.set_shape(tensor.name, least, usual, greatest)
        config.add_optimization_profile(profile)
        return config

    def _not_built(self) -> Broken:
        return Broken(
            where=f"TensorRT {trt.__version__}, building the engine",
            got=self.log.last_error,
            wanted="an engine",
            next_step="give the builder more memory (workspace_mib), or choose backend onnxruntime",
        )


def open_engine(model: Path | bytes, settings: EngineSettings, progress: Progress) -> GpuEngine:
    """Open `model` from the cache, or build its engine first; see `trunnion_edge.backends.open_engine`.

    Raises:
        CannotRunHere: CUDA can use no GPU.
    """
    cuda = Cuda()
    check_gpu(cuda)
    onnx = onnx_bytes(model)
    builder = TensorRtBuilder(onnx, key_of(onnx, settings, cuda), cuda, progress, Log())
    attached = AttachedPlans(settings.attached, settings.check is not None) if settings.attached else None
    cache: EngineCache[GpuEngine] = EngineCache(
        settings.cache_dir or default_cache(), attached=attached, check=settings.check
    )
    return cache.open(builder)


def key_here(onnx: bytes, settings: EngineSettings) -> EngineKey:
    """All that the engine of a network depends on, on this machine; see `trunnion_edge.backends.engine_key`.

    Raises:
        CannotRunHere: CUDA can use no GPU.
    """
    cuda = Cuda()
    check_gpu(cuda)
    return key_of(onnx, settings, cuda)


def key_of(onnx: bytes, settings: EngineSettings, cuda: Cuda) -> EngineKey:
    """All that the engine of a network depends on, on this machine."""
    gpu = cuda.properties()
    return EngineKey(
        onnx_sha256=digest_bytes(onnx),
        runtime="tensorrt",
        runtime_version=trt.__version__,
        cuda=cuda.version(),
        gpu=gpu.name,
        compute_capability=gpu.compute_capability,
        driver=driver_version(),
        l4t=l4t_release(),
        precision=_PRECISION,
        # Fixed dimensions are part of the file, so that its digest stands for them.
        shapes={"a free dimension": shape_range((FREE,))},
        settings={"workspace_mib": settings.workspace_mib},
    )


def started(kind: Callable[[Log], Made], log: Log) -> Made:
    """A builder or a runtime of TensorRT.

    Raises:
        CannotRunHere: TensorRT gives none.
    """
    try:
        return kind(log)
    except TypeError as error:  # what the bindings raise where TensorRT gives nothing
        raise CannotRunHere(
            where=f"TensorRT {trt.__version__}",
            got=f"no {kind.__name__} ({log.last_error})",
            wanted="one for this machine's GPU",
            next_step="install a TensorRT that knows this GPU and this driver, or choose backend onnxruntime",
        ) from error


def parsed(builder: trt.Builder, onnx: bytes, log: Log) -> trt.INetworkDefinition:
    """The network in an ONNX file, typed as the file says.

    Raises:
        BadInput: it is none, or has an operator that TensorRT lacks.
    """
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    if parser.parse(onnx):
        return network
    first: trt.ParserError | None = parser.get_error(0) if parser.num_errors else None
    reason = f"{first.desc()} (node {first.node()})" if first else log.last_error
    raise BadInput(
        where="the model",
        got=f"what TensorRT {trt.__version__} cannot take: {reason}",
        wanted="an ONNX network of operators that it has",
        next_step="export the model again, or choose backend onnxruntime",
    )


def shapes_of(engine: trt.ICudaEngine, name: str) -> tuple[Shape, Shape, Shape]:
    """The least, the usual and the greatest shape of an input."""
    shape = plain(engine.get_tensor_shape(name))
    if not is_free(shape):
        return shape, shape, shape
    least, usual, greatest = (plain(dims) for dims in engine.get_tensor_profile_shape(name, 0))
    return least, usual, greatest


def specs_of(engine: trt.ICudaEngine) -> EngineSpecs:
    """Inputs and outputs of an engine.

    Raises:
        BadInput: one is of a type that NumPy has not.
    """
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    specs = {
        name: tensor_spec(
            name, _dtype(engine.get_tensor_dtype(name), name), plain(engine.get_tensor_shape(name))
        )
        for name in names
    }
    inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
    return EngineSpecs(
        tuple(specs[name] for name in inputs), tuple(specs[name] for name in names if name not in inputs)
    )


def _dtype(dtype: trt.DataType, name: str) -> str:
    if dtype not in _DTYPES:
        raise BadInput(
            where=f"tensor '{name}' of the network",
            got=f"type {dtype.name}",
            wanted=f"one of {', '.join(_DTYPES.values())}",
            next_step="export the network with a cast at that input or output",
        )
    return _DTYPES[dtype]
