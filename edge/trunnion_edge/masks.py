"""Masks of the objects in an image, in its own pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trunnion_edge.preprocess import Letterbox


@dataclass(frozen=True)
class Patch:
    """Part of an image: `inside`, bool [h, w], whose first pixel is at column `left` and row `top`."""

    left: int
    top: int
    inside: NDArray[np.bool_]


@dataclass(frozen=True)
class Masks:
    """Masks of the n detections of one image, made when they are asked for.

    Attributes:
        coefficients: float32 [n, m].
        prototypes: float32 [m, h, w] over the square that the network saw.
        boxes_px: float32 [n, 4], x1 y1 x2 y2 in the source image; a mask ends where its box does.
        letterbox: how the source image lies in the square of side `square_px`.
    """

    coefficients: NDArray[np.float32]
    prototypes: NDArray[np.float32]
    boxes_px: NDArray[np.float32]
    letterbox: Letterbox
    square_px: int

    def __len__(self) -> int:
        return len(self.coefficients)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Masks:
        """Those of a mask or of positions."""
        return Masks(
            self.coefficients[which], self.prototypes, self.boxes_px[which], self.letterbox, self.square_px
        )

    def patch(self, index: int) -> Patch:
        """The mask of one detection, as large as its box: pixels whose centres are in both."""
        # A pixel's centre is half a pixel from its corner.
        left, top, right, bottom = (int(edge) for edge in np.ceil(self.boxes_px[index] - 0.5))
        if right <= left or bottom <= top:
            return Patch(left, top, np.zeros((max(bottom - top, 0), max(right - left, 0)), np.bool_))
        return Patch(left, top, self._sampled(index, left, top, right, bottom) > 0)

    def instances(self) -> NDArray[np.uint16]:
        """uint16 [h, w] of the source image: 0 where nothing is, else k for the k-th detection, counted from 1.

        Where masks overlap, the surer detection is on top.
        """
        width, height = self.letterbox.source_size_px
        image = np.zeros((height, width), np.uint16)
        for index in reversed(range(len(self))):
            patch = self.patch(index)
            rows, columns = patch.inside.shape
            image[patch.top : patch.top + rows, patch.left : patch.left + columns][patch.inside] = index + 1
        return image

    @cached_property
    def _sums(self) -> NDArray[np.float32]:
        """float32 [n, h, w]: above 0 inside."""
        count, height, width = self.prototypes.shape
        sums = self.coefficients @ self.prototypes.reshape(count, -1)
        return np.ascontiguousarray(sums, np.float32).reshape(-1, height, width)

    def _sampled(self, index: int, left: int, top: int, right: int, bottom: int) -> NDArray[np.float32]:
        """The sums at the centres of the source image's pixels, between those of the prototypes by straight lines."""
        import cv2

        rows, columns = self.prototypes.shape[1:]
        (scale_x, scale_y), (offset_x, offset_y) = self.letterbox.scale, self.letterbox.offset_px
        across, down = columns / self.square_px, rows / self.square_px
        # From a pixel of the patch to a cell of the prototypes; both count from centres.
        map_x = (scale_x * across, 0.0, ((left + 0.5) * scale_x + offset_x) * across - 0.5)
        map_y = (0.0, scale_y * down, ((top + 0.5) * scale_y + offset_y) * down - 0.5)
        sampled: NDArray[np.float32] = cv2.warpAffine(
            self._sums[index],
            np.array([map_x, map_y], np.float64),
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return sampled
