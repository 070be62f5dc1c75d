"""Images to learn from as the robot will see them: letterboxed by its own code, then mirrored and recoloured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trunnion_edge.accuracy import TrueBoxes
from trunnion_edge.labelled_images import labelled
from trunnion_edge.preprocess import Letterbox, Preprocessor
from trunnion_training.vision.augmentation import TORCHVISION

# The mean of some layers is taken over the batch, which takes two images.
BATCH_MIN = 2

Target = dict[str, Tensor]
Pixels = NDArray[np.float32]


def batches(
    count: int, batch: int, rng: np.random.Generator, smallest: int = BATCH_MIN
) -> list[NDArray[np.int64]]:
    """Positions of all images in a random order, in batches; fewer than `smallest` left over sit this epoch out."""
    order = rng.permutation(count)
    parts = [order[first : first + batch] for first in range(0, count, batch)]
    return [part for part in parts if len(part) >= smallest]


def load_batch(
    images: Sequence[Path],
    preprocessor: Preprocessor,
    first_label: int,
    rngs: Sequence[np.random.Generator],
    changes: Mapping[str, float] = TORCHVISION,
) -> tuple[Tensor, list[Target]]:
    """Images float32 [N, 3, S, S] RGB in [0, 1], each changed at random, and what is in them.

    Args:
        first_label: the number that the network has for class 0.
        rngs: one an image, so that it is changed alike whatever it is in a batch with.
        changes: how much, by the names of `trunnion_contract.augmentation`.
    """
    examples = list(examples_of(images, preprocessor, rngs, changes))
    targets = [
        {
            "boxes": torch.from_numpy(truth.boxes_px),
            "labels": torch.from_numpy(truth.class_ids + first_label),
        }
        for _, truth in examples
    ]
    return torch.from_numpy(np.stack([pixels for pixels, _ in examples])), targets


def examples_of(
    images: Sequence[Path],
    preprocessor: Preprocessor,
    rngs: Sequence[np.random.Generator],
    changes: Mapping[str, float],
) -> Iterator[tuple[Pixels, TrueBoxes]]:
    """Images float32 [3, S, S] RGB in [0, 1], each changed at random, and what is in them, in their pixels."""
    for (image, truth), rng in zip(labelled(list(images)), rngs, strict=True):
        tensor, letterbox = preprocessor.prepare(image)
        pixels, boxes = tensor[0].copy(), letterbox.to_square(truth.boxes_px)
        recolour(pixels, letterbox, rng, changes)
        if rng.random() < changes["mirrored"]:
            pixels, boxes = mirrored(pixels, boxes)
        large = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        yield pixels, TrueBoxes(boxes[large].astype(np.float32), truth.class_ids[large])


def recolour(
    pixels: Pixels,
    letterbox: Letterbox,
    rng: np.random.Generator,
    changes: Mapping[str, float] = TORCHVISION,
) -> None:
    """Change brightness, contrast and saturation of the image, and not of the padding, which is always the same."""
    (left, top), (width, height) = letterbox.offset_px, letterbox.resized_px
    window = pixels[:, top : top + height, left : left + width]
    most = np.array([changes[name] for name in ("brightness", "contrast", "saturation")])
    brightness, contrast, saturation = rng.uniform(1 - most, 1 + most).astype(np.float32)
    grey = window.mean(axis=0, keepdims=True)
    coloured = grey + saturation * (window - grey)
    mean = coloured.mean()
    window[...] = np.clip(brightness * (mean + contrast * (coloured - mean)), 0, 1)


def mirrored(pixels: Pixels, boxes: Pixels) -> tuple[Pixels, Pixels]:
    """Left and right changed, in the image [3, S, S] and in its boxes [n, 4], x1 y1 x2 y2 in pixels."""
    width = pixels.shape[2]
    turned = boxes[:, [2, 1, 0, 3]].copy()
    turned[:, [0, 2]] = width - turned[:, [0, 2]]
    return np.ascontiguousarray(pixels[:, :, ::-1]), turned
