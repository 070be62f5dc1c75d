"""What ultralytics' own loader makes of images while it trains, to be looked at."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from trunnion_edge.accuracy import TrueBoxes
from trunnion_training.pictures import copy_bytes
from trunnion_training.vision.family import Changed
from trunnion_training.vision.schedule import Schedule
from trunnion_training.vision.ultralytics_setup import load_ultralytics

if TYPE_CHECKING:
    import torch


def changed_images(
    images: Sequence[Path], classes: Sequence[str], schedule: Schedule, seed: int
) -> list[Changed]:
    """Images of a dataset's split as its trainer takes them in; mosaics are made of these images alone."""
    load_ultralytics()
    import torch
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_yolo_dataset

    settings = get_cfg(overrides={"task": "detect", "imgsz": schedule.image_size_px, **schedule.extra})
    with TemporaryDirectory() as folder, _chance(seed), torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        copies = _copies(images, Path(folder))
        about = {"names": dict(enumerate(classes)), "nc": len(classes), "channels": 3}
        loader = build_yolo_dataset(settings, str(copies), len(images), about, fraction=1.0)
        return [_changed(loader[place]) for place in range(len(images))]


def _copies(images: Sequence[Path], folder: Path) -> Path:
    """A split of these images alone, in their order whatever their names are; the same image may come again."""
    for number, image in enumerate(images):
        label = image.parents[2] / "labels" / image.parent.name / f"{image.stem}.txt"
        for source, kind in ((image, "images"), (label, "labels")):
            target = folder / kind / "train" / f"{number:06d}{source.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            copy_bytes(source, target)
    return folder / "images" / "train"


def _changed(item: dict[str, torch.Tensor]) -> Changed:
    picture = np.ascontiguousarray(item["img"].numpy().transpose(1, 2, 0)[:, :, ::-1])
    height, width = picture.shape[:2]
    rows = item["bboxes"].numpy().reshape(-1, 4) * np.array([width, height, width, height], np.float32)
    corners = np.hstack([rows[:, :2] - rows[:, 2:] / 2, rows[:, :2] + rows[:, 2:] / 2])
    return picture, TrueBoxes(corners.astype(np.float32), item["cls"].numpy().reshape(-1).astype(np.int64))


@contextmanager
def _chance(seed: int) -> Iterator[None]:
    """The generators that its transforms draw from begin at `seed`, and go on afterwards where they were."""
    before, numpy_before = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)
