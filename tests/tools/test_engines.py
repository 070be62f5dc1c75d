"""`trunnion engine build`: each network of a bundle, with progress, or a plain word on what is missing."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console

from trunnion import engines, pipeline
from trunnion.engines import attach_engines, build_engines, require_engine
from trunnion.record import StageRecord
from trunnion.stages import STAGES, attached_engines, with_engine
from trunnion_contract.bundle import pack
from trunnion_contract.engine_key import EngineKey
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes, digest_json, write_json
from trunnion_contract.manifest import PRECISIONS
from trunnion_contract.progress import Progress, Silent
from trunnion_contract.usecase import UseCase
from trunnion_edge import backends
from trunnion_edge.attached_plans import AttachedPlans
from trunnion_edge.backends import BACKENDS, Backend, EngineSettings
from trunnion_edge.engine_cache import EngineCache, default_cache
from trunnion_edge.precision import PrecisionChoice

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


class PlayedEngine:
    """An engine that says what a GPU would."""

    runtime = "tensorrt 10.3.0 on gpu (Orin)"

    def close(self) -> None:
        pass

    def __enter__(self) -> PlayedEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class PlayedTensorRt(ModuleType):
    """A machine with a GPU, whose TensorRT is played; the cache of engines is real."""

    def __init__(self, gpu: str = "Orin") -> None:
        super().__init__("played_tensorrt")
        self.gpu, self.asked, self.built = gpu, list[tuple[bytes, EngineSettings]](), list[bytes]()

    def open_engine(self, model: bytes, settings: EngineSettings, progress: Progress) -> PlayedEngine:
        self.asked.append((model, settings))
        builder = PlayedBuilder(self, model, self.key_here(model, settings), progress)
        assert settings.attached is not None
        attached = AttachedPlans(settings.attached)
        cache: EngineCache[PlayedEngine] = EngineCache(
            settings.cache_dir or default_cache(), attached=attached
        )
        return cache.open(builder)

    def key_here(self, onnx: bytes, settings: EngineSettings) -> EngineKey:
        about = {"runtime": "tensorrt", "runtime_version": "10.3.0", "cuda": "12.6", "gpu": self.gpu}
        rest = {"compute_capability": "8.7", "driver": "", "l4t": "36.4.3", "precision": "", "shapes": {}}
        return EngineKey(**about, **rest, onnx_sha256=digest_bytes(onnx), settings={})


@dataclass
class PlayedBuilder:
    """Builds the network backwards."""

    module: PlayedTensorRt
    network: bytes
    key: EngineKey
    progress: Progress

    def build(self) -> bytes:
        self.module.built.append(self.network)
        self.progress.start(f"build the engine for {self.key.gpu}", 1000)
        self.progress.advance(1000, "about 0 s left")
        self.progress.done()
        return self.network[::-1]

    def load(self, plan: bytes) -> PlayedEngine:
        assert plan == self.network[::-1]
        return PlayedEngine()


@pytest.fixture
def tensorrt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PlayedTensorRt:
    module = PlayedTensorRt()
    monkeypatch.setitem(sys.modules, "played_tensorrt", module)
    monkeypatch.setitem(BACKENDS, "tensorrt", Backend((), "played_tensorrt", ""))
    monkeypatch.setattr(backends, "gpu_node", lambda: "/dev/nvgpu")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return module


def test_the_network_is_built_with_what_was_asked_and_progress_is_shown(
    tensorrt: PlayedTensorRt, small_bundle: Path, tmp_path: Path
) -> None:
    console = Console(file=io.StringIO(), width=160)
    assert build_engines(console, small_bundle, tmp_path / "engines", 256) == 0
    ((network, settings),) = tensorrt.asked
    assert network == b"a network"
    assert (settings.backend, settings.device) == ("tensorrt", "gpu")
    assert (settings.cache_dir, settings.workspace_mib) == (tmp_path / "engines", 256)
    assert settings.check is not None
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "build the engine for Orin: 0 of 1000" in shown
    assert "detector.onnx: tensorrt 10.3.0 on gpu (Orin)" in shown


def build(bundle: Path, folder: Path, precision: PrecisionChoice = "auto") -> None:
    build_engines(Console(file=io.StringIO()), bundle, folder, 256, precision)


@pytest.mark.parametrize(
    ("asked", "built"), [("auto", "fp16"), ("fp32", "fp32"), ("fp16", "fp16"), ("int8", "int8")]
)
def test_built_is_the_precision_that_was_asked_for_or_what_a_gpu_runs(
    asked: PrecisionChoice,
    built: str,
    tensorrt: PlayedTensorRt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    networks = {
        name: SimpleNamespace(file=f"{name}.onnx", sha256=digest_bytes(name.encode())) for name in PRECISIONS
    }
    detector = SimpleNamespace(networks=networks, spec=None)
    bundle = SimpleNamespace(model=SimpleNamespace(detector=detector), read=lambda name: name[:4].encode())
    monkeypatch.setattr(engines, "open_bundle", lambda path: bundle)
    monkeypatch.setattr(AttachedPlans, "_records_of", lambda self, digest: [])
    build(Path("b.trunnion"), tmp_path, asked)
    assert tensorrt.built == [built.encode()]


def test_a_precision_that_the_bundle_lacks_is_bad_input(
    tensorrt: PlayedTensorRt, small_bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="got 'int8', which this model does not have"):
        build(small_bundle, tmp_path, "int8")


def test_a_precision_that_there_is_not_is_bad_input(trunnion: Run, small_bundle: Path) -> None:
    answer = trunnion("engine", "build", small_bundle, "--precision", "int4")
    assert answer.returncode == 2
    assert "'int4' is not one of" in answer.stderr


# ---- engines that are attached to what is packed


@pytest.fixture
def attached(tensorrt: PlayedTensorRt, small_bundle: Path, tmp_path: Path) -> Path:
    """The bundle once more, with the engine of an Orin."""
    made, engine_dir = small_bundle.parent / "made" / small_bundle.name, tmp_path / "engine"
    engine_dir.mkdir()
    attach_engines(made, engine_dir, Silent())
    bundle = tmp_path / "attached.trunnion"
    pack(made, made, bundle, "# A model", engine_dir)
    return bundle


def test_an_attached_engine_is_taken_on_such_a_device_and_nothing_is_built(
    attached: Path, tensorrt: PlayedTensorRt, tmp_path: Path
) -> None:
    assert tensorrt.built == [b"a network"]
    build(attached, tmp_path / "another device")
    assert tensorrt.built == [b"a network"]
    assert not (tmp_path / "another device").exists()


def test_another_device_builds_its_own(attached: Path, tensorrt: PlayedTensorRt, tmp_path: Path) -> None:
    tensorrt.gpu = "Thor"
    build(attached, tmp_path / "another device")
    assert tensorrt.built == [b"a network"] * 2


def test_what_is_in_the_cache_is_attached_without_building(
    tensorrt: PlayedTensorRt, small_bundle: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        attach_engines(small_bundle.parent / "made" / small_bundle.name, tmp_path, Silent())
    assert tensorrt.built == [b"a network"]


def small_run(folder: Path, export: str = "1") -> pipeline.Run:
    """A run whose export and engine stand; the engine is of the export with the digest "1"."""
    run = pipeline.Run(UseCase.model_construct(name="small", version="0.1.0"), folder)
    records = {
        "export": ({}, {"model.json": export}),
        "engine": ({"export": digest_json({"model.json": "1"})}, {}),
    }
    for name, (inputs, outputs) in records.items():
        record = StageRecord(stage=name, inputs=inputs, outputs=outputs, seconds=0)
        write_json(run.record(name), record.model_dump(mode="json"))
    return run


def test_engines_of_an_export_of_before_are_not_packed(tmp_path: Path) -> None:
    assert attached_engines(small_run(tmp_path)) == tmp_path / "engine"
    assert attached_engines(small_run(tmp_path, export="2")) is None
    run = small_run(tmp_path)
    run.record("engine").unlink()
    assert attached_engines(run) is None


def test_the_engine_is_a_stage_between_export_and_proof_that_neither_depends_on() -> None:
    stages = with_engine(STAGES)
    names = [stage.name for stage in stages]
    assert names[names.index("export") :] == ["export", "engine", "prove", "pack"]
    assert [stage.name for stage in stages if "engine" in stage.after] == ["pack"]
    assert "engine" not in [stage.name for stage in STAGES]


@pytest.mark.parametrize("command", [("export",), ("run", "--until", "export"), ("run",)])
def test_where_no_engine_can_be_built_it_is_said_at_once_and_what_stood_stands(
    command: tuple[str, ...], trunnion: Run, repository: Path, tmp_path: Path
) -> None:
    stood = tmp_path / "runs" / "sorting_cell" / "export" / "model.json"
    stood.parent.mkdir(parents=True)
    stood.write_text("what stood")
    usecase = repository / "training" / "usecases" / "sorting_cell.yaml"
    answer = trunnion(*command, usecase, "--engine", CUDA_VISIBLE_DEVICES="")
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.startswith("--engine\n  got:    ")
    assert "wanted: TensorRT and a GPU, which build the engine" in answer.stderr
    assert [path for path in (tmp_path / "runs").rglob("*") if path.is_file()] == [stood]


def test_a_run_that_ends_before_export_has_no_engine_to_attach(trunnion: Run, repository: Path) -> None:
    usecase = repository / "training" / "usecases" / "sorting_cell.yaml"
    answer = trunnion("run", usecase, "--engine", "--until", "train")
    assert answer.returncode == 2
    assert "a run until train" in answer.stderr


def test_a_use_case_without_a_detector_has_no_engine(small_flow: ModuleType) -> None:
    with pytest.raises(BadInput, match="a use case without a detector"):
        require_engine(small_flow.small_usecase())
