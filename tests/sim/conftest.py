"""A small export and its proof, whole and in agreement."""

from __future__ import annotations

import pytest

from trunnion_contract.files import digest_bytes
from trunnion_contract.manifest import DetectorModel, DetectorSpec, ModelManifest, TensorSpec
from trunnion_contract.proof import Gate, Proof


@pytest.fixture
def model() -> ModelManifest:
    spec = DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 320, 320)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 300, 6)),
        image_size_px=320,
        labels=("gear",),
        confidence_threshold=0.4,
    )
    return ModelManifest(
        name="cell",
        version="0.1.0",
        problem="Find gears.",
        usecase_digest=digest_bytes(b"a use case"),
        dataset_digest=None,
        detector=DetectorModel(file="detector.onnx", sha256=digest_bytes(b"a network"), parity=(), spec=spec),
        made_with={"torch": "2.15.0"},
        licences={"detector.onnx": "AGPL-3.0"},
    )


@pytest.fixture
def proof(model: ModelManifest) -> Proof:
    return Proof(
        name=model.name,
        version=model.version,
        usecase_digest=model.usecase_digest,
        dataset_digest=None,
        files=model.files(),
        runtime={"engine": "onnxruntime 1.31.1"},
        gates=(Gate(name="detector mAP50", got="0.951", wanted="at least 0.90", passed=True),),
        simulated=False,
    )
