"""The training loop: its learning rate, and its word on a loss that is no number."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase
from trunnion_training.vision import torchvision_training
from trunnion_training.vision.schedule import Schedule
from trunnion_training.vision.torchvision_network import ARCHITECTURES, build
from trunnion_training.vision.torchvision_training import TrainingRun, rate

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_learning_rate_rises_and_then_falls_to_a_twentieth() -> None:
    rates = [rate(step, 1000) for step in range(1000)]
    top = rates.index(max(rates))
    assert 40 <= top <= 60
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[0] < 0.05
    assert rates[-1] == pytest.approx(0.05, abs=1e-4)
    assert rate(0, 1) == 1


def test_a_loss_that_is_no_number_ends_the_training_with_what_to_do(
    shapes: tuple[UseCase, Path], tmp_path: Path
) -> None:
    architecture = next(iter(ARCHITECTURES.values()))
    schedule = Schedule(epochs=1, batch=4, image_size_px=64, learning_rate=0.5, seed=0)
    model = build(architecture, 2, 64)
    with torch.no_grad():
        next(model.head.parameters()).fill_(math.nan)
    run = TrainingRun(model, architecture, shapes[1], tmp_path, schedule)
    with pytest.raises(Broken, match=r"a loss of nan.*lower models\.detector\.learning_rate, which is 0\.5"):
        run.train(lambda: (0, 0), lambda: None, Silent())


class Noting(Silent):
    """Progress that keeps what is said of the steps."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.notes.append(note)


def full_above(images_max: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the memory of what computes the losses be full above so many images; gives how many came each time."""
    seen: list[int] = []
    loss = torchvision_training.loss

    def limited(model: Any, images: torch.Tensor, targets: Any) -> Any:
        seen.append(len(images))
        if len(images) > images_max:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return loss(model, images, targets)

    monkeypatch.setattr(torchvision_training, "loss", limited)
    return seen


def run_of(dataset_dir: Path, work_dir: Path) -> TrainingRun:
    architecture = next(iter(ARCHITECTURES.values()))
    schedule = Schedule(epochs=1, batch=6, image_size_px=64, learning_rate=1e-3, seed=0)
    return TrainingRun(build(architecture, 2, 64), architecture, dataset_dir, work_dir, schedule)


def test_a_batch_that_the_memory_does_not_hold_is_learnt_in_pieces_from_then_on(
    shapes: tuple[UseCase, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, progress = full_above(3, monkeypatch), Noting()
    run_of(shapes[1], tmp_path).train(lambda: (0, 0), lambda: None, progress)
    assert seen == [6, 3, 3]
    assert progress.notes[-1].endswith(", batches in 2 pieces for want of GPU memory")
    seen.clear()
    (tmp_path / "last.pt").unlink()
    run_of(shapes[1], tmp_path).train(lambda: (0, 0), lambda: None, Silent())
    assert seen == [3, 3]


def test_a_memory_that_does_not_hold_two_images_is_named_with_what_to_do(
    shapes: tuple[UseCase, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_above(1, monkeypatch)
    with pytest.raises(BadInput, match=r"the GPU's memory: got not enough for 3 images .*smaller models"):
        run_of(shapes[1], tmp_path).train(lambda: (0, 0), lambda: None, Silent())
