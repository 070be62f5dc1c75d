"""What a dataset is made of, and the record that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.strict import Strict
from trunnion_contract.usecase import Provenance

SplitName = Literal["train", "val", "test"]


@dataclass(frozen=True)
class LabelledImage:
    """One image as a source gives it, before cleaning.

    Attributes:
        image: file that holds the picture.
        boxes_px: float32 [n, 4], x1 y1 x2 y2 in pixels of the picture.
        labels: n class names.
        scene: images of one scene never end up in different splits.
    """

    image: Path
    boxes_px: NDArray[np.float32]
    labels: tuple[str, ...]
    scene: str


class SourceRecord(Strict):
    """One line of the inventory."""

    kind: str
    images: int
    provenance: Provenance


class Dataset(Strict):
    """The record `dataset.json`: what is in the dataset, and the digest that stands for all of it."""

    name: str
    classes: tuple[str, ...]
    images: Mapping[SplitName, int]
    boxes: Mapping[SplitName, Mapping[str, int]]
    findings: Mapping[str, int]
    sources: tuple[SourceRecord, ...]
    digest: str
