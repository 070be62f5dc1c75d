"""Images to learn from: what the robot will see, with the boxes where the objects are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.shapes import yolo_folder

from trunnion_contract.usecase import UseCase
from trunnion_edge.labelled_images import split_images
from trunnion_edge.preprocess import Letterbox, Preprocessor
from trunnion_training.vision.torchvision_images import batches, load_batch, mirrored, recolour


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("count", "batch", "sizes"), [(8, 4, [4, 4]), (9, 4, [4, 4]), (10, 4, [4, 4, 2]), (1, 4, [])]
)
def test_every_image_is_in_one_batch_but_one_that_would_be_alone(
    count: int, batch: int, sizes: list[int]
) -> None:
    parts = batches(count, batch, rng())
    assert [len(part) for part in parts] == sizes
    assert len({int(index) for part in parts for index in part}) == sum(sizes)


def test_a_mirrored_box_holds_the_same_pixels() -> None:
    pixels = rng().random((3, 8, 8), np.float32)
    turned, boxes = mirrored(pixels, np.array([[1, 2, 4, 7]], np.float32))
    x1, y1, x2, y2 = boxes[0].astype(int)
    np.testing.assert_array_equal(turned[:, y1:y2, x1:x2], pixels[:, 2:7, 1:4][:, :, ::-1])


def test_the_padding_keeps_its_colour() -> None:
    letterbox = Letterbox.fit(8, 4, 8)
    pixels = np.full((3, 8, 8), 114 / 255, np.float32)
    pixels[:, 2:6] = rng().random((3, 4, 8), np.float32)
    before = pixels.copy()
    recolour(pixels, letterbox, rng())
    np.testing.assert_array_equal(pixels[:, [0, 1, 6, 7]], before[:, [0, 1, 6, 7]])
    assert np.abs(pixels[:, 2:6] - before[:, 2:6]).max() > 0.01
    assert pixels.min() >= 0
    assert pixels.max() <= 1


def test_a_batch_holds_the_brightest_thing_inside_its_box(shapes: tuple[UseCase, Path]) -> None:
    images = split_images(shapes[1], "train")
    for seed in range(4):
        tensors, targets = load_batch(images, Preprocessor(64), 1, [rng(seed) for _ in images])
        assert tensors.dtype == torch.float32
        assert tuple(tensors.shape) == (len(images), 3, 64, 64)
        for tensor, target in zip(tensors, targets, strict=True):
            assert target["labels"].tolist() == [1, 2]
            for x1, y1, x2, y2 in target["boxes"].round().int().tolist():
                inside, around = tensor[:2, y1:y2, x1:x2], tensor[:2, 8:56]
                assert inside.mean() > 1.5 * around.mean()


def test_an_image_without_objects_is_background(tmp_path: Path) -> None:
    folder = yolo_folder(tmp_path, 1)
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir()
    image = (folder / "images" / "000.jpg").rename(folder / "images" / "train" / "000.jpg")
    (folder / "labels" / "train" / "000.txt").write_text("")
    _, (target,) = load_batch([image], Preprocessor(64), 1, [rng()])
    assert tuple(target["boxes"].shape) == (0, 4)
    assert tuple(target["labels"].shape) == (0,)
