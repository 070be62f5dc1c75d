"""Fine-tuning: from a base to a small checkpoint with its metrics; stopped anywhere, it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.training.networks import untrained_ultralytics
from tests.training.shapes import make_usecase

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase
from trunnion_training.vision.checkpoint import load_model
from trunnion_training.vision.finetune import fine_tune
from trunnion_training.vision.ultralytics_family import Ultralytics, starting_point


class StopsAfter(Silent):
    """Progress that stops the work at a step, as Ctrl-C would, and keeps the notes."""

    def __init__(self, steps: int | None = None) -> None:
        self.left, self.notes = steps, list[str]()

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.notes.append(note)
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt


def test_training_leaves_a_checkpoint_of_the_use_cases_classes(trained: Path) -> None:
    model = load_model(trained / "detector.pt")
    assert model.names == {0: "disc", 1: "bar"}
    assert (trained / "detector.pt").stat().st_size < 6e6
    metrics = json.loads((trained / "detector_metrics.json").read_text())
    assert metrics["test"]["images"] == 3
    assert sorted(path.name for path in trained.iterdir()) == [
        "augmentation.html", "detector.pt", "detector_curves.png", "detector_metrics.json",
    ]  # fmt: skip


def test_a_checkpoint_tells_nothing_of_the_machine(trained: Path, shapes: tuple[UseCase, Path]) -> None:
    data = (trained / "detector.pt").read_bytes()
    assert str(shapes[1]).encode() not in data
    assert str(Path.home()).encode() not in data


def test_training_leaves_the_dataset_as_it_was(trained: Path, shapes: tuple[UseCase, Path]) -> None:
    assert not list(shapes[1].rglob("*.cache"))


def test_stopped_in_its_second_epoch_training_goes_on_after_the_first(
    shapes: tuple[UseCase, Path], trained: Path, tmp_path: Path
) -> None:
    _, dataset_dir = shapes
    # A base of the same classes takes its head along; two batches an epoch.
    usecase = make_usecase(dataset_dir, base=str(trained / "detector.pt"), epochs=2)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(usecase, dataset_dir, tmp_path, StopsAfter(2))
    assert not (tmp_path / "detector.pt").exists()
    progress = StopsAfter()
    fine_tune(usecase, dataset_dir, tmp_path, progress)
    assert progress.notes[0] == "resumed after epoch 1"
    history = json.loads((tmp_path / "detector_metrics.json").read_text())["history"]
    assert history["epoch"] == [1, 2]


@pytest.mark.parametrize("base", ["missing.pt", "yolo26n.pt", "no_such_network.yaml"])
def test_a_base_that_is_not_there_is_named_and_not_fetched(tmp_path: Path, base: str) -> None:
    with pytest.raises(BadInput, match=base):
        starting_point(make_usecase(tmp_path, base=base))


@pytest.mark.parametrize("data", [b"", b"no checkpoint", b"\x80\x04cos\nsystem\n(S'true'\ntR."])
def test_a_base_that_does_not_load_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "base.pt").write_bytes(data)
    with pytest.raises(BadInput, match="ultralytics detection checkpoint"):
        starting_point(make_usecase(tmp_path, base=str(tmp_path / "base.pt")))


@pytest.mark.parametrize("architecture", ["yolo26n-seg.yaml", "yolo11n-pose.yaml", "yolo11n-obb.yaml"])
def test_a_network_that_finds_more_than_boxes_is_not_trained(tmp_path: Path, architecture: str) -> None:
    with pytest.raises(BadInput, match=r"finds more than boxes.*epochs: 0"):
        starting_point(make_usecase(tmp_path, base=architecture))
    if "-obb" not in architecture:
        untrained_ultralytics(architecture, tmp_path / "base.pt")
        with pytest.raises(BadInput, match=r"finds more than boxes.*epochs: 0"):
            starting_point(make_usecase(tmp_path, base=str(tmp_path / "base.pt")))


def test_turned_boxes_are_refused(tmp_path: Path) -> None:
    untrained_ultralytics("yolo11n-obb.yaml", tmp_path / "base.pt")
    with pytest.raises(BadInput, match="got a OBBModel"):
        load_model(tmp_path / "base.pt")


def test_with_no_epochs_the_base_is_taken_as_it_is(
    shapes: tuple[UseCase, Path], trained: Path, tmp_path: Path
) -> None:
    _, dataset_dir = shapes
    usecase = make_usecase(dataset_dir, base=str(trained / "detector.pt"), epochs=0)
    fine_tune(usecase, dataset_dir, tmp_path, Silent())
    before, after = (load_model(folder / "detector.pt").state_dict() for folder in (trained, tmp_path))
    assert all((before[name] == after[name]).all() for name in before)
    metrics = [json.loads((folder / "detector_metrics.json").read_text()) for folder in (trained, tmp_path)]
    assert metrics[0]["test"] == metrics[1]["test"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detector.pt", "detector_metrics.json"]


@pytest.mark.parametrize("names", [{0: "disc"}, {0: "bar", 1: "disc"}, {0: "disc", 1: "bar", 2: "cone"}])
def test_a_base_that_is_taken_as_it_is_must_know_the_use_cases_classes(
    names: dict[int, str], tmp_path: Path
) -> None:
    untrained_ultralytics("yolo11n.yaml", tmp_path / "base.pt", names=names)
    usecase = make_usecase(tmp_path, base=str(tmp_path / "base.pt"), epochs=0)
    with pytest.raises(BadInput, match=rf"got disc, bar, wanted {', '.join(names.values())}, as .*base\.pt"):
        fine_tune(usecase, tmp_path, tmp_path / "train", Silent())


def test_names_of_classes_are_compared_as_use_cases_write_them(tmp_path: Path) -> None:
    untrained_ultralytics("yolo11n.yaml", tmp_path / "base.pt", names={0: "Disc ", 1: "BAR"})
    usecase = make_usecase(tmp_path, base=str(tmp_path / "base.pt"), epochs=0)
    Ultralytics().adopt(usecase, tmp_path / "detector.pt")
    assert (tmp_path / "detector.pt").is_file()


def test_a_base_that_is_missing_cannot_be_taken(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"missing\.pt, which does not exist"):
        fine_tune(make_usecase(tmp_path, base="missing.pt", epochs=0), tmp_path, tmp_path / "train", Silent())


def test_ultralytics_keeps_to_itself(tmp_path: Path) -> None:
    """No word on the console, no file in the home but in the cache, no threads set for children, Pillow as it was."""
    code = (
        "from trunnion_training.vision.ultralytics_setup import load_ultralytics as load\n"
        "import os\n"
        "from PIL import Image\n"
        "opens = Image.open\n"
        "settings = load().settings\n"
        "assert not settings['sync'] and not settings.get('mlflow') and 'OMP_NUM_THREADS' not in os.environ\n"
        "assert Image.open is opens\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment |= {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment |= {"XDG_CONFIG_HOME": str(tmp_path / "config"), "MPLCONFIGDIR": str(tmp_path / "cache")}
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list((tmp_path / "home").rglob("*"))
    assert not (tmp_path / "config").exists()


def test_what_another_schedule_left_is_not_gone_on_with(
    shapes: tuple[UseCase, Path], trained: Path, tmp_path: Path
) -> None:
    left = tmp_path / ".detector"
    left.mkdir()
    (left / "recipe.sha256").write_text("of another schedule")
    (left / "last.pt").write_bytes(b"would not load")
    progress = StopsAfter(0)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(make_usecase(shapes[1], base=str(trained / "detector.pt")), shapes[1], tmp_path, progress)
    assert progress.notes[0].startswith("epoch 1 of 1")
