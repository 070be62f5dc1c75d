"""What a dataset is made of, and the record that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.data_sources import Provenance
from trunnion_contract.strict import Strict

SplitName = Literal["train", "val", "test"]


@dataclass(frozen=True)
class LabelledImage:
    """One image as a source gives it, before cleaning.

    Attributes:
        image: file that holds the picture.
        boxes_px: float32 [n, 4], x1 y1 x2 y2 in pixels of the picture.
        labels: n class names.
        scene: images of one scene never end up in different splits.
        is_labelled: somebody looked for objects in it; without that, no boxes does not mean that there is nothing.
        recorded_s: when it was taken, in seconds since 1970 (UTC), where the source knows.
        provenance: what the source knows of this image alone; else that of the source holds.
    """

    image: Path
    boxes_px: NDArray[np.float32]
    labels: tuple[str, ...]
    scene: str
    is_labelled: bool = True
    recorded_s: float | None = None
    provenance: Provenance | None = None


class SourceRecord(Strict):
    """One line of the inventory."""

    kind: str
    images: int
    provenance: Provenance


class Dataset(Strict):
    """The record `dataset.json`: what is in the dataset, and the digest that stands for all of it.

    `to_label` images stand apart, in `to_label/`, and in no split.
    """

    name: str
    classes: tuple[str, ...]
    images: Mapping[SplitName, int]
    boxes: Mapping[SplitName, Mapping[str, int]]
    findings: Mapping[str, int]
    sources: tuple[SourceRecord, ...]
    digest: str
    to_label: int = 0
