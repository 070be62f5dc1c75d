"""Engines on ONNX Runtime, on the CPU or through CUDA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import onnxruntime as ort

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.progress import Progress
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends.engine import Array, CannotRunHere, EngineSettings, EngineSpecs, check_inputs

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
# Threads that spin while they wait take the cores from the robot's other processes: on two busy cores a detector took
# half as long again with it. Those that sleep lose as much to being woken for each layer. 20 µs is from one layer to
# the next; releases before this one do not know the setting, and would spin for a millisecond.
_KNOWS_SPIN_DURATION = tuple(int(part) for part in ort.__version__.split(".")[:2]) >= (1, 31)
_WAITING = (
    {"session.intra_op.spin_duration_us": "20", "session.force_spinning_stop": "1"}
    if _KNOWS_SPIN_DURATION
    else {"session.intra_op.allow_spinning": "0"}
)
# TF32 rounds to ten bits, which parity with the trained network does not survive.
_CUDA_OPTIONS = {"use_tf32": "0"}
_ERRORS_ONLY = 3
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(bool)": "bool",
}


class OnnxRuntimeEngine:
    """A session of ONNX Runtime."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session: ort.InferenceSession | None = session
        self._specs = EngineSpecs(_specs(session.get_inputs()), _specs(session.get_outputs()))
        self._outputs = [spec.name for spec in self._specs.outputs]
        self._runtime = f"onnxruntime {ort.__version__} on {_device_of(session)}"

    @property
    def specs(self) -> EngineSpecs:
        """Inputs and outputs, as the file says."""
        return self._specs

    @property
    def runtime(self) -> str:
        """For example `onnxruntime 1.31.1 on cpu`."""
        return self._runtime

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the network on inputs of its own names, dtypes and shapes.

        Raises:
            BadInput: an input is missing, unknown, or of another dtype or shape than the network takes.
            Broken: the engine is closed, or its device failed; it never goes on on another one.
        """
        if self._session is None:
            raise Broken(
                where="the engine",
                got="a call after close",
                wanted="an open engine",
                next_step="open the model again",
            )
        check_inputs(self._specs, inputs)
        try:
            return dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))
        except Exception as error:  # ONNX Runtime's errors have no base of their own.
            raise Broken(
                where=self._runtime,
                got=f"a network that failed while it ran ({_first_line(error)})",
                wanted="its outputs",
                next_step="run it again; where it fails for each input, `trunnion doctor` looks at the machine",
            ) from error

    def close(self) -> None:
        """Drop the session."""
        self._session = None

    def __enter__(self) -> OnnxRuntimeEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_engine(model: Path | bytes, settings: EngineSettings, progress: Progress) -> OnnxRuntimeEngine:
    """Open `model` on the device that `settings` name; see `trunnion_edge.backends.open_engine`.

    Raises:
        CannotRunHere: a GPU is wanted, and ONNX Runtime cannot use one.
    """
    if settings.device != "gpu":
        return OnnxRuntimeEngine(open_session(model, settings.threads))
    if _CUDA not in ort.get_available_providers():
        raise _no_gpu("an ONNX Runtime without CUDA")
    _load_cuda()
    session = open_session(model, settings.threads, [(_CUDA, _CUDA_OPTIONS), _CPU])
    # ONNX Runtime goes on without a provider that does not load, and only prints it.
    if _device_of(session) != "gpu":
        raise _no_gpu("a GPU that ONNX Runtime could not use (driver or CUDA libraries)")
    return OnnxRuntimeEngine(session)


def _load_cuda() -> None:
    """Let ONNX Runtime find CUDA libraries that came as Python packages; elsewhere the loader finds the system's."""
    with suppress(AttributeError, OSError, ImportError):
        ort.preload_dlls()


def open_session(
    model: Path | bytes, threads: int | None = None, providers: Sequence[object] = (_CPU,)
) -> ort.InferenceSession:
    """ONNX Runtime's own session, as an engine uses it.

    Raises:
        BadInput: `model` is no network.
    """
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    for key, value in _WAITING.items():
        options.add_session_config_entry(key, value)
    if threads is not None:
        options.intra_op_num_threads = threads
    where = str(model) if isinstance(model, Path) else "the model's bytes"
    if isinstance(model, Path) and not model.is_file():
        raise BadInput(where=where, got="no such file", wanted="an ONNX file", next_step="check the path")
    try:
        session = ort.InferenceSession(
            str(model) if isinstance(model, Path) else model, options, providers=list(providers)
        )
    except Exception as error:  # ONNX Runtime's errors have no base of their own.
        raise BadInput(
            where=where,
            got=f"what ONNX Runtime cannot load ({_first_line(error)})",
            wanted="an ONNX network",
            next_step="export the model again",
        ) from error
    # Otherwise a GPU that fails in `run` is given up for the CPU, for good, with a word on stdout.
    session.disable_fallback()
    return session


def _specs(nodes: list[ort.NodeArg]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=node.name,
            dtype=_DTYPES.get(node.type, node.type),
            shape=tuple(size if isinstance(size, int) else str(size or "?") for size in node.shape),
        )
        for node in nodes
    )


def _device_of(session: ort.InferenceSession) -> str:
    return "gpu" if session.get_providers()[0] == _CUDA else "cpu"


def _no_gpu(got: str) -> CannotRunHere:
    return CannotRunHere(
        where="ONNX Runtime's device",
        got=got,
        wanted="a GPU, as asked",
        next_step="install driver, CUDA libraries and onnxruntime-gpu, or ask for device cpu",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
