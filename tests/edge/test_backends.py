"""Engines: what opens, on what, and what is refused."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import EPFail

from trunnion_contract.errors import BadInput, Broken, TrunnionError
from trunnion_contract.tensor import TensorSpec
from trunnion_edge import backends
from trunnion_edge.backends import (
    BACKENDS,
    ORDER,
    Backend,
    CannotRunHere,
    EngineSettings,
    Place,
    lacking,
    onnxruntime,
    open_engine,
)

WEIGHTS = np.array([[1, 0], [0, 2], [3, 0]], np.float32)


@pytest.fixture
def network(linear_network: Callable[..., bytes]) -> bytes:
    return linear_network(WEIGHTS)


def test_bytes_and_file_give_the_same_network(network: bytes, tmp_path: Path) -> None:
    file = tmp_path / "policy.onnx"
    file.write_bytes(network)
    observation = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    for model in (network, file):
        with open_engine(model, EngineSettings(threads=1, device="cpu")) as engine:
            np.testing.assert_array_equal(
                engine.infer({"observation": observation})["action"], observation @ WEIGHTS
            )


def test_specs_are_those_of_the_file(network: bytes) -> None:
    with open_engine(network) as engine:
        assert engine.specs.inputs == (TensorSpec(name="observation", dtype="float32", shape=("N", 3)),)
        assert engine.specs.outputs == (TensorSpec(name="action", dtype="float32", shape=("N", 2)),)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "got none, wanted observation"),
        ({"observed": np.zeros((1, 3), np.float32)}, "got observed, wanted observation"),
        ({"observation": np.zeros((1, 3), np.float32), "more": np.zeros(1)}, "got observation, more"),
        ({"observation": np.zeros((1, 3))}, r"got float64 \[1, 3\], wanted float32 \[N, 3\]"),
        ({"observation": np.zeros((1, 4), np.float32)}, r"got float32 \[1, 4\], wanted float32 \[N, 3\]"),
        ({"observation": np.zeros(3, np.float32)}, r"got float32 \[3\], wanted float32 \[N, 3\]"),
        ({"observation": [[1.0, 2.0, 3.0]]}, r"got list, wanted float32 \[N, 3\]"),
    ],
)
def test_inputs_that_do_not_fit_are_named(
    network: bytes, inputs: dict[str, np.ndarray], message: str
) -> None:
    with open_engine(network) as engine, pytest.raises(BadInput, match=message):
        engine.infer(inputs)


def test_a_closed_engine_says_so(network: bytes) -> None:
    engine = open_engine(network)
    engine.close()
    engine.close()
    with pytest.raises(Broken, match="after close"):
        engine.infer({"observation": np.zeros((1, 3), np.float32)})


@pytest.mark.parametrize("data", [b"", b"not a network", b"\x08\x0a" * 40])
def test_what_is_no_network_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(data)
    for model in (data, file):
        with pytest.raises(BadInput, match="wanted an ONNX network"):
            open_engine(model)


def test_a_truncated_network_is_refused(network: bytes) -> None:
    with pytest.raises(BadInput):
        open_engine(network[: len(network) // 2])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.onnx: got no such file"):
        open_engine(tmp_path / "absent.onnx")


def test_an_unknown_backend_is_answered_with_those_there_are(network: bytes) -> None:
    with pytest.raises(BadInput, match=f"got 'onyx', wanted one of auto, {', '.join(BACKENDS)}"):
        open_engine(network, EngineSettings(backend="onyx"))


def test_the_log_says_which_backend_runs_where_and_why(
    network: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "gpu_node", lambda: "")
    with caplog.at_level(logging.INFO, "trunnion_edge.backends"):
        open_engine(network).close()
        open_engine(network, EngineSettings(backend="onnxruntime", device="cpu")).close()
    automatic, asked = caplog.messages
    assert automatic.startswith("engine: onnxruntime ")
    assert (
        "on cpu (asked: backend auto, device auto; not tensorrt on gpu: no GPU on this machine" in automatic
    )
    assert "not onnxruntime on gpu: no GPU on this machine" in automatic
    assert asked.endswith("on cpu (asked: backend onnxruntime, device cpu)")


@pytest.mark.parametrize("backend", ["auto", "tensorrt", "onnxruntime"])
def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(
    backend: str, network: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "gpu_node", lambda: "")
    with pytest.raises(BadInput, match=r"no GPU on this machine.* wanted a GPU, as asked"):
        open_engine(network, EngineSettings(backend, "gpu"))


def test_tensorrt_on_the_cpu_is_answered_with_what_there_is(network: bytes) -> None:
    with pytest.raises(
        BadInput, match="got tensorrt on cpu, wanted one of tensorrt on gpu, onnxruntime on gpu"
    ):
        open_engine(network, EngineSettings("tensorrt", "cpu"))


def test_a_gpu_that_the_runtime_cannot_use_is_an_error_where_asked_for_and_a_warning_elsewhere(
    network: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A session that ONNX Runtime put on the CPU although CUDA was wanted is what a broken driver gives.
    monkeypatch.setattr(backends, "gpu_node", lambda: "/dev/nvidiactl")
    monkeypatch.setattr(onnxruntime, "_device_of", lambda session: "cpu")
    monkeypatch.setattr(onnxruntime.ort, "get_available_providers", lambda: [onnxruntime._CUDA])
    with pytest.raises(BadInput, match="a GPU that ONNX Runtime could not use"):
        open_engine(network, EngineSettings(device="gpu"))
    with open_engine(network) as engine:
        assert engine.runtime.endswith("on cpu")
    (warning,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.startswith(
        "a GPU is there (/dev/nvidiactl), but the CPU runs the model: tensorrt on gpu: "
    )
    assert "onnxruntime on gpu: a GPU that ONNX Runtime could not use (driver or CUDA libraries)" in warning


class FailingGpu:
    """What is under a session of ONNX Runtime, on a GPU that has gone; counts the calls."""

    def __init__(self, sound: Any) -> None:
        self.runs, self._sound = 0, sound

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sound, name)

    def run(self, *words: object) -> list[np.ndarray]:
        self.runs += 1
        raise EPFail("CUDA failure 719: unspecified launch failure")


def test_a_gpu_that_fails_while_a_network_runs_is_an_error_and_no_slower_answer_from_the_cpu(
    network: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    session = onnxruntime.open_session(network)
    session._sess = gpu = FailingGpu(session._sess)
    session._fallback_providers = [onnxruntime._CPU]
    engine = onnxruntime.OnnxRuntimeEngine(session)
    for runs in (1, 2):
        with pytest.raises(Broken, match=r"failed while it ran \(CUDA failure 719.* wanted its outputs"):
            engine.infer({"observation": np.zeros((1, 3), np.float32)})
        assert (session._sess, gpu.runs) == (gpu, runs)
    assert capsys.readouterr().out == ""


@dataclass
class Machine:
    """A machine whose runtimes work or do not: the modules behind `BACKENDS` are stood in for."""

    works: set[str] = field(default_factory=set)
    fault: Exception | None = None
    opened: list[str] = field(default_factory=list)

    def open(self, backend: str, settings: EngineSettings) -> Any:
        place = f"{backend} on {settings.device}"
        self.opened.append(place)
        if self.fault is not None:
            raise self.fault
        if place not in self.works:
            raise CannotRunHere(where=place, got=f"{backend} without luck", wanted="luck", next_step="none")
        return SimpleNamespace(runtime=place)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    for name in BACKENDS:
        module = ModuleType(f"runtime_{name}")
        module.open_engine = lambda model, settings, progress, name=name: machine.open(name, settings)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(BACKENDS, name, Backend((), module.__name__, "more luck"))
    monkeypatch.setattr(backends, "gpu_node", lambda: "/dev/nvidiactl")
    return machine


@pytest.mark.parametrize("works", range(1, len(ORDER) + 1))
def test_the_best_place_that_works_is_taken(machine: Machine, works: int) -> None:
    machine.works = {str(place) for place in ORDER[-works:]}
    assert open_engine(b"").runtime == str(ORDER[-works])


def test_a_gpu_as_asked_never_falls_to_the_cpu(machine: Machine) -> None:
    machine.works = {"onnxruntime on cpu"}
    with pytest.raises(BadInput, match="tensorrt without luck; onnxruntime on gpu: onnxruntime without luck"):
        open_engine(b"", EngineSettings(device="gpu"))
    assert machine.opened == ["tensorrt on gpu", "onnxruntime on gpu"]


def test_a_cpu_as_asked_never_touches_the_gpu(machine: Machine) -> None:
    machine.works = {str(place) for place in ORDER}
    assert open_engine(b"", EngineSettings(device="cpu")).runtime == "onnxruntime on cpu"
    assert machine.opened == ["onnxruntime on cpu"]


@pytest.mark.parametrize("kind", [BadInput, Broken])
def test_a_fault_of_the_network_or_the_build_is_not_hidden_by_a_slower_runtime(
    machine: Machine, kind: type[TrunnionError]
) -> None:
    machine.works = {"onnxruntime on cpu"}
    machine.fault = kind(where="w", got="a fault", wanted="none", next_step="n")
    with pytest.raises(kind, match="a fault"):
        open_engine(b"")
    assert machine.opened == ["tensorrt on gpu"]


def test_a_runtime_whose_libraries_are_missing_is_passed_over_and_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "half_installed.py").write_text("raise ImportError('libnvinfer.so.10: cannot open')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(BACKENDS, "tensorrt", Backend((), "half_installed", ""))
    machine.works = {"onnxruntime on cpu"}
    assert open_engine(b"").runtime == "onnxruntime on cpu"
    assert "a tensorrt that does not load (libnvinfer.so.10: cannot open)" in caplog.text


def test_what_is_lacking_is_named_without_loading_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "gpu_node", lambda: "")
    monkeypatch.setitem(BACKENDS, "tensorrt", Backend(("absent_package", "absent.part", "json"), "m", ""))
    assert lacking(Place("tensorrt", "gpu")) == [
        "no GPU on this machine",
        "no Python package absent_package",
        "no Python package absent.part",
    ]
    assert lacking(Place("onnxruntime", "cpu")) == []
