"""An export and its proof, small, whole and in agreement: each test then breaks one thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trunnion_contract.bundle import MODEL, PROOF, REPORT, pack
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import (
    Accuracy,
    DetectorModel,
    DetectorVariant,
    ModelManifest,
    PrecisionParity,
)
from trunnion_contract.proof import Gate, Proof
from trunnion_contract.tensor import TensorSpec

NETWORK, INT8_NETWORK = b"a network", b"a network in int8"
USECASE_DIGEST = digest_bytes(b"a use case")


@pytest.fixture
def model() -> ModelManifest:
    spec = DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 320, 320)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 300, 6)),
        image_size_px=320,
        labels=("gear",),
        confidence_threshold=0.4,
    )
    network = DetectorModel(file="detector.onnx", sha256=digest_bytes(NETWORK), parity=(), spec=spec)
    return ModelManifest(
        name="cell",
        version="0.1.0",
        problem="p",
        usecase_digest=USECASE_DIGEST,
        dataset_digest=None,
        detector=network,
        made_with={},
        licences={},
    )


@pytest.fixture
def int8_variant() -> DetectorVariant:
    parity = PrecisionParity(
        images=70,
        map50_drop_points=0.1,
        map50_95_drop_points=0.4,
        map50_95_drop_max_points=1.0,
        boxes_largest_px=3.0,
    )
    return DetectorVariant(
        file="detector.int8.onnx",
        sha256=digest_bytes(INT8_NETWORK),
        precision="int8",
        parity=parity,
        accuracy=Accuracy(images=70, map50=0.94, map50_95=0.72),
    )


@pytest.fixture
def model_in_int8(model: ModelManifest, int8_variant: DetectorVariant) -> ModelManifest:
    """The model with a second network."""
    assert model.detector is not None
    accuracy = Accuracy(images=70, map50=0.941, map50_95=0.724)
    both = {"accuracy": accuracy, "variants": (int8_variant,)}
    return model.model_copy(update={"detector": model.detector.model_copy(update=both)})


@pytest.fixture
def proof(model: ModelManifest) -> Proof:
    return Proof(
        name=model.name,
        version=model.version,
        usecase_digest=model.usecase_digest,
        dataset_digest=None,
        model_digest=model.digest(),
        files=model.files(),
        runtime={},
        gates=(Gate(name="detector mAP50", got="0.95", wanted="at least 0.90", passed=True),),
        simulated=False,
    )


@pytest.fixture
def export_dir(tmp_path: Path, model: ModelManifest) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "detector.onnx").write_bytes(NETWORK)
    write_json(folder / MODEL, model.model_dump(mode="json", by_alias=True))
    return folder


@pytest.fixture
def prove_dir(tmp_path: Path, proof: Proof) -> Path:
    folder = tmp_path / "prove"
    folder.mkdir()
    write_json(folder / PROOF, proof.model_dump(mode="json", by_alias=True))
    (folder / REPORT).write_text("<html></html>")
    return folder


@pytest.fixture
def bundle_file(tmp_path: Path, export_dir: Path, prove_dir: Path) -> Path:
    path = tmp_path / "cell-0.1.0.trunnion"
    pack(export_dir, prove_dir, path, card="# A model")
    return path


@pytest.fixture
def rewrite_proof(prove_dir: Path, proof: Proof) -> Callable[..., None]:
    """Put a proof with other values in place of the passing one."""

    def rewrite(**changes: object) -> None:
        changed = proof.model_copy(update=changes)
        write_json(prove_dir / PROOF, changed.model_dump(mode="json", by_alias=True))

    return rewrite
