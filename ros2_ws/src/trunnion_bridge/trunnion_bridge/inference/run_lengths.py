"""A mask as numbers: run lengths as COCO has them, uncompressed, which pycocotools and others read."""

from __future__ import annotations

import numpy as np

from trunnion_edge.masks import Patch


def run_lengths(patch: Patch, width_px: int, height_px: int) -> list[int]:
    """How many pixels outside, inside, outside … follow each other in the whole image, column by column from its top
    left; the first number may be 0."""
    rows, columns = patch.inside.shape
    tall = np.zeros((height_px, columns), np.bool_)
    tall[patch.top : patch.top + rows] = patch.inside
    framed = np.pad(tall.ravel(order="F"), 1)
    changes = np.flatnonzero(framed[1:] != framed[:-1]) + patch.left * height_px
    ends = np.concatenate([[0], changes, [width_px * height_px]])
    counts: list[int] = np.diff(ends).tolist()
    return counts if counts[-1] else counts[:-1]
