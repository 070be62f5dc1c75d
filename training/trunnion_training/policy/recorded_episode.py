"""One demonstrated episode as it is recorded, and what makes it fit to be kept."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pydantic import Field

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import Strict

if TYPE_CHECKING:
    from hashlib import _Hash

Array = NDArray[np.float32]
_SUCCESS_BYTES = {None: b"?", False: b"-", True: b"+"}


class ImageForm(Strict):
    """How the picture of each step is encoded, and how large it is; RGB, 8 bits."""

    encoding: Literal["png", "jpeg"]
    width_px: int = Field(ge=1)
    height_px: int = Field(ge=1)


@dataclass(frozen=True, eq=False)
class RecordedEpisode:
    """What was seen, float32 [T, observation], and done on it, float32 [T, action], in SI units.

    Attributes:
        success: whether the task was done; None where nobody said so.
        images: T encoded pictures, where the recording has them.
    """

    observations: Array
    actions: Array
    success: bool | None = None
    images: tuple[bytes, ...] | None = None

    def feed(self, digest: _Hash) -> None:
        """Add all of it to a digest: steps, success, little-endian numbers, and each picture with its length."""
        digest.update(len(self.actions).to_bytes(8, "little") + _SUCCESS_BYTES[self.success])
        for rows in (self.observations, self.actions):
            digest.update(np.ascontiguousarray(rows, "<f4").tobytes())
        for image in self.images or ():
            digest.update(len(image).to_bytes(8, "little") + image)


def check_episode(
    episode: RecordedEpisode, sizes: tuple[int, int], image: ImageForm | None, where: str
) -> None:
    """Refuse what cannot be learnt from.

    Raises:
        BadInput: no steps, another shape or type, a value that is not finite, or pictures of another form.
    """
    steps = len(episode.actions)
    if not steps:
        raise _refused(where, "no steps", "at least one")
    for name, rows, size in (
        ("observation", episode.observations, sizes[0]),
        ("action", episode.actions, sizes[1]),
    ):
        if rows.shape != (steps, size) or rows.dtype != np.float32:
            raise _refused(
                f"{where}: {name}", f"{rows.dtype} {list(rows.shape)}", f"float32 [{steps}, {size}]"
            )
        if not np.isfinite(rows).all():
            frame, column = (int(i) for i in np.argwhere(~np.isfinite(rows))[0])
            raise _refused(
                f"{where}, frame {frame}: {name}[{column}]", str(rows[frame, column]), "a finite number"
            )
    _check_images(episode.images, steps, image, where)


def _check_images(images: tuple[bytes, ...] | None, steps: int, form: ImageForm | None, where: str) -> None:
    if (images is None) != (form is None):
        raise _refused(
            where,
            *(("no pictures", "those of the header") if form else ("pictures", "none, as in the header")),
        )
    if form is None or images is None:
        return
    if len(images) != steps:
        raise _refused(where, f"{len(images)} pictures", f"{steps}, one for each step")
    wanted = f"{form.encoding} {form.width_px}x{form.height_px}"
    for frame, data in enumerate(images):
        if (got := _form_of(data)) != wanted:
            raise _refused(f"{where}, frame {frame}: image", got, wanted)


def _form_of(data: bytes) -> str:
    """Encoding and size of a picture, from its first bytes."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return f"{(picture.format or '').lower()} {picture.width}x{picture.height}"
    except (UnidentifiedImageError, OSError, ValueError) as error:
        return f"{len(data)} bytes that are no picture ({type(error).__name__})"


def _refused(where: str, got: str, wanted: str) -> BadInput:
    return BadInput(where=where, got=got, wanted=wanted, next_step="correct or leave out that episode")
