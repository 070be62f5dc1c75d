"""Small pictures with a disc and a bar in them, labelled in YOLO form, and a use case over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trunnion_contract.usecase import UseCase

PROVENANCE = {"origin": "made by the tests", "licence": "Apache-2.0", "personal_data": "none"}
CLASSES = ("disc", "bar")


def draw_image(
    path: Path, seed: int, size: tuple[int, int] = (64, 48)
) -> list[tuple[str, int, int, int, int]]:
    """Write a picture with a disc and a bar; give class and corners of each."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 90, (size[1], size[0], 3), dtype=np.uint8)
    x, y = int(rng.integers(8, 20)), int(rng.integers(8, size[1] - 12))
    cv2.circle(image, (x, y), 6, (240, 240, 40), -1)
    u, v = int(rng.integers(34, 46)), int(rng.integers(4, size[1] - 12))
    cv2.rectangle(image, (u, v), (u + 12, v + 6), (40, 200, 255), -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return [("disc", x - 6, y - 6, x + 6, y + 6), ("bar", u, v, u + 12, v + 6)]


def yolo_folder(root: Path, count: int, size: tuple[int, int] = (64, 48)) -> Path:
    """A folder of `count` labelled pictures in YOLO form."""
    for index in range(count):
        boxes = draw_image(root / "images" / f"{index:03d}.jpg", index, size)
        lines = [
            f"{CLASSES.index(name)} {(x1 + x2) / 2 / size[0]} {(y1 + y2) / 2 / size[1]} "
            f"{(x2 - x1) / size[0]} {(y2 - y1) / size[1]}"
            for name, x1, y1, x2, y2 in boxes
        ]
        label = root / "labels" / f"{index:03d}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("\n".join(lines) + "\n")
    return root


def make_usecase(folder: Path, kind: str = "yolo", **detector: Any) -> UseCase:
    """A use case over a labelled folder, with a detector that trains in seconds."""
    settings = {"base": "yolo26n.yaml", "image_size_px": 64, "epochs": 1, "batch": 4, **detector}
    return UseCase.model_validate(
        {
            "schema": 1,
            "name": "shapes",
            "version": "0.1.0",
            "problem": "Find shapes.",
            "classes": CLASSES,
            "data": {
                "sources": [{"kind": kind, "path": str(folder), "provenance": PROVENANCE}],
                "split": {"train": 0.5, "val": 0.25, "test": 0.25},
            },
            "models": {"detector": settings},
        }
    )
