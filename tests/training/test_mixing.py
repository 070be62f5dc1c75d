"""Simulated and real images: the training split has the stated ratio, and the others are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trunnion_contract.dataset import SplitName
from trunnion_contract.errors import BadInput
from trunnion_training.cleaning import CleanImage
from trunnion_training.inspection import Inspected
from trunnion_training.mixing import mixed


def images(synthetic: int, real: int) -> list[CleanImage]:
    found = []
    for number in range(synthetic + real):
        seen = Inspected((100, 100), "", f"{number:08d}", number, (90, 90, 90), True)
        source = "0-simulation" if number < synthetic else "1-voc"
        name = f"{number}.jpg"
        found.append(
            CleanImage(
                Path(name),
                name,
                np.empty((0, 4), np.float32),
                np.empty(0, np.int64),
                seen,
                f"{source}/{number}",
            )
        )
    return found


@pytest.mark.parametrize(
    ("synthetic", "real", "share", "kept"),
    [(90, 30, 0.5, (30, 30)), (90, 30, 0.25, (10, 30)), (10, 90, 0.5, (10, 10)), (40, 40, 0.8, (40, 10))],
)
def test_the_training_split_has_the_stated_ratio_and_as_many_images_as_that_allows(
    synthetic: int, real: int, share: float, kept: tuple[int, int]
) -> None:
    all_images = images(synthetic, real)
    chosen, splits, findings = mixed(all_images, ["train"] * len(all_images), share, 0)
    simulated = sum(image.scene.startswith("0-simulation") for image in chosen)
    assert (simulated, len(chosen) - simulated) == kept
    assert len(splits) == len(chosen) == len(all_images) - len(findings)


def test_validation_and_test_are_left_alone_and_the_draw_is_the_same_every_time() -> None:
    all_images = images(60, 20)
    splits: list[SplitName] = ["train" if number % 2 else "test" for number in range(80)]
    chosen, kept, _ = mixed(all_images, splits, 0.5, 3)
    assert kept.count("test") == 40
    assert mixed(all_images, splits, 0.5, 3)[0] == chosen
    assert mixed(all_images, splits, 0.5, 4)[0] != chosen


def test_a_ratio_of_one_kind_alone_is_refused() -> None:
    with pytest.raises(BadInput, match="0 simulated and 5 other"):
        mixed(images(0, 5), ["train"] * 5, 0.5, 0)
