"""Engines: what opens, on what, and what is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.manifest import TensorSpec
from trunnion_edge.backends import BACKENDS, EngineSettings, open_engine
from trunnion_edge.backends import onnxruntime as backend

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
    network: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "trunnion_edge.backends"):
        open_engine(network, EngineSettings(device="cpu")).close()
        open_engine(network, EngineSettings(backend="onnxruntime", device="cpu")).close()
    automatic, asked = caplog.messages
    assert automatic.startswith("engine: onnxruntime ")
    assert (
        "on cpu (backend onnxruntime: the first of onnxruntime that is installed; device asked: cpu)"
        in automatic
    )
    assert "backend onnxruntime: as asked" in asked


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(
    network: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "_GPU_NODES", ("/nonexistent/gpu",))
    with pytest.raises(BadInput, match="got no GPU on this machine, wanted a GPU, as asked"):
        open_engine(network, EngineSettings(device="gpu"))


def test_a_gpu_that_the_runtime_cannot_use_is_an_error_where_asked_for_and_a_warning_elsewhere(
    network: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A session that ONNX Runtime put on the CPU although CUDA was wanted is what a broken driver gives.
    monkeypatch.setattr(backend, "_wants_gpu", lambda device: device != "cpu")
    monkeypatch.setattr(backend, "_device_of", lambda session: "cpu")
    with pytest.raises(BadInput, match="got a GPU that ONNX Runtime could not use"):
        open_engine(network, EngineSettings(device="gpu"))
    with open_engine(network) as engine:
        assert engine.runtime.endswith("on cpu")
    assert "the CPU runs the model" in caplog.text
