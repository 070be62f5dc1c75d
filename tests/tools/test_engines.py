"""`trunnion engine build`: each network of a bundle, with progress, or a plain word on what is missing."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from trunnion.engines import build_engines, networks
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_edge import backends
from trunnion_edge.backends import BACKENDS, Backend, EngineSettings

Run = Callable[..., CompletedProcess[str]]


def test_without_tensorrt_it_says_what_is_missing_and_what_to_install(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "gpu_node", lambda: "")
    monkeypatch.setattr(backends, "installed", lambda package: package != "tensorrt")
    with pytest.raises(BadInput) as refused:
        build_engines(Console(file=io.StringIO()), small_bundle, None, 256)
    assert refused.value.got == "no GPU on this machine, no Python package tensorrt"
    assert refused.value.next_step.startswith(
        "install NVIDIA's driver where there is a GPU, TensorRT (part of"
    )


def test_what_cannot_be_built_here_is_bad_input_and_no_traceback(trunnion: Run, small_bundle: Path) -> None:
    answer = trunnion("engine", "build", small_bundle)
    assert answer.returncode == 2, answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 4


def test_the_bundle_is_verified_before_anything_else(trunnion: Run, small_bundle: Path) -> None:
    small_bundle.write_bytes(small_bundle.read_bytes()[:-1])
    answer = trunnion("engine", "build", small_bundle)
    assert answer.returncode == 2
    assert "small-0.1.0.trunnion" in answer.stderr.splitlines()[0]


def test_a_bundle_that_is_not_there_is_named(trunnion: Run) -> None:
    answer = trunnion("engine", "build", "absent.trunnion")
    assert answer.returncode == 2
    assert answer.stderr.startswith("absent.trunnion\n  got:    no such file")


def test_memory_of_no_size_is_refused(trunnion: Run, small_bundle: Path) -> None:
    assert trunnion("engine", "build", small_bundle, "--workspace-mib", "0").returncode == 2


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, EngineSettings]]:
    """A machine with a GPU, whose TensorRT is played: what it was asked for."""
    asked: list[tuple[bytes, EngineSettings]] = []

    def open_engine(model: bytes, settings: EngineSettings, progress: Progress) -> Any:
        asked.append((model, settings))
        progress.start("build the engine for Orin", 1000)
        progress.advance(1000, "about 0 s left")
        progress.done()
        return nullcontext(SimpleNamespace(runtime="tensorrt 10.3.0 on gpu (Orin)"))

    module = ModuleType("played_tensorrt")
    module.open_engine = open_engine  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "played_tensorrt", module)
    monkeypatch.setitem(BACKENDS, "tensorrt", Backend((), "played_tensorrt", ""))
    monkeypatch.setattr(backends, "gpu_node", lambda: "/dev/nvgpu")
    monkeypatch.setattr(backends, "_tell", lambda *arguments: None)
    return asked


def test_each_network_is_built_with_what_was_asked_and_progress_is_shown(
    asked: list[tuple[bytes, EngineSettings]], small_bundle: Path, tmp_path: Path
) -> None:
    console = Console(file=io.StringIO(), width=160)
    assert build_engines(console, small_bundle, tmp_path / "engines", 256) == 0
    ((network, settings),) = asked
    assert network == b"a network"
    assert (settings.backend, settings.device) == ("tensorrt", "gpu")
    assert (settings.cache_dir, settings.workspace_mib) == (tmp_path / "engines", 256)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "build the engine for Orin: 0 of 1000" in shown
    assert "detector.onnx: tensorrt 10.3.0 on gpu (Orin)" in shown


@pytest.mark.parametrize(
    ("precisions", "built"),
    [(["fp32"], "fp32"), (["fp32", "int8"], "fp32"), (["fp32", "fp16", "int8"], "fp16")],
)
def test_built_is_what_a_gpu_runs(precisions: list[str], built: str) -> None:
    detector = SimpleNamespace(networks={name: name for name in precisions})
    detector.networks["fp32"] = detector
    bundle = SimpleNamespace(model=SimpleNamespace(detector=detector, policy="policy"))
    assert networks(bundle) == [detector if built == "fp32" else built]
