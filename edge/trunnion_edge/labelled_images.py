"""The images of a dataset's split with what is labelled in them, as a detector's evaluation reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.dataset import SplitName
from trunnion_contract.errors import BadInput
from trunnion_edge.accuracy import TrueBoxes


def split_images(dataset_dir: Path, split: SplitName) -> list[Path]:
    """The image files of a split, in the order of their names.

    Raises:
        BadInput: there are none.
    """
    images = sorted((dataset_dir / "images" / split).glob("*.jpg"))
    if not images:
        raise BadInput(
            where=str(dataset_dir / "images" / split),
            got="no images",
            wanted="the images of the split",
            next_step="make the dataset again, with a larger share for this split",
        )
    return images


def labelled(images: list[Path]) -> Iterator[tuple[NDArray[np.uint8], TrueBoxes]]:
    """Each image, uint8 [h, w, 3] BGR, with its true boxes from the label file (YOLO form) that stands for it.

    Raises:
        BadInput: an image cannot be read.
    """
    for path in images:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise BadInput(
                where=str(path), got="no readable image", wanted="a JPEG", next_step="make the dataset again"
            )
        label = path.parents[2] / "labels" / path.parent.name / f"{path.stem}.txt"
        yield image, _true_boxes(label, image.shape[1], image.shape[0])


def _true_boxes(label: Path, width_px: int, height_px: int) -> TrueBoxes:
    """Lines of class, centre and size as shares of the image → boxes in pixels."""
    numbers = [line.split() for line in label.read_text(encoding="utf-8").splitlines()]
    rows = np.array(numbers, dtype=np.float64).reshape(-1, 5)
    centres, sizes = rows[:, 1:3], rows[:, 3:5]
    shares = np.hstack([centres - sizes / 2, centres + sizes / 2])
    boxes = shares * np.array([width_px, height_px, width_px, height_px])
    return TrueBoxes(boxes.astype(np.float32), rows[:, 0].astype(np.int64))
