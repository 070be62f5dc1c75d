"""From a camera image to a network's input, and from the network's pixels back to the camera's.

Coordinates are those of boxes: (0, 0) is the outer corner of the first pixel, whose centre is at (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput


@dataclass(frozen=True)
class Letterbox:
    """How a source image lies in the square that the network sees: `square = source * scale + offset`, on each axis.

    The two scales differ slightly, because the resized image has a whole number of pixels.
    """

    source_size_px: tuple[int, int]
    scale: tuple[float, float]
    offset_px: tuple[int, int]

    @classmethod
    def fit(cls, width_px: int, height_px: int, size_px: int) -> Letterbox:
        """The largest centred placement of the image in a square of `size_px`."""
        ratio = min(size_px / width_px, size_px / height_px)
        resized = max(1, round(width_px * ratio)), max(1, round(height_px * ratio))
        return cls(
            source_size_px=(width_px, height_px),
            scale=(resized[0] / width_px, resized[1] / height_px),
            # The same pixel as ultralytics puts it on where the padding is odd.
            offset_px=((size_px - resized[0]) // 2, (size_px - resized[1]) // 2),
        )

    @property
    def resized_px(self) -> tuple[int, int]:
        """Width and height of the image inside the square."""
        (width, height), (scale_x, scale_y) = self.source_size_px, self.scale
        return round(width * scale_x), round(height * scale_y)

    def to_square(self, boxes_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes [n, 4] of the source image, x1 y1 x2 y2, in pixels of the square."""
        return boxes_px * self._corner_scale + self._corner_offset_px

    def to_source(self, boxes_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes [n, 4] of the square, x1 y1 x2 y2, in pixels of the source image (not clipped)."""
        boxes: NDArray[np.float32] = boxes_px - self._corner_offset_px
        boxes /= self._corner_scale
        return boxes

    def points_to_source(self, points_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points [..., 2] of the square, x y, in pixels of the source image (not clipped)."""
        points: NDArray[np.float32] = points_px - self._corner_offset_px[:2]
        points /= self._corner_scale[:2]
        return points

    # Kept, because one placement serves frame after frame.

    @cached_property
    def corners_px(self) -> NDArray[np.float32]:
        """The greatest x1 y1 x2 y2 of a box in the source image, float32 [4]."""
        return np.array(self.source_size_px * 2, np.float32)

    @cached_property
    def _corner_scale(self) -> NDArray[np.float32]:
        return np.array(self.scale * 2, np.float32)

    @cached_property
    def _corner_offset_px(self) -> NDArray[np.float32]:
        return np.array(self.offset_px * 2, np.float32)


class Preprocessor:
    """Letterboxes images into one buffer that it keeps: a tensor it gave is overwritten by the next call."""

    def __init__(self, size_px: int, pad_value: int = 114) -> None:
        self._pad = pad_value
        # What each byte becomes: to look up a quotient is faster than to divide.
        self._quotients = np.arange(256, dtype=np.float32) / np.float32(255)
        self._tensor = np.empty((0, 3, size_px, size_px), np.float32)
        self._placed: list[Letterbox | None] = []
        self._resized = np.empty((0, 0, 3), np.uint8)
        self._planes: list[NDArray[np.uint8]] = []

    def prepare(self, image_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Letterbox]:
        """uint8 [h, w, 3] BGR → float32 [1, 3, S, S] RGB in [0, 1], and how the image lies in it.

        Raises:
            BadInput: it is not such an image.
        """
        tensor, (letterbox,) = self.prepare_many((image_bgr,))
        return tensor, letterbox

    def prepare_many(
        self, images_bgr: Sequence[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], list[Letterbox]]:
        """N images uint8 [h, w, 3] BGR, of any sizes → float32 [N, 3, S, S], and how each of them lies in its square.

        Raises:
            BadInput: one is not such an image.
        """
        for image_bgr in images_bgr:
            check_image(image_bgr)
        count = len(images_bgr)
        if count > len(self._tensor):
            self._tensor = np.empty((count, *self._tensor.shape[1:]), np.float32)
            self._placed = [None] * count
        return self._tensor[:count], [self._fill(row, image) for row, image in enumerate(images_bgr)]

    def _fill(self, row: int, image_bgr: NDArray[np.uint8]) -> Letterbox:
        import cv2

        letterbox = self._place(row, image_bgr.shape[1], image_bgr.shape[0])
        (left, top), (width, height) = letterbox.offset_px, letterbox.resized_px
        # Planes first: neighbours that lie three bytes apart take twice as long.
        cv2.split(self._resize(image_bgr, width, height), self._planes)
        window = self._tensor[row, :, top : top + height, left : left + width]
        for plane, channel in zip(reversed(self._planes), window, strict=True):
            cv2.LUT(plane, self._quotients, channel)
        return letterbox

    def _place(self, row: int, width_px: int, height_px: int) -> Letterbox:
        """The placement, computed anew and the padding restored only when the image size changes."""
        placed = self._placed[row]
        if placed is None or placed.source_size_px != (width_px, height_px):
            self._tensor[row] = self._quotients[self._pad]
            placed = self._placed[row] = Letterbox.fit(width_px, height_px, self._tensor.shape[-1])
        return placed

    def _resize(self, image_bgr: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
        import cv2

        if self._resized.shape[:2] != (height_px, width_px):
            self._resized = np.empty((height_px, width_px, 3), np.uint8)
            self._planes = [np.empty((height_px, width_px), np.uint8) for _ in range(3)]
        if image_bgr.shape == self._resized.shape:
            return image_bgr
        cv2.resize(image_bgr, (width_px, height_px), dst=self._resized, interpolation=cv2.INTER_LINEAR)
        return self._resized


def letterbox(
    image_bgr: NDArray[np.uint8], size_px: int, pad_value: int = 114
) -> tuple[NDArray[np.float32], Letterbox]:
    """As `Preprocessor.prepare`, in a tensor of its own."""
    return Preprocessor(size_px, pad_value).prepare(image_bgr)


def check_image(image_bgr: NDArray[np.uint8]) -> None:
    """Refuse what is not a uint8 [h, w, 3] image with at least one pixel.

    Raises:
        BadInput: says what it is.
    """
    is_bytes = isinstance(image_bgr, np.ndarray) and image_bgr.dtype == np.uint8
    if is_bytes and image_bgr.ndim == 3 and image_bgr.shape[2] == 3 and image_bgr.size:
        return
    described = (
        f"{image_bgr.dtype} {list(image_bgr.shape)}" if isinstance(image_bgr, np.ndarray) else type(image_bgr)
    )
    raise BadInput(
        where="the image",
        got=str(described),
        wanted="uint8 [height, width, 3] in BGR order",
        next_step="convert the image before it is detected",
    )
