"""Export: ONNX in a form that the robot knows, measured against torch, refused when it is too far."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.training.networks import untrained_ultralytics
from tests.training.shapes import make_usecase

from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.files import digest_file
from trunnion_contract.manifest import LEARNING_CURVES, Accuracy, ModelManifest, PrecisionParity
from trunnion_contract.progress import Silent
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import Export, UseCase
from trunnion_edge.detector import Detector
from trunnion_edge.exported import load_export
from trunnion_edge.labelled_images import labelled, split_images
from trunnion_training.export import export
from trunnion_training.precision.variants import Reference
from trunnion_training.vision.checkpoint import load_model
from trunnion_training.vision.family import DetectorForm
from trunnion_training.vision.finetune import fine_tune
from trunnion_training.vision.onnx_export import export_onnx
from trunnion_training.vision.ultralytics_family import Ultralytics
from trunnion_training.vision.ultralytics_network import has_own_choice


def test_the_export_opens_on_the_robot_and_says_what_it_is(
    shapes: tuple[UseCase, Path], trained: Path, tmp_path: Path
) -> None:
    usecase, dataset_dir = shapes
    manifest = export(usecase, dataset_dir, trained, tmp_path, Silent())
    assert manifest.detector is not None
    assert manifest.detector.parity[0].passed
    assert manifest.detector.parity[0].samples == 3
    assert manifest.detector.sha256 == digest_file(tmp_path / "detector.onnx")
    assert manifest.licences["detector"].startswith("AGPL-3.0")
    assert list(manifest.files()) == ["detector.onnx"]
    drawn = LEARNING_CURVES["detector"]
    assert (tmp_path / drawn).read_bytes() == (trained / drawn).read_bytes()
    written = json.loads((tmp_path / "model.json").read_text())
    assert written["detector"]["variants"] == []
    with Detector.from_model(*load_export(tmp_path)) as detector:
        assert detector.labels == ("disc", "bar")
        detector.detect(np.zeros((48, 64, 3), np.uint8))


def test_an_export_in_three_precisions_opens_in_each(
    shapes: tuple[UseCase, Path], trained: Path, tmp_path: Path
) -> None:
    usecase, dataset_dir = shapes
    wanted = Export.model_validate({"precisions": ["fp32", "fp16", "int8"], "map_drop_max_points": 100})
    usecase = usecase.model_copy(update={"export": wanted})
    manifest = export(usecase, dataset_dir, trained, tmp_path, Silent())
    assert manifest.files() == {
        name: digest_file(tmp_path / name)
        for name in ("detector.onnx", "detector.fp16.onnx", "detector.int8.onnx")
    }
    assert (tmp_path / "detector.int8.onnx").stat().st_size < 0.5 * (
        tmp_path / "detector.onnx"
    ).stat().st_size
    assert "onnxruntime" in manifest.made_with
    for precision in wanted.precisions:
        with Detector.from_model(*load_export(tmp_path), precision=precision) as detector:
            detector.detect(np.zeros((48, 64, 3), np.uint8))


def test_a_precision_that_loses_too_much_is_a_failed_gate_and_leaves_what_was_measured(
    shapes: tuple[UseCase, Path], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usecase, dataset_dir = shapes
    strict = Export.model_validate({"precisions": ["fp32", "fp16"]})
    monkeypatch.setattr(Reference, "compare", _lossy)
    with pytest.raises(GatesFailed, match=r"fp16 lost 2\.50 points.*wanted at most 1 points of mAP50-95"):
        export(usecase.model_copy(update={"export": strict}), dataset_dir, trained, tmp_path, Silent())
    detector = read_json(ModelManifest, tmp_path / "model.json").detector
    assert detector is not None
    assert not detector.variants[0].parity.passed
    assert (tmp_path / detector.variants[0].file).exists()


def _lossy(self: Reference, network: bytes, drop_max_points: float) -> tuple[PrecisionParity, Accuracy]:
    parity = PrecisionParity(
        images=3,
        map50_drop_points=2.0,
        map50_95_drop_points=2.5,
        map50_95_drop_max_points=drop_max_points,
        boxes_largest_px=0,
    )
    return parity, Accuracy(images=3, map50=0.5, map50_95=0.4)


def test_the_same_checkpoint_gives_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    form = DetectorForm(image_size_px=64, labels=("disc", "bar"), confidence_threshold=0.25)
    for name in ("a.onnx", "b.onnx"):
        export_onnx(Ultralytics().load(trained / "detector.pt", form, merged=True), tmp_path / name, 17)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


@pytest.mark.parametrize(
    ("architecture", "of_masks", "of_points"),
    [("yolo26n-seg.yaml", True, False), ("yolo11n-pose.yaml", False, True), ("yolo11n.yaml", False, False)],
)
def test_a_checkpoint_of_any_task_is_exported_with_parity_as_it_is(
    shapes: tuple[UseCase, Path], architecture: str, of_masks: bool, of_points: bool, tmp_path: Path
) -> None:
    _, dataset_dir = shapes
    untrained_ultralytics(architecture, tmp_path / "base.pt")
    usecase = make_usecase(dataset_dir, base=str(tmp_path / "base.pt"), epochs=0)
    # A network that learnt nothing makes more of rounding.
    limits = Export.model_validate({"parity": {"boxes_max_px": 0.05}})
    usecase = usecase.model_copy(update={"export": limits})
    fine_tune(usecase, dataset_dir, tmp_path / "train", Silent())
    manifest = export(usecase, dataset_dir, tmp_path / "train", tmp_path / "export", Silent())
    assert manifest.detector is not None
    assert manifest.detector.parity[0].passed
    assert not (tmp_path / "export" / LEARNING_CURVES["detector"]).exists()
    # What parity compared, so that it says something.
    ((image, _),) = labelled(split_images(dataset_dir, "test")[:1])
    exported = load_export(tmp_path / "export")
    with Detector.from_model(*exported, confidence_threshold=0.06) as detector:
        seen = detector.detect(image)
    assert len(seen) > 0
    assert (seen.masks is not None, seen.keypoints is not None) == (of_masks, of_points)


def test_a_parity_that_fails_is_a_failed_gate_and_leaves_what_was_measured(
    shapes: tuple[UseCase, Path], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usecase, dataset_dir = shapes
    strict = Export.model_validate({"parity": {"map50_difference_max": 1e-12}})
    usecase = usecase.model_copy(update={"export": strict})
    monkeypatch.setattr("trunnion_training.parity.measure", _drifting())
    with pytest.raises(GatesFailed, match=r"ΔmAP50 -?0.01"):
        export(usecase, dataset_dir, trained, tmp_path, Silent())
    assert not read_json(ModelManifest, tmp_path / "model.json").detector.parity[0].passed  # type: ignore[union-attr]


def test_export_before_training_says_so(shapes: tuple[UseCase, Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="run trunnion train first"):
        export(shapes[0], shapes[1], tmp_path, tmp_path, Silent())


def test_yolo26_gives_each_object_once_by_itself(trained: Path) -> None:
    assert has_own_choice(load_model(trained / "detector.pt"))


def _drifting():  # type: ignore[no-untyped-def]
    """An accuracy that is a hundredth lower at every call."""
    values = iter((0.51, 0.50))

    class Accuracy:
        map50 = 0.0

    def measure(detections: object, truths: object) -> Accuracy:
        accuracy = Accuracy()
        accuracy.map50 = next(values)
        return accuracy

    return measure
