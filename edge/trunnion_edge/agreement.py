"""Whether an engine that was just built answers as the very same file does on the CPU, where it was proven.

A runtime may compile a sound network into wrong answers: FP16 that overflows, a fault of one of its versions. What a
robot sees is not at hand when an engine is built, so that both answer for images that are drawn here, the same ones
each time. The bounds are wide: they find what is grossly wrong, and do not measure accuracy, which the proof does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_edge.backends import Engine, EngineSettings, open_engine
from trunnion_edge.engine_builder import Judgement

_log = logging.getLogger(__name__)

Boxes = NDArray[np.float32]

# Of the surest boxes on all images most must agree, not all: one of low score may come or go with any rounding.
_SUREST = 10
_MOST = 0.8
# In parts of the image's side: 5 px at 320, 10 px at 640. The same INT8 file in floats instead of integers, or FP16
# against fp32, moves those boxes by 0.37 and 0.01 px at most; one that sees all of it shifted by 8 px at 320 fails.
_BOXES_MAX_SHARE = 1 / 64
# The best score on an image, in times of the other's: up to 1.16 for the same INT8 file in floats.
_SCORES_MAX_RATIO = 4.0
_SCORE_MIN = 1e-6


class Difference(NamedTuple):
    """How far answers are apart.

    Attributes:
        boxes_px: in pixels of the letterboxed image.
        scores_ratio: how many times one best score is the other.
        boxes: how many were looked at; none where a network keeps what is unsure to itself.
    """

    boxes_px: float
    scores_ratio: float
    boxes: int


class CpuAgreement:
    """The check of a detector's engine against ONNX Runtime on the CPU."""

    def __init__(self, network: bytes, spec: DetectorSpec) -> None:
        self._network, self._spec = network, spec
        self._expected: list[NDArray[np.float32]] = []

    def prepare(self) -> None:
        """Let the CPU answer.

        Raises:
            CannotRunHere: ONNX Runtime is missing.
        """
        _log.info("agreement: the CPU answers first, for the engine's answers to be compared with")
        with open_engine(self._network, EngineSettings("onnxruntime", "cpu")) as engine:
            self._expected = self._answers(engine)

    def judge(self, engine: Engine) -> Judgement:
        """Compare the engine's answers with those of the CPU, and close it."""
        with engine:
            answers = self._answers(engine)
        boxes_px, ratio, count = difference(self._expected, answers, self._spec)
        boxes_max_px = self._spec.image_size_px * _BOXES_MAX_SHARE
        passed = boxes_px <= boxes_max_px and ratio <= _SCORES_MAX_RATIO
        boxes = f"{count} boxes {boxes_px:.2g} px off ({boxes_max_px:.2g} may be)"
        return Judgement(passed, f"{boxes}, scores {ratio:.3g} times apart ({_SCORES_MAX_RATIO:g} may be)")

    def _answers(self, engine: Engine) -> list[NDArray[np.float32]]:
        of = self._spec
        return [engine.infer({of.input.name: image})[of.output.name] for image in images(of.image_size_px)]


def images(size_px: int) -> list[NDArray[np.float32]]:
    """Noise, coarser noise and coloured rectangles, each float32 [1, 3, S, S] in [0, 1]; the same ones each time."""
    random = np.random.default_rng(0)
    noises = [_noise(random, size_px, grain_px) for grain_px in (1, 8, 32)]
    drawn = [*noises, *(_rectangles(random, size_px) for _ in range(2))]
    return [image[np.newaxis].astype(np.float32) for image in drawn]


def difference(
    expected: Sequence[NDArray[np.float32]], got: Sequence[NDArray[np.float32]], spec: DetectorSpec
) -> Difference:
    """How far the answers for some images are apart, either way: a box too many counts as one too few does.

    Infinitely far, where a value is not finite, or most boxes have none of their class to go with.
    """
    if not all(np.isfinite(output).all() for output in got):
        return Difference(np.inf, np.inf, 0)
    pairs = [(boxes_of(a, spec), boxes_of(b, spec)) for a, b in zip(expected, got, strict=True)]
    apart_px = sorted(px for a, b in pairs for px in (*_to_nearest(a, b), *_to_nearest(b, a)))
    ratios = sorted(_ratio(_best_score(a), _best_score(b)) for a, b in pairs)
    # Order statistics, because a mean of infinities is none.
    boxes_px = apart_px[int(_MOST * (len(apart_px) - 1))] if apart_px else 0.0
    return Difference(boxes_px, ratios[len(ratios) // 2], len(apart_px))


def boxes_of(output: NDArray[np.float32], spec: DetectorSpec) -> Boxes:
    """The output of a network → float32 [n, 6]: x1 y1 x2 y2, score, class, as many as there are candidates."""
    if spec.form == "chosen":
        return output[0, :, :6]
    rows = output[0].T
    centres, halves, scores = rows[:, :2], rows[:, 2:4] / 2, rows[:, 4 : 4 + len(spec.labels)]
    classes = scores.argmax(axis=1)
    columns = (centres - halves, centres + halves, scores.max(axis=1)[:, None], classes[:, None])
    return np.concatenate(columns, axis=1).astype(np.float32)


def _to_nearest(boxes: Boxes, others: Boxes) -> list[float]:
    """From each of the surest boxes to the nearest of its class among the others, px."""
    surest = boxes[np.argsort(-boxes[:, 4])[:_SUREST]]
    return [
        float(np.abs(others[others[:, 5] == box[5], :4] - box[:4]).max(axis=1).min(initial=np.inf))
        for box in surest
    ]


def _best_score(boxes: Boxes) -> float:
    return max(float(boxes[:, 4].max(initial=0.0)), _SCORE_MIN)


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
