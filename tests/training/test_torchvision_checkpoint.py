"""Checkpoints of torchvision networks are data: read without running anything, refused where they do not fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from trunnion_contract.errors import BadInput
from trunnion_training.vision.torchvision_checkpoint import (
    is_one,
    read,
    read_weights,
    restore,
    start_from,
    write,
)
from trunnion_training.vision.torchvision_network import ARCHITECTURES, build

LABELS = ("disc", "bar")


class Network(torch.nn.Module):
    """Two layers, one of which depends on the number of classes."""

    def __init__(self, classes: int, width: int = 3) -> None:
        super().__init__()
        self.backbone = torch.nn.Linear(4, width)
        self.classification_head = torch.nn.Linear(3, classes)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    write(Network(2), "ssdlite320_mobilenet_v3_large", LABELS, tmp_path / "detector.pt")
    return tmp_path / "detector.pt"


def test_what_was_written_is_read(checkpoint: Path) -> None:
    content, network = read(checkpoint), Network(2)
    restore(network, content, checkpoint)
    assert (content.architecture, content.labels) == ("ssdlite320_mobilenet_v3_large", LABELS)
    assert is_one(checkpoint)
    assert torch.equal(network.backbone.weight, content.weights["backbone.weight"])


@pytest.mark.parametrize("data", [b"", b"no checkpoint", b"\x80\x04cos\nsystem\n(S'true'\ntR."])
def test_any_other_file_is_none(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "detector.pt").write_bytes(data)
    assert not is_one(tmp_path / "detector.pt")
    with pytest.raises(BadInput, match="got another kind of file"):
        read(tmp_path / "detector.pt")
    with pytest.raises(BadInput, match=r"wanted weights of torchvision \(\*\.pth\)"):
        read_weights(tmp_path / "detector.pt")


def test_a_checkpoint_with_a_layer_of_another_shape_is_refused(checkpoint: Path) -> None:
    with pytest.raises(BadInput, match=r"size mismatch for classification_head.*a Network"):
        restore(Network(3), read(checkpoint), checkpoint)


def test_weights_of_other_classes_leave_the_classes_random(checkpoint: Path) -> None:
    network = Network(5)
    before = network.classification_head.weight.clone()
    start_from(network, read(checkpoint).weights, checkpoint)
    assert torch.equal(network.backbone.weight, read(checkpoint).weights["backbone.weight"])
    assert torch.equal(network.classification_head.weight, before)


def test_weights_of_another_architecture_are_refused(checkpoint: Path) -> None:
    weights = dict(read(checkpoint).weights)
    with pytest.raises(BadInput, match="size mismatch for backbone"):
        start_from(Network(2, width=5), weights, checkpoint)
    del weights["backbone.weight"]
    with pytest.raises(BadInput, match=r"weights without backbone\.weight"):
        start_from(Network(2), weights, checkpoint)


def test_published_weights_are_names_and_tensors(tmp_path: Path) -> None:
    torch.save(Network(91).state_dict(), tmp_path / "weights.pth")
    assert set(read_weights(tmp_path / "weights.pth")) == set(Network(91).state_dict())
    with pytest.raises(BadInput, match="got no such file"):
        read_weights(tmp_path / "absent.pth")


def test_retinanet_weights_are_understood_as_they_were_published(tmp_path: Path) -> None:
    """With frozen normalisation, which counts no batches, older names of layers, and 91 classes."""
    network = build(ARCHITECTURES["retinanet_resnet50_fpn"], 91, 64)
    published = {
        _as_it_was_called(name): value
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert "head.regression_head.conv.0.weight" in published
    torch.save(published, tmp_path / "weights.pth")
    started = build(ARCHITECTURES["retinanet_resnet50_fpn"], 2, 64)
    start_from(started, read_weights(tmp_path / "weights.pth"), tmp_path / "weights.pth")
    before, after = network.state_dict(), started.state_dict()
    differs = {name for name in before if not torch.equal(before[name], after[name])}
    assert differs == {f"head.classification_head.cls_logits.{part}" for part in ("weight", "bias")}


def _as_it_was_called(name: str) -> str:
    """`conv.1.0.weight` was `conv.2.weight` when an activation stood between two convolutions."""
    return re.sub(r"(head\.\w+\.conv\.)(\d)\.0\.", lambda found: f"{found[1]}{2 * int(found[2])}.", name)
