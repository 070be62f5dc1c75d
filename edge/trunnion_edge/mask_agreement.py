"""How far the masks of two answers for the same image are apart: in pixels, for the boxes that both have.

Rows are float32 [n, 6 + m]: x1 y1 x2 y2 (pixels of the letterboxed image), score, class, coefficients of the mask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PixelCount:
    """Pixels that were looked at, and those where one mask is and the other is not."""

    differing: int
    all: int

    def __add__(self, other: PixelCount) -> PixelCount:
        return PixelCount(self.differing + other.differing, self.all + other.all)


def pixels_apart(
    rows: Floats, prototypes: Floats, others: Floats, their_prototypes: Floats, size_px: int, within_px: float
) -> PixelCount:
    """Compare the mask of each row with that of the other row that goes with it, inside the row's box.

    Args:
        prototypes: float32 [m, h, w], which the rows' coefficients weigh.
        size_px: side of the square that the prototypes cover.
        within_px: how far boxes may be apart that go with each other; a row without such another is left out.
    """
    count = PixelCount(0, 0)
    for row in rows:
        other = _partner(row, others, within_px)
        if other is not None:
            mine = _inside(row, prototypes, row[:4], size_px)
            theirs = _inside(other, their_prototypes, row[:4], size_px)
            count += PixelCount(int((mine != theirs).sum()), mine.size)
    return count


def _partner(row: Floats, others: Floats, within_px: float) -> Floats | None:
    """Of the boxes of the same class about where the row's is, the one whose coefficients are most like the row's.

    Candidates beside each other have nearly the same box, and may have other masks.
    """
    is_near = (others[:, 5] == row[5]) & (np.abs(others[:, :4] - row[:4]).max(axis=1) <= within_px)
    near = others[is_near]
    if len(near) == 0:
        return None
    partner: Floats = near[np.abs(near[:, 6:] - row[6:]).max(axis=1).argmin()]
    return partner


def _inside(row: Floats, prototypes: Floats, box_px: Floats, size_px: int) -> NDArray[np.bool_]:
    """The row's mask in the cells of the prototypes that a box touches, bool [rows, columns]."""
    height, width = prototypes.shape[1:]
    cells = np.array([width, height, width, height], np.float64)
    edges = (box_px.astype(np.float64) * cells / size_px).clip(0, cells)
    (left, top), (right, bottom) = np.floor(edges[:2]).astype(int), np.ceil(edges[2:]).astype(int)
    inside: NDArray[np.bool_] = (
        np.tensordot(row[6:].astype(np.float64), prototypes[:, top:bottom, left:right], axes=1) > 0
    )
    return inside
