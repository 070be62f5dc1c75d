"""The training loop: its learning rate, and its word on a loss that is no number."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from trunnion_contract.errors import Broken
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase
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
