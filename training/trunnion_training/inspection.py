"""A look at one picture file: the only time that building a dataset decodes it.

Digests, the perceptual hash and the mean colour come from one reading and one decoding. Many files are looked at by
several processes; what comes back of each is a few hundred bytes, in the order of the files. Bytes that were looked at
before, and kept in a cache, are read and hashed only.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes, digest_json
from trunnion_training.file_workers import in_order
from trunnion_training.inspection_cache import InspectionCache
from trunnion_training.pictures import Unreadable, decoded_rgb, is_plain_jpeg

# Raised with every change to what `Inspected` says or how it is found out.
_FORM = 1
_DECIDED_BY = ("pillow", "opencv-python", "imagehash", "numpy")
# A perceptual hash looks at 32 by 32 pixels; bringing a picture near that costs least where all cells weigh the same.
_HASHED_PX = 64


@dataclass(frozen=True, slots=True)
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
    data = _bytes_of(path)
    return data if isinstance(data, Unreadable) else _look(data, digest_bytes(data))


def inspect_all(files: Sequence[Path], cache_file: Path | None = None) -> Iterator[Inspected | Unreadable]:
    """Look at many files, in their order; what is new goes into the cache in `cache_file`.

    Raises:
        BadInput: one is gone, though its source named it.
    """
    yield from in_order(partial(_inspect_batch, cache_file), files)


def _inspect_batch(cache_file: Path | None, files: Sequence[Path]) -> list[Inspected | Unreadable]:
    if cache_file is None:
        return [inspect(file) for file in files]
    kept = InspectionCache(cache_file, _form())
    digests = [_digest_of(file) for file in files]
    known = kept.read([digest for digest in digests if isinstance(digest, str)])
    new: dict[str, Any] = {}
    seen: list[Inspected | Unreadable] = []
    for file, digest in zip(files, digests, strict=True):
        one = _remembered(known[digest]) if isinstance(digest, str) and digest in known else inspect(file)
        seen.append(one)
        if isinstance(one, Inspected) and one.file_sha256 not in known:
            new[one.file_sha256] = astuple(one)
    kept.write(new)
    return seen


def _digest_of(file: Path) -> str | Unreadable:
    data = _bytes_of(file)
    return data if isinstance(data, Unreadable) else digest_bytes(data)


def _remembered(row: list[Any]) -> Inspected:
    size, file_sha256, pixels_sha256, bits, (red, green, blue), plain = row
    return Inspected((size[0], size[1]), file_sha256, pixels_sha256, bits, (red, green, blue), plain)


@cache
def _form() -> str:
    """Stands for this code and for the libraries that decode and hash: with others, everything is looked at anew."""
    return digest_json([_FORM, *(version(package) for package in _DECIDED_BY)])


def _bytes_of(path: Path) -> bytes | Unreadable:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadInput(
            where=str(path), got="no such file, though its source named it", wanted="a source that stays there",
            next_step="bring it back (is it mounted?) and run the same command again",
        ) from None  # fmt: skip
    except OSError as error:
        return Unreadable(f"{type(error).__name__}: {error.strerror}")


def _look(data: bytes, file_sha256: str) -> Inspected | Unreadable:
    # Slow to load, and not needed where everything was seen before.
    import cv2
    import imagehash
    import numpy as np
    from PIL import Image

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
    pixels = hashlib.sha256(f"{rgb.shape}".encode())
    pixels.update(np.ascontiguousarray(rgb).data)
    small = cv2.resize(rgb, (_HASHED_PX, _HASHED_PX), interpolation=cv2.INTER_AREA)
    bits = imagehash.phash(Image.fromarray(small)).hash
    red, green, blue, _ = cv2.mean(rgb)
    return Inspected(
        (rgb.shape[1], rgb.shape[0]), file_sha256, pixels.hexdigest(),
        int.from_bytes(np.packbits(bits).tobytes(), "big"), (red, green, blue), plain,
    )  # fmt: skip
