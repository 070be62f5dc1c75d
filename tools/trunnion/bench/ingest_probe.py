"""Making a dataset of many files, or one of the floors under it, in a process of its own; prints the seconds taken.

python -m trunnion.bench.ingest_probe {make-small,make-camera,read,decode,ingest} FOLDER FILES
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import mkdtemp

_OF_A_FOLDER = 1000
_SMALL_PX, _CAMERA_PX = (160, 120), (640, 480)


def make_small(folder: Path, files: int) -> None:
    """Labelled pictures in YOLO form, small as thumbnails, no two alike."""
    _make_all(folder, files, _SMALL_PX, 95)


def make_camera(folder: Path, files: int) -> None:
    """The same as a robot's camera takes them: with fine texture, some 114 kB each."""
    _make_all(folder, files, _CAMERA_PX, 90)


def _make_all(folder: Path, files: int, size_px: tuple[int, int], quality: int) -> None:
    from trunnion_contract.workers import worker_pool

    starts = range(0, files, _OF_A_FOLDER)
    with worker_pool(len(os.sched_getaffinity(0))) as pool:
        jobs = [
            pool.submit(_make, folder, range(start, min(files, start + _OF_A_FOLDER)), size_px, quality)
            for start in starts
        ]
        for job in jobs:
            job.result()


def _make(folder: Path, numbers: Sequence[int], size_px: tuple[int, int], quality: int) -> None:
    import cv2
    import numpy as np

    grain = np.random.default_rng(0).integers(0, 41, (size_px[1] * 2, size_px[0] * 2, 3), dtype=np.uint8)
    for number in numbers:
        rng = np.random.default_rng(number)
        noise = rng.integers(0, 215, (6, 8, 3), dtype=np.uint8)
        x, y = int(rng.integers(0, size_px[0])), int(rng.integers(0, size_px[1]))
        picture = cv2.resize(noise, size_px)
        if size_px == _CAMERA_PX:
            picture = picture + grain[y : y + size_px[1], x : x + size_px[0]]
        name = f"{number // _OF_A_FOLDER:04d}/{number:07d}"
        for kind in ("images", "labels"):
            (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "images" / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        (folder / "labels" / f"{name}.txt").write_text(
            f"{number % 3} 0.5 0.5 {rng.uniform(0.2, 0.4):.4f} 0.3\n"
        )


def read(folder: Path, files: int) -> None:
    """The floor that was asked for: every file read and hashed, by one process."""
    for path in _files(folder):
        hashlib.sha256(path.read_bytes()).digest()


def decode(folder: Path, files: int) -> None:
    """The floor of a dataset that is checked: pictures decoded, too, by as many processes as there are cores."""
    from trunnion_contract.workers import worker_pool

    paths, cores = _files(folder), len(os.sched_getaffinity(0))
    with worker_pool(cores) as pool:
        list(pool.map(_decode_all, [paths[start : start + 500] for start in range(0, len(paths), 500)]))


def ingest(folder: Path, files: int) -> None:
    """The dataset made: labels read, pictures checked, split, written, measured and reported; a second call finds
    what the first one saw in its cache.
    """
    from trunnion_contract.progress import Silent
    from trunnion_contract.usecase import UseCase
    from trunnion_training.dataset import build

    provenance = {"origin": "bench", "licence": "Apache-2.0", "personal_data": "none"}
    data = {
        "sources": [{"kind": "yolo", "path": str(folder), "provenance": provenance}],
        "split": {"train": 0.8, "val": 0.1, "test": 0.1},
    }
    usecase = UseCase.model_validate(
        {
            "schema": 1, "name": "bench", "version": "0.1.0", "problem": "bench", "classes": ["a", "b", "c"],
            "data": data, "models": {"detector": {"base": "yolo26n.yaml", "epochs": 1}},
        }
    )  # fmt: skip
    target = Path(mkdtemp(dir=folder.parent))
    made = build(usecase, target, Silent(), cache_file=folder.with_name("cache.sqlite"))
    assert sum(made.images.values()) == files


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _decode_all(paths: Sequence[Path]) -> None:
    from PIL import Image

    for path in paths:
        data = path.read_bytes()
        hashlib.sha256(data).digest()
        if path.suffix == ".jpg":
            Image.open(io.BytesIO(data)).load()


DOES: dict[str, Callable[[Path, int], None]] = {
    "make-small": make_small,
    "make-camera": make_camera,
    "read": read,
    "decode": decode,
    "ingest": ingest,
}

if __name__ == "__main__":
    began_s = time.perf_counter()
    DOES[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
    print(time.perf_counter() - began_s)
