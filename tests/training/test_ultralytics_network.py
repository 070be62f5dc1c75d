"""Ultralytics networks of every kind become what the robot knows: chosen boxes or candidates, masks, keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from tests.training.networks import untrained_ultralytics

from trunnion_contract.errors import BadInput
from trunnion_training.vision.checkpoint import load_model
from trunnion_training.vision.family import DetectorForm, Trained
from trunnion_training.vision.onnx_export import export_onnx
from trunnion_training.vision.torch_engine import TorchEngine
from trunnion_training.vision.ultralytics_network import exportable

SIZE_PX = 64
pytestmark = pytest.mark.usefixtures("one_thread")
ANCHORS = 8 * 8 + 4 * 4 + 2 * 2
FORM = DetectorForm(image_size_px=SIZE_PX, labels=("disc", "bar"), confidence_threshold=0.25)
KINDS = {
    "yolo26n.yaml": ("detection", "chosen", (1, ANCHORS, 6)),
    "yolo26n-seg.yaml": ("segmentation", "chosen", (1, ANCHORS, 6 + 32)),
    "yolo26n-pose.yaml": ("pose", "chosen", (1, ANCHORS, 6 + 17 * 3)),
    "yolo11n.yaml": ("detection", "candidates", (1, 4 + 2, ANCHORS)),
    "yolo11n-seg.yaml": ("segmentation", "candidates", (1, 4 + 2 + 32, ANCHORS)),
    "yolo11n-pose.yaml": ("pose", "candidates", (1, 4 + 2 + 17 * 3, ANCHORS)),
}


def load(folder: Path, architecture: str, form: DetectorForm = FORM, *, merged: bool = False) -> Trained:
    checkpoint = folder / "detector.pt"
    if not checkpoint.exists():
        untrained_ultralytics(architecture, checkpoint)
    return exportable(load_model(checkpoint), form, merged=merged)


def exported(folder: Path, architecture: str, form: DetectorForm = FORM) -> ort.InferenceSession:
    target = folder / "detector.onnx"
    export_onnx(load(folder, architecture, form, merged=True), target, 17)
    return ort.InferenceSession(target, providers=["CPUExecutionProvider"])


def images(count: int = 1) -> np.ndarray:
    return 0.4 * np.random.default_rng(0).random((count, 3, SIZE_PX, SIZE_PX), np.float32)


def assert_same_rows(got: np.ndarray, wanted: np.ndarray) -> None:
    """Every row [columns] has its like in the other table; scores that differ in the last digit change ranks."""
    gaps = np.abs(got[:, None] - wanted[None]).max(axis=2)
    # Boxes of a network that learnt nothing are hundreds of pixels large.
    largest = 1e-4 * np.abs(wanted).max()
    assert gaps.min(axis=0).max() < largest
    assert gaps.min(axis=1).max() < largest


@pytest.mark.parametrize("architecture", KINDS)
def test_the_spec_says_what_the_exported_network_gives_and_torch_gives_the_same(
    architecture: str, tmp_path: Path
) -> None:
    trained, session = load(tmp_path, architecture), exported(tmp_path, architecture)
    task, form, shape = KINDS[architecture]
    assert (trained.spec.task, trained.spec.form, trained.spec.output.shape) == (task, form, shape)
    said = [(tensor.name, list(tensor.shape)) for tensor in trained.spec.outputs]
    assert [(tensor.name, tensor.shape) for tensor in session.get_outputs()] == said
    wanted = TorchEngine(trained).infer({"images": images()})
    got = dict(zip(wanted, session.run(list(wanted), {"images": images()}), strict=True))
    assert list(wanted) == [tensor.name for tensor in trained.spec.outputs]
    assert all(list(got[name].shape) == shape for name, shape in said)
    rows = [boxes["output0"][0] for boxes in (got, wanted)]
    assert_same_rows(*(table if form == "chosen" else table.T for table in rows))
    if trained.spec.masks:
        largest = np.abs(wanted["output1"]).max()
        np.testing.assert_allclose(got["output1"], wanted["output1"], rtol=0, atol=1e-3 * largest)


def test_prototypes_have_the_proportions_of_the_image(tmp_path: Path) -> None:
    masks = load(tmp_path, "yolo11n-seg.yaml").spec.masks
    assert masks is not None
    assert (masks.coefficients, masks.prototypes.shape) == (32, (1, 32, SIZE_PX // 4, SIZE_PX // 4))


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        (None, ("0", "1", "2")),
        ({0: ["left", "right", "tip"], 1: ["a", "b", "c"]}, ("left", "right", "tip")),
        ({0: ["too", "few"]}, ("0", "1", "2")),
    ],
)
def test_keypoints_are_called_as_the_checkpoint_calls_them_or_counted(
    named: dict[int, list[str]] | None, wanted: tuple[str, ...], tmp_path: Path
) -> None:
    untrained_ultralytics("yolo11n-pose.yaml", tmp_path / "detector.pt", points=(3, 2), kpt_names=named)
    keypoints = load(tmp_path, "yolo11n-pose.yaml").spec.keypoints
    assert keypoints is not None
    assert (keypoints.names, keypoints.values) == (wanted, 2)


@pytest.mark.parametrize("architecture", ["yolov8n.yaml", "yolo11n-seg.yaml", "yolo11n-pose.yaml"])
def test_suppression_can_be_inside_the_graph(architecture: str, tmp_path: Path) -> None:
    form = DetectorForm(SIZE_PX, FORM.labels, 0.25, suppression="graph")
    trained, session = load(tmp_path, architecture, form), exported(tmp_path, architecture, form)
    assert trained.spec.form == "chosen"
    assert (
        list(trained.spec.output.shape) == session.get_outputs()[0].shape == [1, 300, 6 + trained.spec.extras]
    )
    wanted = TorchEngine(trained).infer({"images": images()})["output0"]
    (got,) = session.run(["output0"], {"images": images()})
    assert_same_rows(got[0], wanted[0])


@pytest.mark.parametrize("architecture", ["yolo26n.yaml", "yolo26n-seg.yaml", "yolo11n-pose.yaml"])
def test_several_images_at_once_give_what_each_gives_alone(architecture: str, tmp_path: Path) -> None:
    form = DetectorForm(SIZE_PX, FORM.labels, 0.25, batch_max=4)
    session = exported(tmp_path, architecture, form)
    assert [given.shape[0] for given in (*session.get_inputs(), *session.get_outputs())] == ["N"] * (
        1 + len(session.get_outputs())
    )
    three = images(3)
    together = session.run(None, {"images": three})
    for index in range(3):
        alone = session.run(None, {"images": three[index : index + 1]})
        for of_all, of_one in zip(together, alone, strict=True):
            np.testing.assert_allclose(of_all[index], of_one[0], rtol=1e-4, atol=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size_px": 80}, "image_size_px: got 80, wanted a multiple of 32"),
        ({"channels": 1}, "images of 1 channels, wanted 3"),
    ],
)
def test_a_network_that_cannot_see_the_robots_images_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    form = DetectorForm(change.get("image_size_px", SIZE_PX), FORM.labels, 0.25)
    untrained_ultralytics("yolo11n.yaml", tmp_path / "detector.pt", channels=change.get("channels", 3))
    with pytest.raises(BadInput, match=message):
        load(tmp_path, "yolo11n.yaml", form)
