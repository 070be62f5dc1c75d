from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trunnion_contract.bundle import MODEL, PROOF, REPORT, pack
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import DetectorModel, ModelManifest
from trunnion_contract.proof import Gate, Proof
from trunnion_contract.tensor import TensorSpec

HERE = Path(__file__).parent
TRUNNION = Path(sys.executable).with_name("trunnion")


@pytest.fixture(scope="session")
def small_flow() -> ModuleType:
    spec = importlib.util.spec_from_file_location("small_flow", HERE / "small_flow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def trunnion(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The installed command, run in an empty folder."""

    def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COLUMNS": "160", **variables}
        command = [str(TRUNNION), *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture
def trunnion_holding() -> Callable[[Path], AbstractContextManager[subprocess.Popen[str]]]:
    """Another process that holds a lock while the block runs."""
    program = (
        "import sys, time; from pathlib import Path; from trunnion.exclusive import only_one\n"
        "with only_one(Path(sys.argv[1]), 'at it'): print('held', flush=True); time.sleep(60)"
    )

    @contextmanager
    def hold(lock: Path) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, "-c", program, lock], stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
            holder.kill()

    return hold


@pytest.fixture
def write_small_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bundle that opens: its network is no network, but nothing gets so far as to load it.

    `network` makes it another model; what else is named changes its proof.
    """

    def write(file: str = "small-0.1.0.trunnion", network: bytes = b"a network", **proven: Any) -> Path:
        spec = DetectorSpec(
            input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 320, 320)),
            output=TensorSpec(name="output0", dtype="float32", shape=(1, 300, 6)),
            image_size_px=320,
            labels=("gear",),
            confidence_threshold=0.4,
        )
        detector = DetectorModel(file="detector.onnx", sha256=digest_bytes(network), parity=(), spec=spec)
        usecase_digest, dataset_digest = digest_bytes(b"a use case"), proven.pop("dataset_digest", None)
        about = {"name": "small", "version": "0.1.0", "usecase_digest": usecase_digest}
        about["dataset_digest"] = dataset_digest
        model = ModelManifest(**about, problem="p", detector=detector, made_with={}, licences={})
        gate = Gate(name="detector mAP50", got="0.95", wanted="at least 0.90", passed=True)
        shown = {"model_digest": model.digest(), "files": model.files()}
        proof = Proof(**about, **shown, runtime={}, gates=(gate,), simulated=False, **proven)
        folder = tmp_path / "made" / file
        folder.mkdir(parents=True)
        (folder / "detector.onnx").write_bytes(network)
        (folder / REPORT).write_text("<html></html>")
        write_json(folder / MODEL, model.model_dump(mode="json", by_alias=True))
        write_json(folder / PROOF, proof.model_dump(mode="json", by_alias=True))
        pack(folder, folder, tmp_path / file, card="# A model")
        return tmp_path / file

    return write


@pytest.fixture
def small_bundle(write_small_bundle: Callable[..., Path]) -> Path:
    """One such bundle."""
    return write_small_bundle()
