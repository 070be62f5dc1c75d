"""Reading pictures that may be broken, and writing the JPEG files of a dataset."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

PIXELS_MAX = 64_000_000
SIDE_MIN_PX = 8
_EXIF_ORIENTATION = 0x0112
JPEG_QUALITY = 95


class Unreadable(ValueError):
    """The file is no picture, is cut short, or is larger than anything a camera makes."""


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """The whole picture, uint8 [h, w, 3] RGB, turned as its EXIF orientation says.

    Raises:
        Unreadable: with the reason. A picture that is cut short is refused, not filled with grey.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return decoded_rgb(picture)
    except Unreadable:
        raise
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        raise Unreadable(f"{type(error).__name__}: {error}"[:120]) from None


def decoded_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a picture of which only the header has been read, as `read_rgb` gives them."""
    _check_size(picture.size)
    upright = _upright(picture)
    return np.asarray(upright if upright.mode == "RGB" else upright.convert("RGB"))


def is_plain_jpeg(picture: Image.Image) -> bool:
    """Whether a file's bytes can stand in a dataset as they are: an upright RGB JPEG."""
    upright = picture.getexif().get(_EXIF_ORIENTATION, 1) in (0, 1)
    return picture.format == "JPEG" and picture.mode == "RGB" and upright


def write_jpeg(source: Path, target: Path, is_plain: bool) -> None:
    """Write the picture as JPEG: a copy of the bytes where they are plain, else encoded."""
    if is_plain:
        copy_bytes(source, target)
        return
    import cv2  # slow to load, and most files are copied

    bgr = cv2.cvtColor(read_rgb(source), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise Unreadable("the JPEG encoder refused it")
    target.write_bytes(data.tobytes())


def copy_bytes(source: Path, target: Path) -> None:
    """Copy within the kernel; a file system that can lets both share their blocks until one is changed.

    Never a hard link: a source that is edited in place would change the dataset under its digest.
    """
    try:
        with source.open("rb") as read, target.open("wb") as written:
            left = os.fstat(read.fileno()).st_size
            while left > 0 and (copied := os.copy_file_range(read.fileno(), written.fileno(), left)):
                left -= copied
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM):
            raise
        shutil.copyfile(source, target)


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > PIXELS_MAX:
        raise Unreadable(f"{width}x{height} px, more than {PIXELS_MAX // 1_000_000} megapixels")
    if min(size) < SIDE_MIN_PX:
        raise Unreadable(f"{width}x{height} px, smaller than {SIDE_MIN_PX} px")


def _upright(picture: Image.Image) -> Image.Image:
    picture.load()
    # Turning makes a copy even of one that stands upright.
    if picture.getexif().get(_EXIF_ORIENTATION, 1) == 1:
        return picture
    return ImageOps.exif_transpose(picture) or picture
