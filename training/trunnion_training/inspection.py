"""A look at one picture file: the only time that building a dataset decodes it.

Digests, the perceptual hash and the mean colour come from one reading and one decoding. Many files are looked at by
several processes; what comes back of each is a few hundred bytes, in the order of the files.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import imagehash
import numpy as np
from PIL import Image

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes
from trunnion_contract.workers import worker_pool
from trunnion_training.pictures import Unreadable, decoded_rgb, is_plain_jpeg

# Starting a process costs as much as looking at some hundred files.
_FILES_FOR_A_POOL = 600
_FILES_AT_ONCE = 64
# Handed to each process beforehand, so that none waits; what is ahead of the reader stays bounded.
_JOBS_AHEAD = 4


@dataclass(frozen=True)
class Inspected:
    """What a picture file holds.

    Attributes:
        size_px: width and height.
        file_sha256, pixels_sha256: digests of the file, and of the decoded picture.
        perceptual_hash: 64 bits that differ little between pictures that look alike.
        mean_rgb: mean of each channel, 0 to 255.
        is_plain_jpeg: its bytes can stand in the dataset as they are.
    """

    size_px: tuple[int, int]
    file_sha256: str
    pixels_sha256: str
    perceptual_hash: int
    mean_rgb: tuple[float, float, float]
    is_plain_jpeg: bool


def inspect(path: Path) -> Inspected | Unreadable:
    """Look at one file.

    Raises:
        BadInput: it is gone, though its source named it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(
            where=str(path), got="no such file, though its source named it", wanted="a source that stays there",
            next_step="bring it back (is it mounted?) and run the same command again",
        ) from None  # fmt: skip
    except OSError as error:
        return Unreadable(f"{type(error).__name__}: {error.strerror}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as picture:
                plain = is_plain_jpeg(picture)
                rgb = decoded_rgb(picture)
    except Unreadable as error:
        return error
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        return Unreadable(f"{type(error).__name__}: {error}"[:120])
    bits = imagehash.phash(Image.fromarray(rgb)).hash
    red, green, blue, _ = cv2.mean(rgb)
    return Inspected(
        (rgb.shape[1], rgb.shape[0]), digest_bytes(data), digest_bytes(f"{rgb.shape}".encode() + rgb.tobytes()),
        int.from_bytes(np.packbits(bits).tobytes(), "big"), (red, green, blue), plain,
    )  # fmt: skip


def inspect_all(files: Sequence[Path], workers: int | None = None) -> Iterator[Inspected | Unreadable]:
    """Look at many files, in their order."""
    count = workers or len(os.sched_getaffinity(0))
    if len(files) < _FILES_FOR_A_POOL or count < 2:
        yield from map(inspect, files)
        return
    batches = (files[start : start + _FILES_AT_ONCE] for start in range(0, len(files), _FILES_AT_ONCE))
    with worker_pool(count) as pool:
        waiting = [pool.submit(_inspect_batch, batch) for batch in islice(batches, count * _JOBS_AHEAD)]
        while waiting:
            done = waiting.pop(0).result()
            waiting += [pool.submit(_inspect_batch, batch) for batch in islice(batches, 1)]
            yield from done


def _inspect_batch(files: Sequence[Path]) -> list[Inspected | Unreadable]:
    return [inspect(file) for file in files]
