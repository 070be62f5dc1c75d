"""Detectors of torchvision without torchvision: the same boxes from candidates, which the robot suppresses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.decode import decode
from trunnion_edge.preprocess import Letterbox
from trunnion_training.vision.family import DetectorForm
from trunnion_training.vision.onnx_export import export_onnx
from trunnion_training.vision.torchvision_network import ARCHITECTURES, Model, build, exportable, loss

SIZE_PX = 128
SSDLITE, RETINANET = ARCHITECTURES
# torchvision lets an anchor of RetinaNet be of several classes at once, the robot only of the surest.
LABELS = {SSDLITE: ("disc", "bar"), RETINANET: ("disc",)}
SURE = 0.5
pytestmark = pytest.mark.usefixtures("one_thread")


def form(name: str, batch_max: int = 1) -> DetectorForm:
    return DetectorForm(SIZE_PX, LABELS[name], confidence_threshold=0.3, batch_max=batch_max)


def images(count: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).random((count, 3, SIZE_PX, SIZE_PX), np.float32))


def sure_of_some(name: str) -> Model:
    """A network that learnt nothing but what random images look like, and that is sure of some boxes."""
    torch.manual_seed(0)
    model = build(ARCHITECTURES[name], len(LABELS[name]), SIZE_PX).train()
    target = {"boxes": torch.tensor([[10.0, 10.0, 40.0, 50.0]]), "labels": torch.tensor([0])}
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
    with torch.no_grad():
        loss(model, images(8), [target] * 8)
        if name == RETINANET:
            model.head.classification_head.cls_logits.weight.mul_(60)
            model.head.classification_head.cls_logits.bias.fill_(-2)
    return model.eval()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_is_exported_and_suppressed_on_the_robot_is_what_torchvision_finds(
    name: str, tmp_path: Path
) -> None:
    model = sure_of_some(name)
    trained = exportable(model, ARCHITECTURES[name], form(name))
    assert (trained.spec.form, trained.spec.nms_threshold) == ("candidates", model.nms_thresh)
    export_onnx(trained, tmp_path / "detector.onnx", 17)
    with open_engine(tmp_path / "detector.onnx", EngineSettings(device="cpu")) as engine:
        assert engine.specs.outputs == trained.spec.outputs
        outputs = engine.infer({"images": images().numpy()})
    (found,) = decode(outputs, trained.spec, [Letterbox.fit(SIZE_PX, SIZE_PX, SIZE_PX)], SURE)
    # Its own limits, which cut off what is unsure.
    model.topk_candidates = model.detections_per_img = 10_000
    with torch.no_grad():
        (wanted,) = model(list(images()))
    sure = wanted["scores"] >= SURE
    assert 20 < int(sure.sum()) < 300
    np.testing.assert_allclose(found.scores, wanted["scores"][sure], atol=1e-4)
    labels = wanted["labels"][sure].numpy() - ARCHITECTURES[name].background
    for box, label in zip(wanted["boxes"][sure].numpy(), labels, strict=True):
        gaps = np.abs(found.boxes_px[found.class_ids == label] - box).max(axis=1)
        assert gaps.min() < 0.01


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_several_images_at_once_give_what_each_gives_alone(name: str, tmp_path: Path) -> None:
    trained = exportable(sure_of_some(name), ARCHITECTURES[name], form(name, batch_max=4))
    export_onnx(trained, tmp_path / "detector.onnx", 17)
    session = ort.InferenceSession(tmp_path / "detector.onnx", providers=["CPUExecutionProvider"])
    assert [given.shape[0] for given in (*session.get_inputs(), *session.get_outputs())] == ["N", "N"]
    three = images(3).numpy()
    (together,) = session.run(None, {"images": three})
    for index in range(3):
        (alone,) = session.run(None, {"images": three[index : index + 1]})
        np.testing.assert_allclose(together[index], alone[0], rtol=1e-4, atol=1e-3)


def test_no_scaling_stands_between_the_image_and_the_network() -> None:
    model = build(ARCHITECTURES[SSDLITE], 1, SIZE_PX).eval()
    scaled, _ = model.transform(list(images()))
    mean, std = (torch.tensor(given).reshape(1, 3, 1, 1) for given in ([0.5] * 3, [0.5] * 3))
    torch.testing.assert_close(scaled.tensors, (images() - mean) / std)


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("asked for a file from the network")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    for name, architecture in ARCHITECTURES.items():
        build(architecture, len(LABELS[name]), SIZE_PX)
