"""The model card says what was measured, each in one sentence."""

from __future__ import annotations

import pytest

from trunnion.model_card import _difference, _measured
from trunnion_contract.files import digest_bytes
from trunnion_contract.manifest import Parity
from trunnion_contract.proof import DetectorEvaluation, Gate, Proof, VariantProof

MEASURED = {
    "step": "torch to onnx",
    "samples": 12,
    "absolute": 3.1e-5,
    "absolute_max": 1e-3,
    "relative": 2e-7,
}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "at most 3.10e-05 (allowed 1e-03), relative 2.00e-07"),
        (
            {"map50_difference": 0.0004, "map50_difference_max": 0.002},
            "at most 3.10e-05 (allowed 1e-03), relative 2.00e-07, mAP50 by 0.0004 (allowed 0.002)",
        ),
    ],
)
def test_a_difference_is_named_in_every_measure(more, words):
    assert _difference(Parity(**MEASURED, **more)) == words


def test_the_accuracy_of_the_detector_is_one_sentence_on_one_line():
    evaluation = DetectorEvaluation(images=12, map50=0.9551, map50_95=0.6664, map50_by_class={}, confusion=())
    digests = {name: digest_bytes(b"") for name in ("usecase_digest", "model_digest")}
    gate = Gate(name="detector mAP50", got="0.955", wanted="at least 0.9", passed=True)
    about = {"name": "small", "version": "0.1.0", "dataset_digest": None, "files": {}, "runtime": {}}
    proof = Proof(**about, **digests, detector=evaluation, gates=(gate,), simulated=True)
    lines = list(_measured(proof))
    assert "Detector on 12 unseen images: mAP50 0.955, mAP50-95 0.666." in lines
    assert not [line for line in lines if line != line.rstrip()]


def test_every_precision_says_what_it_reached():
    evaluation = DetectorEvaluation(images=12, map50=0.9551, map50_95=0.6664, map50_by_class={}, confusion=())
    digests = {name: digest_bytes(b"") for name in ("usecase_digest", "model_digest")}
    gate = Gate(name="detector mAP50, int8", got="0.955", wanted="at least 0.9", passed=True)
    about = {"name": "small", "version": "0.1.0", "dataset_digest": None, "files": {}, "runtime": {}}
    int8 = VariantProof(precision="int8", sha256="0", detector=evaluation)
    proof = Proof(**about, **digests, detector=evaluation, variants=(int8,), gates=(gate,), simulated=True)
    assert "As int8: mAP50 0.955, mAP50-95 0.666." in list(_measured(proof))
