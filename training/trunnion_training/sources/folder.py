"""Folders of labelled images, as the importers see them: foreign input that may hold anything."""

from __future__ import annotations

import math
import os
import warnings
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trunnion_contract.errors import BadInput

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
ANNOTATION_BYTES_MAX = 1 << 30
XML_BYTES_MAX = 1 << 22
_HEADER_BYTES = 4096
# Start-of-frame markers of JPEG, which say the size; those that may stand without a length end the quick look.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x00, 0x01, 0xFF, *range(0xD0, 0xDB)})


def image_files(folder: Path) -> list[Path]:
    """All images under `folder`, in the order of their relative names."""
    return _files(folder, IMAGE_SUFFIXES)


def named_files(folder: Path, suffix: str) -> list[Path]:
    """All files under `folder` that end in `suffix`, in any letter case, in the order of their relative names."""
    return _files(folder, (suffix,))


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    found, folders = [], [folder.as_posix()]
    while folders:
        with suppress(PermissionError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name[1:].lower().endswith(suffixes) and entry.is_file():
                    found.append(entry.path)
    return [Path(path) for path in sorted(found)]


def first_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    """The first of `names` that is a folder in `root`, in any letter case."""
    folders = {path.name.lower(): path for path in root.iterdir() if path.is_dir()}
    return next((folders[name] for name in names if name in folders), None)


def require_folder(path: Path, where: str) -> Path:
    """`path`, if it is a folder with something in it."""
    if not path.is_dir() or not any(path.iterdir()):
        got = "no such folder" if not path.exists() else "a file" if path.is_file() else "an empty folder"
        raise BadInput(
            where=where,
            got=f"{path}: {got}",
            wanted="a folder of labelled images",
            next_step="correct the path",
        )
    return path


def inside(folder: Path, name: str) -> Path | None:
    """The file that a foreign annotation names, or None where the name leads out of `folder` or is no name."""
    portable = name.replace("\\", "/").strip()
    relative = PurePosixPath(portable)
    if (
        not portable
        or relative.is_absolute()
        or ".." in relative.parts
        or "\0" in portable
        or ":" in portable
    ):
        return None
    return folder / relative


def is_file(path: Path) -> bool:
    """Whether `path` is a file; a name that the file system refuses is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def size_px(image: Path) -> tuple[int, int] | None:
    """Width and height as the header says, or None when there is no readable header."""
    try:
        with image.open("rb") as file:
            quick = jpeg_size_px(file.read(_HEADER_BYTES))
        if quick is not None:
            return quick
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its size: cleaning says what is too large
            header = Image.open(image)
        with header:
            return header.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def jpeg_size_px(head: bytes) -> tuple[int, int] | None:
    """Width and height in the first bytes of a JPEG file; None where they say nothing, or are of another kind.

    A library opens a file in ten times the time, and labels of a hundred thousand need no more than its size.
    """
    place = 2 if head[:2] == b"\xff\xd8" else len(head)
    while place + 9 <= len(head) and head[place] == 0xFF and head[place + 1] not in _WITHOUT_LENGTH:
        if head[place + 1] in _FRAMES:
            height, width = (
                int.from_bytes(head[place + 5 : place + 7]),
                int.from_bytes(head[place + 7 : place + 9]),
            )
            return (width, height) if width and height else None
        place += 2 + int.from_bytes(head[place + 2 : place + 4])
    return None


def number(value: Any) -> float:
    """A foreign value as a number; NaN when it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def boxes(rows: list[tuple[float, float, float, float]]) -> NDArray[np.float32]:
    """Rows of x1 y1 x2 y2 as float32 [n, 4]; what float32 cannot hold becomes infinite and is found by cleaning."""
    with np.errstate(over="ignore"):
        return np.array(rows, dtype=np.float64).reshape(-1, 4).astype(np.float32)


def scene_of(image: Path, root: Path) -> str:
    """Pictures made from one picture (Roboflow's `NAME.rf.HASH`) are one scene; every other picture is its own."""
    before, mark, _ = image.name.rpartition(".")[0].partition(".rf.")
    return before if mark else image.as_posix().removeprefix(f"{root.as_posix()}/")


def unique_by_name(images: list[Path]) -> dict[str, Path | None]:
    """Images by the last part of their name; None where two share it."""
    found: dict[str, Path | None] = {}
    for image in images:
        found[image.name] = None if image.name in found else image
    return found
