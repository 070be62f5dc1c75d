"""A permissively licensed detector: learns from few images, goes on after a stop, is exported, proven and licensed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.shapes import make_usecase, yolo_folder

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import Export, UseCase
from trunnion_edge.detector import Detector
from trunnion_edge.exported import load_export
from trunnion_edge.labelled_images import labelled, split_images
from trunnion_training.dataset import build
from trunnion_training.export import export
from trunnion_training.vision.families import family_of, family_of_checkpoint
from trunnion_training.vision.finetune import fine_tune
from trunnion_training.vision.torchvision_checkpoint import read
from trunnion_training.vision.torchvision_family import Torchvision
from trunnion_training.vision.ultralytics_family import Ultralytics

BASE = "torchvision:ssdlite320_mobilenet_v3_large"
SIZE_PX = 128
pytestmark = pytest.mark.usefixtures("one_thread")


class StopsAfter(Silent):
    """Progress that stops the training at a step, as Ctrl-C would, and keeps the notes."""

    def __init__(self, steps: int = 10_000) -> None:
        self.left, self.notes = steps, list[str]()

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.notes.append(note)
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def dataset_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many_shapes")
    build(make_usecase(yolo_folder(root / "source", 48)), root / "data", Silent())
    return root / "data"


def usecase_of(dataset_dir: Path, **detector: object) -> UseCase:
    settings = {"base": BASE, "image_size_px": SIZE_PX, "epochs": 1, "batch": 8, "learning_rate": 2e-3}
    return make_usecase(dataset_dir, **settings | detector)


@pytest.fixture(scope="module")
def learnt(one_thread: None, dataset_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a detector that was trained from random weights."""
    train_dir = tmp_path_factory.mktemp("learnt")
    fine_tune(usecase_of(dataset_dir, epochs=24), dataset_dir, train_dir, Silent())
    return train_dir


def test_training_from_random_weights_finds_the_objects(learnt: Path) -> None:
    metrics = json.loads((learnt / "detector_metrics.json").read_text())
    losses = np.add(metrics["history"]["train/box_loss"], metrics["history"]["train/cls_loss"])
    assert losses[-1] < 0.1 * losses[0]
    assert metrics["test"]["map50"] > 0.9
    assert metrics["history"]["epoch"] == list(range(1, 25))
    assert sorted(path.name for path in learnt.iterdir()) == [
        "augmentation.html", "detector.pt", "detector_curves.png", "detector_metrics.json",
    ]  # fmt: skip


def test_the_checkpoint_holds_names_and_weights_and_tells_nothing_of_the_machine(
    learnt: Path, dataset_dir: Path
) -> None:
    content = read(learnt / "detector.pt")
    assert (content.architecture, content.labels) == (BASE.partition(":")[2], ("disc", "bar"))
    assert str(dataset_dir).encode() not in (learnt / "detector.pt").read_bytes()


def test_every_precision_is_exported_with_parity_and_finds_the_objects(
    learnt: Path, dataset_dir: Path, tmp_path: Path
) -> None:
    wanted = Export.model_validate({"precisions": ["fp32", "fp16", "int8"], "map_drop_max_points": 5})
    usecase = usecase_of(dataset_dir, epochs=24).model_copy(update={"export": wanted})
    manifest = export(usecase, dataset_dir, learnt, tmp_path, Silent())
    assert manifest.detector is not None
    assert manifest.detector.parity[0].passed
    assert manifest.detector.spec.form == "candidates"
    assert manifest.licences["detector"] == "BSD-3-Clause (torchvision)"
    assert "torchvision" in manifest.made_with
    assert "ultralytics" not in manifest.made_with
    ((image, truth),) = labelled(split_images(dataset_dir, "test")[:1])
    for precision in wanted.precisions:
        exported = load_export(tmp_path)
        with Detector.from_model(*exported, precision=precision, confidence_threshold=0.05) as detector:
            found = detector.detect(image)
        assert {0, 1} <= set(found.class_ids)
        for box, class_id in zip(truth.boxes_px, truth.class_ids, strict=True):
            assert np.abs(found.boxes_px[found.class_ids == class_id][0] - box).max() < 4
    sizes = [(tmp_path / name).stat().st_size for name in manifest.files()]
    assert sizes[1] < 0.7 * sizes[0]
    assert sizes[2] < 0.7 * sizes[0]


def test_a_run_that_was_stopped_ends_like_one_that_was_not(dataset_dir: Path, tmp_path: Path) -> None:
    usecase = usecase_of(dataset_dir, epochs=2, batch=12, image_size_px=64)
    fine_tune(usecase, dataset_dir, tmp_path / "whole", Silent())
    with pytest.raises(KeyboardInterrupt):
        fine_tune(usecase, dataset_dir, tmp_path / "stopped", StopsAfter(3))
    assert not (tmp_path / "stopped" / "detector.pt").exists()
    progress = StopsAfter()
    fine_tune(usecase, dataset_dir, tmp_path / "stopped", progress)
    assert progress.notes[0] == "resumed after epoch 1"
    histories = [
        json.loads((tmp_path / name / "detector_metrics.json").read_text())["history"]
        for name in ("whole", "stopped")
    ]
    assert histories[0] == histories[1]
    assert histories[0]["epoch"] == [1, 2]


def test_another_learning_rate_begins_anew(dataset_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fine_tune(usecase_of(dataset_dir, epochs=2, batch=12), dataset_dir, tmp_path, StopsAfter(3))
    progress = StopsAfter(0)
    changed = usecase_of(dataset_dir, epochs=2, batch=12, learning_rate=1e-4)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(changed, dataset_dir, tmp_path, progress)
    assert progress.notes[0].startswith("epoch 1 of 2")


def test_a_checkpoint_is_gone_on_from_and_taken_as_it_is(
    learnt: Path, dataset_dir: Path, tmp_path: Path
) -> None:
    base = str(learnt / "detector.pt")
    as_it_is = usecase_of(dataset_dir, base=base, epochs=0)
    fine_tune(as_it_is, dataset_dir, tmp_path / "taken", Silent())
    assert (tmp_path / "taken" / "detector.pt").read_bytes() == (learnt / "detector.pt").read_bytes()
    fine_tune(usecase_of(dataset_dir, base=base, learning_rate=1e-4), dataset_dir, tmp_path / "on", Silent())
    metrics = json.loads((tmp_path / "on" / "detector_metrics.json").read_text())
    assert metrics["test"]["map50"] > 0.9


def test_a_checkpoint_of_other_classes_is_not_taken_as_it_is(
    learnt: Path, dataset_dir: Path, tmp_path: Path
) -> None:
    usecase = usecase_of(dataset_dir, base=str(learnt / "detector.pt"), epochs=0)
    usecase = usecase.model_copy(update={"classes": ("bar", "disc")})
    with pytest.raises(BadInput, match=r"got bar, disc, wanted disc, bar, as .*detector\.pt knows them"):
        fine_tune(usecase, dataset_dir, tmp_path, Silent())


def test_training_starts_from_published_weights(learnt: Path, dataset_dir: Path, tmp_path: Path) -> None:
    torch.save(dict(read(learnt / "detector.pt").weights), tmp_path / "weights.pth")
    usecase = usecase_of(dataset_dir, weights=str(tmp_path / "weights.pth"), learning_rate=1e-4)
    fine_tune(usecase, dataset_dir, tmp_path / "train", Silent())
    metrics = json.loads((tmp_path / "train" / "detector_metrics.json").read_text())
    assert metrics["test"]["map50"] > 0.9
    manifest = export(usecase, dataset_dir, tmp_path / "train", tmp_path / "export", Silent())
    assert manifest.licences["weights that the detector started from"] == "as weights.pth came with"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": "torchvision:resnet50"}, r"architecture resnet50, wanted ssdlite320_\w+ or retinanet_\w+"),
        ({"weights": "absent.pth"}, r"absent\.pth: got no such file"),
        ({"frozen_layers": 3}, r"frozen_layers: got 3, wanted 0"),
        ({"batch": 1}, r"batches of 1 from 24 images, wanted at least 2"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    change: dict[str, object], message: str, dataset_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=message):
        fine_tune(usecase_of(dataset_dir, **change), dataset_dir, tmp_path, Silent())


def test_suppression_inside_the_graph_is_refused_before_training(dataset_dir: Path, tmp_path: Path) -> None:
    usecase = usecase_of(dataset_dir).model_copy(update={"export": Export(suppression="graph")})
    with pytest.raises(BadInput, match=r"export\.suppression: got graph, wanted robot"):
        fine_tune(usecase, dataset_dir, tmp_path, Silent())


def test_the_family_is_known_by_the_base_and_by_the_checkpoint(learnt: Path, tmp_path: Path) -> None:
    assert isinstance(family_of(usecase_of(tmp_path)), Torchvision)
    assert isinstance(family_of(usecase_of(tmp_path, base=str(learnt / "detector.pt"))), Torchvision)
    assert isinstance(family_of(usecase_of(tmp_path, base="yolo26n.yaml")), Ultralytics)
    (tmp_path / "detector.pt").write_bytes(b"no checkpoint")
    assert isinstance(family_of_checkpoint(tmp_path / "detector.pt"), Ultralytics)
