"""The model card says what was measured, each in one sentence."""

from __future__ import annotations

import pytest

from trunnion.model_card import _classes, _difference, _engines, _measured
from trunnion_contract.attached_engines import AttachedEngines
from trunnion_contract.engine_key import EngineKey, PlanRecord
from trunnion_contract.files import digest_bytes
from trunnion_contract.manifest import ModelManifest, Parity
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


def test_attached_engines_are_named_with_what_they_are_for_and_how_near_they_came():
    spec = {"name": "t", "dtype": "float32", "shape": (1, 300, 6)}
    shape = {"input": spec, "output": spec, "image_size_px": 320, "labels": ("gear",)}
    detector = {"file": "detector.onnx", "sha256": digest_bytes(b"a network"), "parity": ()}
    model = ModelManifest.model_validate(
        {"name": "small", "version": "0.1.0", "problem": "p", "usecase_digest": "0", "dataset_digest": None}
        | {
            "detector": detector | {"spec": shape | {"confidence_threshold": 0.4}},
            "made_with": {},
            "licences": {},
        }
    )
    about = {"runtime": "tensorrt", "runtime_version": "10.3.0", "cuda": "12.6", "gpu": "Orin", "driver": ""}
    rest = {"compute_capability": "8.7", "l4t": "36.4.3", "precision": "", "shapes": {}, "settings": {}}
    key = EngineKey(onnx_sha256=digest_bytes(b"a network"), **about, **rest)
    plan = PlanRecord(key=key, plan_sha256="0", compared="boxes 0.01 px off (5 may be)")
    lines = list(_engines(AttachedEngines(plans=(plan,)), model))
    assert "and not proven themselves" in lines[1]
    assert lines[-1] == (
        "- detector.onnx for Orin, tensorrt 10.3.0, CUDA 12.6, L4T 36.4.3: boxes 0.01 px off (5 may be)"
    )


def test_each_class_has_its_recall_with_an_interval_or_says_that_it_was_not_measured():
    labels = ("gear", "nut")
    spec = {"name": "t", "dtype": "float32", "shape": (1, 300, 6)}
    shape = {
        "input": spec,
        "output": spec,
        "image_size_px": 320,
        "labels": labels,
        "confidence_threshold": 0.4,
    }
    about = {"name": "small", "version": "0.1.0", "dataset_digest": None, "usecase_digest": digest_bytes(b"")}
    detector = {"file": "detector.onnx", "sha256": digest_bytes(b""), "parity": (), "spec": shape}
    model = ModelManifest(**about, problem="p", detector=detector, made_with={}, licences={})
    found = DetectorEvaluation(
        images=9,
        map50=0.9,
        map50_95=0.7,
        map50_by_class={"gear": 0.95},
        confusion=((8, 0, 1), (0, 0, 0), (0, 0, 0)),
    )
    gate = Gate(name="detector mAP50", got="0.9", wanted="at least 0.9", passed=True)
    proof = Proof(
        **about,
        model_digest=model.digest(),
        files={},
        runtime={},
        detector=found,
        gates=(gate,),
        simulated=True,
    )
    lines = list(_classes(proof, model))
    assert "| gear | 0.950 | 0.889 | 0.565 to 0.980 | 8 of 9 |" in lines
    assert "| nut | not measured | not measured | – | – |" in lines
