"""From boxes in an image to boxes in space, by a depth image that is registered to it.

Lengths are metres in the camera's optical frame (REP 103: x to the right, y down, z forward). A depth is what REP 118
means by it: the distance along z, and not that along the line of sight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.errors import BadInput
from trunnion_edge.intrinsics import Intrinsics

Depth = NDArray[np.float32]
Vector = NDArray[np.float64]
# Pixels of a box that are looked at: more make no box better, and a box can be as large as the image.
_SAMPLES_MAX = 4096
# So much of what is measured at either end of an object's depth may be noise.
_TAIL_PERCENT = 2.0
# Where so few of the measurements lie within one gap, there is none: pixels half on an edge bridge nothing.
_SPARSE = 0.01


@dataclass(frozen=True)
class DepthSettings:
    """How the depth of an object is told from what is behind it and in front of it.

    Attributes:
        gap_m, gap_ratio: two surfaces are apart when the larger of both lies between them; a ratio of the distance.
        middle: this part of a box's width and of its height, around its centre, belongs mostly to the object.
        share_min: the object is the nearest surface that is this part of what is measured in the middle.
        measured_min: least part of the middle that must be measured.
    """

    gap_m: float = 0.005
    gap_ratio: float = 0.01
    middle: float = 0.5
    share_min: float = 0.25
    measured_min: float = 0.1


@dataclass(frozen=True)
class Boxes3D:
    """The boxes that have a depth, upright in the optical frame.

    Attributes:
        rows: int64 [m], which of the boxes in the image each one is.
        centres_m: float64 [m, 3], on the line of sight of the middle of that box.
        sizes_m: float64 [m, 3]: as wide and as high as that box at the centre's depth, and as deep as its surface is.
    """

    rows: NDArray[np.int64]
    centres_m: Vector
    sizes_m: Vector


def lift(
    boxes_px: ArrayLike, depth_m: Depth, camera: Intrinsics, settings: DepthSettings = DepthSettings()
) -> Boxes3D:
    """2D boxes → 3D boxes.

    A camera sees the front of things: the depth of a box is that of the surface that is seen. Left out is a box whose
    numbers are none, whose middle is not in the image or hardly measured, or in whose middle no surface stands out.

    Args:
        boxes_px: [n, 4], x1 y1 x2 y2 in pixels of the image; they may reach over its borders.
        depth_m: float32 [h, w], for each pixel of the image; what is not finite and positive is no measurement.
        camera: that of the image, and so of the depth.

    Raises:
        BadInput: the depth image has another size than the camera's images.
    """
    if depth_m.shape != (camera.height_px, camera.width_px):
        raise BadInput(
            where="the depth image",
            got=" x ".join(map(str, depth_m.shape[::-1])),
            wanted=f"{camera.width_px} x {camera.height_px}, the size of the image that it belongs to",
            next_step="register the depth to the colour image, pixel by pixel",
        )
    boxes = np.asarray(boxes_px, np.float64).reshape(-1, 4)
    spans = [_span_m(box, depth_m, settings) for box in boxes]
    return _boxes_3d(boxes, np.array(spans, np.float64).reshape(-1, 2), camera)


def _boxes_3d(boxes_px: Vector, spans_m: Vector, camera: Intrinsics) -> Boxes3D:
    """Boxes [n, 4] and the nearest and farthest depth of each [n, 2], NaN where there is none."""
    left, top, right, bottom = boxes_px.T
    # What is no number, or too large for one, is left out at the end.
    with np.errstate(invalid="ignore", over="ignore"):
        across, down = left + (right - left) / 2, top + (bottom - top) / 2
        # The middles of the four sides: under a lens that bends lines, a box is what lies between them.
        sides = np.stack([left, down, right, down, across, top, across, bottom], axis=-1).reshape(-1, 4, 2)
        rays = camera.rays(sides)
        low = np.stack([rays[:, 0, 0], rays[:, 2, 1]], axis=-1)
        high = np.stack([rays[:, 1, 0], rays[:, 3, 1]], axis=-1)
        depths = spans_m.mean(axis=1, keepdims=True)
        centres = np.concatenate([(low + high) / 2 * depths, depths], axis=1)
        sizes = np.concatenate([(high - low) * depths, np.diff(spans_m, axis=1)], axis=1)
    rows = np.flatnonzero(np.isfinite(centres).all(axis=1) & np.isfinite(sizes).all(axis=1))
    return Boxes3D(rows, centres[rows], sizes[rows])


def _span_m(box_px: Vector, depth_m: Depth, settings: DepthSettings) -> tuple[float, float]:
    """The nearest and the farthest depth of the object in a box; NaN where there is none."""
    x1, y1, x2, y2 = (float(value) for value in box_px)
    height, width = depth_m.shape
    columns, is_across = _pixels(x1, x2, width, settings.middle)
    rows, is_down = _pixels(y1, y2, height, settings.middle)
    region = depth_m[rows, columns]
    which = _sampled(region.shape)
    is_in_middle = (is_down[:, None] & is_across).ravel()[which]
    surface = _surface(region.ravel()[which], is_in_middle, settings)
    if not surface.size:
        return math.nan, math.nan
    near_m, far_m = np.percentile(surface, (_TAIL_PERCENT, 100 - _TAIL_PERCENT))
    return float(near_m), float(far_m)


def _pixels(low: float, high: float, size: int, middle: float) -> tuple[slice, NDArray[np.bool_]]:
    """The pixels between two edges along one side of an image, and which of them are in the middle of the box.

    At least the pixel under the centre; none where the centre is not in the image, or where an edge is no number.
    """
    centre = low + (high - low) / 2
    if not (low <= high and 0 <= centre < size):
        return slice(0), np.zeros(0, np.bool_)
    first, last = max(0, math.ceil(low - 0.5)), min(size, math.ceil(high - 0.5))
    if first >= last:
        first, last = int(centre), int(centre) + 1
    away = np.abs(np.arange(first, last) + 0.5 - centre)
    return slice(first, last), away <= max(middle * (high - low) / 2, float(away.min()))


def _sampled(shape: tuple[int, ...]) -> slice:
    """Which of the pixels of a region [h, w], row after row, are looked at."""
    height, width = shape
    step = max(1, math.ceil(height * width / _SAMPLES_MAX))
    # Every column and every row has its turn: a slope that is looked at in few of its rows would be a stair.
    while math.gcd(step, width) > 1:
        step += 1
    return slice(None, None, step)


def _surface(depths_m: Depth, is_in_middle: NDArray[np.bool_], settings: DepthSettings) -> Depth:
    """The depths of the nearest surface that fills enough of the middle of a box, nearest first; empty for none.

    Args:
        depths_m, is_in_middle: [n], of the pixels of the box.
    """
    is_measured = np.isfinite(depths_m) & (depths_m > 0)
    measured = np.sort(depths_m[is_measured & is_in_middle])
    if not measured.size or measured.size < settings.measured_min * np.count_nonzero(is_in_middle):
        return measured[:0]
    depths = np.sort(depths_m[is_measured])
    begins, ends = _surfaces(depths, settings)
    counts = np.searchsorted(measured, depths[ends - 1], "right") - np.searchsorted(measured, depths[begins])
    chosen = np.flatnonzero(counts >= settings.share_min * measured.size)
    return depths[begins[chosen[0]] : ends[chosen[0]]] if chosen.size else depths[:0]


def _surfaces(depths: Depth, settings: DepthSettings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each surface begins and ends in sorted depths [n]: they are cut where too few lie close together."""
    count = len(depths)
    window = max(1, int(_SPARSE * count))
    gaps = np.maximum(settings.gap_m, settings.gap_ratio * depths)
    is_dense = depths[window:] - depths[:-window] <= gaps[:-window]
    # Two neighbours hold together when any window that holds both is dense.
    holds = np.convolve(is_dense, np.ones(window, np.int64)) > 0 if count > window else np.ones(0, np.bool_)
    cuts = np.flatnonzero(~holds) + 1
    return np.concatenate([[0], cuts]).astype(np.int64), np.concatenate([cuts, [count]]).astype(np.int64)
