"""Whether an engine that was just built answers as the very same file does on the CPU, where it was proven.

A runtime may compile a sound network into wrong answers: FP16 that overflows, a fault of one of its versions. What a
robot sees is not at hand when an engine is built, so that both answer for images that are drawn here, the same ones
each time. The bounds are wide: they find what is grossly wrong, and do not measure accuracy, which the proof does.
Keypoints are held to the bound of boxes; masks are looked at inside boxes that both have (`mask_agreement`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_edge.backends import CannotRunHere, Engine, EngineSettings, open_engine
from trunnion_edge.engine_builder import Judgement
from trunnion_edge.mask_agreement import PixelCount, pixels_apart

_log = logging.getLogger(__name__)

Rows = NDArray[np.float32]
# Everything that a network gives for one image, by name.
Answer = Mapping[str, NDArray[np.float32]]

# Of the surest boxes on all images most must agree, not all: one of low score may come or go with any rounding.
_SUREST = 10
_MOST = 0.8
# In parts of the image's side: 5 px at 320, 10 px at 640. The same INT8 file in floats instead of integers, or FP16
# against fp32, moves those boxes by 0.37 and 0.01 px at most; one that sees all of it shifted by 8 px at 320 fails.
_BOXES_MAX_SHARE = 1 / 64
# The best score on an image, in times of the other's: up to 1.16 for the same INT8 file in floats.
_SCORES_MAX_RATIO = 4.0
_SCORE_MIN = 1e-6
# Of the pixels in the boxes, those in one's mask and not in the other's: 1 where all signs are turned. Only sums near 0
# change theirs with rounding; how many that are was not measured.
_MASKS_MAX_SHARE = 0.25


class Difference(NamedTuple):
    """How far answers are apart.

    Attributes:
        boxes_px: in pixels of the letterboxed image, the worst of a box and its keypoints.
        scores_ratio: how many times one best score is the other.
        boxes: how many were looked at; none where a network keeps what is unsure to itself.
        masks_share: of the pixels in boxes that both have, those where their masks differ.
    """

    boxes_px: float
    scores_ratio: float
    boxes: int
    masks_share: float = 0.0


class CpuAgreement:
    """The check of a detector's engine against ONNX Runtime on the CPU."""

    def __init__(self, network: bytes, spec: DetectorSpec) -> None:
        self._network, self._spec = network, spec
        self._expected: list[Answer] = []

    def prepare(self) -> None:
        """Let the CPU answer.

        Raises:
            CannotRunHere: ONNX Runtime is missing.
        """
        _log.info("agreement: the CPU answers first, for the engine's answers to be compared with")
        try:
            reference = open_engine(self._network, EngineSettings("onnxruntime", "cpu"))
        except CannotRunHere as error:
            raise _no_reference(error) from error
        with reference as engine:
            self._expected = self._answers(engine)

    def judge(self, engine: Engine) -> Judgement:
        """Compare the engine's answers with those of the CPU, and close it."""
        with engine:
            answers = self._answers(engine)
        boxes_px, ratio, count, share = difference(self._expected, answers, self._spec)
        boxes_max_px = _boxes_max_px(self._spec)
        passed = boxes_px <= boxes_max_px and ratio <= _SCORES_MAX_RATIO and share <= _MASKS_MAX_SHARE
        boxes = "boxes with their keypoints" if self._spec.keypoints else "boxes"
        words = f"{count} {boxes} {boxes_px:.2g} px off ({boxes_max_px:.2g} may be)"
        words += f", scores {ratio:.3g} times apart ({_SCORES_MAX_RATIO:g} may be)"
        if self._spec.masks:
            words += f", masks otherwise in {share:.2g} of their pixels ({_MASKS_MAX_SHARE:g} may be)"
        return Judgement(passed, words)

    def _answers(self, engine: Engine) -> list[Answer]:
        """For each image, every output that the spec names."""
        of = self._spec
        answers = (engine.infer({of.input.name: image}) for image in images(of.image_size_px))
        return [{output.name: answer[output.name] for output in of.outputs} for answer in answers]


def images(size_px: int) -> list[NDArray[np.float32]]:
    """Noise, coarser noise and coloured rectangles, each float32 [1, 3, S, S] in [0, 1]; the same ones each time."""
    random = np.random.default_rng(0)
    noises = [_noise(random, size_px, grain_px) for grain_px in (1, 8, 32)]
    drawn = [*noises, *(_rectangles(random, size_px) for _ in range(2))]
    return [image[np.newaxis].astype(np.float32) for image in drawn]


def difference(expected: Sequence[Answer], got: Sequence[Answer], spec: DetectorSpec) -> Difference:
    """How far the answers for some images are apart, either way: a box too many counts as one too few does.

    Infinitely far, where a value in any output is not finite, or most boxes have none of their class to go with.
    """
    if not all(np.isfinite(output).all() for answer in (*expected, *got) for output in answer.values()):
        return Difference(np.inf, np.inf, 0, np.inf)
    pairs = [
        (boxes_of(a[spec.output.name], spec), boxes_of(b[spec.output.name], spec))
        for a, b in zip(expected, got, strict=True)
    ]
    apart_px = sorted(px for a, b in pairs for px in (*_to_nearest(a, b, spec), *_to_nearest(b, a, spec)))
    ratios = sorted(_ratio(_best_score(a), _best_score(b)) for a, b in pairs)
    # Order statistics, because a mean of infinities is none.
    boxes_px = apart_px[int(_MOST * (len(apart_px) - 1))] if apart_px else 0.0
    return Difference(
        boxes_px, ratios[len(ratios) // 2], len(apart_px), _masks_share(expected, got, pairs, spec)
    )


def boxes_of(output: NDArray[np.float32], spec: DetectorSpec) -> Rows:
    """The output of a network → float32 [n, 6 + e]: x1 y1 x2 y2, score, class, extras; as many as candidates."""
    if spec.form == "chosen":
        chosen: Rows = output[0]
        return chosen
    rows, end = output[0].T, 4 + len(spec.labels)
    centres, halves, scores = rows[:, :2], rows[:, 2:4] / 2, rows[:, 4:end]
    best, classes = scores.max(axis=1)[:, None], scores.argmax(axis=1)[:, None]
    columns = (centres - halves, centres + halves, best, classes, rows[:, end:])
    return np.concatenate(columns, axis=1).astype(np.float32)


def _to_nearest(rows: Rows, others: Rows, spec: DetectorSpec) -> list[float]:
    """From each of the surest boxes to the nearest of its class among the others, px, keypoints and all."""
    surest, theirs = _surest(rows), _places_px(others, spec)
    return [
        float(np.abs(theirs[others[:, 5] == row[5]] - place).max(axis=1).min(initial=np.inf))
        for row, place in zip(surest, _places_px(surest, spec), strict=True)
    ]


def _surest(rows: Rows) -> Rows:
    return rows[np.argsort(-rows[:, 4])[:_SUREST]]


def _places_px(rows: Rows, spec: DetectorSpec) -> NDArray[np.float32]:
    """The corners of each box, then its keypoints, [n, 4 + 2k]."""
    if spec.keypoints is None:
        return rows[:, :4]
    keypoints = rows[:, 6:].reshape(len(rows), len(spec.keypoints.names), spec.keypoints.values)
    return np.concatenate([rows[:, :4], keypoints[..., 0], keypoints[..., 1]], axis=1)


def _masks_share(
    expected: Sequence[Answer], got: Sequence[Answer], pairs: Sequence[tuple[Rows, Rows]], spec: DetectorSpec
) -> float:
    """Of the pixels in the surest boxes that both have, those where the masks differ; 0 where there are none."""
    if spec.masks is None:
        return 0.0
    name, within_px = spec.masks.prototypes.name, _boxes_max_px(spec)
    count = PixelCount(0, 0)
    for answer, other, (a, b) in zip(expected, got, pairs, strict=True):
        first, second = answer[name][0], other[name][0]
        if first.shape != second.shape:
            return np.inf
        count += pixels_apart(_surest(a), first, b, second, spec.image_size_px, within_px)
        count += pixels_apart(_surest(b), second, a, first, spec.image_size_px, within_px)
    return count.differing / max(count.all, 1)


def _boxes_max_px(spec: DetectorSpec) -> float:
    return spec.image_size_px * _BOXES_MAX_SHARE


def _no_reference(error: CannotRunHere) -> CannotRunHere:
    return CannotRunHere(
        where="the comparison of the new engine with the CPU",
        got=f"{error.got}, with which a new engine is compared",
        wanted="ONNX Runtime on the CPU: an engine is used once it has answered as its network does there",
        next_step='pip install onnxruntime (part of "./edge[tensorrt]"); an engine that was compared runs without',
    )


def _best_score(rows: Rows) -> float:
    return max(float(rows[:, 4].max(initial=0.0)), _SCORE_MIN)


def _ratio(a: float, b: float) -> float:
    return max(a, b) / min(a, b)


def _noise(random: np.random.Generator, size_px: int, grain_px: int) -> NDArray[np.float64]:
    """Random colours in squares of `grain_px`, [3, S, S]."""
    grains = -(-size_px // grain_px)
    coarse = random.random((3, grains, grains))
    return coarse.repeat(grain_px, axis=1).repeat(grain_px, axis=2)[:, :size_px, :size_px]


def _rectangles(random: np.random.Generator, size_px: int) -> NDArray[np.float64]:
    """Twenty rectangles of a twentieth to a fifth of the side on one colour, [3, S, S]."""
    image = np.empty((3, size_px, size_px))
    image[:] = random.random((3, 1, 1))
    for _ in range(20):
        left, top = random.integers(0, size_px, 2)
        width, height = random.integers(size_px // 20, size_px // 5, 2)
        image[:, top : top + height, left : left + width] = random.random((3, 1, 1))
    return image
