"""Workers that learn one detector together: the same curve as one process, through the loss of a node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.cluster.simulated import KillingANode
from tests.training.shapes import make_usecase, yolo_folder

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase
from trunnion_training.dataset import build
from trunnion_training.vision.finetune import fine_tune
from trunnion_training.vision.schedule import HISTORY

EPOCHS = 3
LOSSES = ("train/box_loss", "train/cls_loss")
pytestmark = pytest.mark.usefixtures("one_thread")


class Remembering(KillingANode):
    """Also keeps what the finished epochs came to."""

    def __init__(self, cluster: Any, work_dir: Path) -> None:
        super().__init__(cluster, after=1)
        self._file, self.history = work_dir / HISTORY, dict[str, list[float]]()

    def at_the_kill(self) -> None:
        self.history = json.loads(self._file.read_text())


def usecase_of(folder: Path, **detector: Any) -> UseCase:
    settings = {"image_size_px": 128, "epochs": EPOCHS, "batch": 8, "learning_rate": 2e-3}
    return make_usecase(folder, base="torchvision:ssdlite320_mobilenet_v3_large", **settings | detector)


@pytest.fixture(scope="module")
def dataset_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shapes_together")
    build(make_usecase(yolo_folder(root / "source", 32)), root / "data", Silent())
    return root / "data"


def history_of(out_dir: Path) -> dict[str, list[float]]:
    history: dict[str, list[float]] = json.loads((out_dir / "detector_metrics.json").read_text())["history"]
    return history


def test_two_workers_that_lose_a_node_learn_as_one_process_does(
    on_cluster: Any, dataset_dir: Path, tmp_path: Path
) -> None:
    fine_tune(usecase_of(dataset_dir), dataset_dir, tmp_path / "one", Silent())
    progress = Remembering(on_cluster, tmp_path / "two" / ".detector")
    fine_tune(usecase_of(dataset_dir, workers={"count": 2}), dataset_dir, tmp_path / "two", progress)
    one, two = history_of(tmp_path / "one"), history_of(tmp_path / "two")
    assert progress.killed
    assert two["epoch"] == [1, 2, 3]
    # What was whole when the node died was not learnt again.
    whole = len(progress.history["epoch"])
    assert {name: values[:whole] for name, values in two.items()} == progress.history
    for name in LOSSES:
        np.testing.assert_allclose(two[name], one[name], rtol=0.15)
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == [
        "detector.pt", "detector_curves.png", "detector_metrics.json",
    ]  # fmt: skip


@pytest.mark.usefixtures("on_cluster")
def test_two_workers_train_with_ultralytics_own_trainer_as_one_process_does(
    dataset_dir: Path, tmp_path: Path
) -> None:
    settings = {"image_size_px": 64, "epochs": 2, "batch": 8}
    for name, workers in (("one", 1), ("two", 2)):
        usecase = make_usecase(dataset_dir, **settings, workers={"count": workers})
        fine_tune(usecase, dataset_dir, tmp_path / name, Silent())
    one, two = history_of(tmp_path / "one"), history_of(tmp_path / "two")
    assert one["epoch"] == two["epoch"] == [1, 2]
    for name in (name for name in one if name.startswith("train/")):
        np.testing.assert_allclose(two[name], one[name], rtol=0.3)


@pytest.mark.usefixtures("on_cluster")
def test_what_starting_anew_would_not_mend_ends_the_training_with_its_own_words(
    dataset_dir: Path, tmp_path: Path
) -> None:
    usecase = usecase_of(dataset_dir, workers={"count": 2}, batch=2)
    with pytest.raises(BadInput, match=r"models\.detector\.batch: got batches of 2 .*for each of 2 workers"):
        fine_tune(usecase, dataset_dir, tmp_path, Silent())
