"""A small export and its proof, whole and in agreement."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sim import small_networks

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.files import digest_bytes
from trunnion_contract.manifest import (
    Accuracy,
    DetectorModel,
    DetectorVariant,
    ModelManifest,
    PrecisionParity,
)
from trunnion_contract.proof import Gate, Proof
from trunnion_contract.tensor import TensorSpec


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
        sha256=digest_bytes(b"a network in int8"),
        precision="int8",
        parity=parity,
        accuracy=Accuracy(images=70, map50=0.94, map50_95=0.72),
    )


@pytest.fixture
def model_in_int8(model: ModelManifest, int8_variant: DetectorVariant) -> ModelManifest:
    """The model with a second network."""
    assert model.detector is not None
    return model.model_copy(
        update={"detector": model.detector.model_copy(update={"variants": (int8_variant,)})}
    )


@pytest.fixture
def proof(model: ModelManifest) -> Proof:
    return Proof(
        name=model.name,
        version=model.version,
        usecase_digest=model.usecase_digest,
        dataset_digest=None,
        model_digest=model.digest(),
        files=model.files(),
        runtime={"engine": "onnxruntime 1.31.1"},
        gates=(Gate(name="detector mAP50", got="0.951", wanted="at least 0.90", passed=True),),
        simulated=False,
    )


@pytest.fixture(scope="session")
def constant_detector() -> Callable[..., bytes]:
    """`small_networks.constant_detector`."""
    return small_networks.constant_detector


@pytest.fixture(scope="session")
def policy_that_opens() -> Callable[[float], bytes]:
    """`small_networks.policy_that_opens`."""
    return small_networks.policy_that_opens


@pytest.fixture(scope="session")
def steering_policy() -> bytes:
    """A policy that never closes the hand."""
    return small_networks.policy_that_opens(0.08)


@pytest.fixture(scope="session")
def reaching_policy() -> Callable[[float], bytes]:
    """`small_networks.reaching_policy`."""
    return small_networks.reaching_policy


@pytest.fixture(scope="session")
def foreign_reach() -> str:
    """The package that registers the environments of `foreign_reach.py`, importable by its name."""
    sys.path.insert(0, str(Path(__file__).parent))
    return "foreign_reach"


@pytest.fixture(scope="session")
def networks() -> dict[str, bytes]:
    """`small_networks.networks`."""
    return small_networks.networks()
