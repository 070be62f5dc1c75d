"""A new engine whose boxes are right and whose masks or keypoints are not is found too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec, KeypointSpec, MaskSpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge import agreement
from trunnion_edge.agreement import CpuAgreement, images
from trunnion_edge.backends import EngineSpecs
from trunnion_edge.backends.engine import Array

SIDE_PX, ROWS, COEFFICIENTS, CELLS = 64, 12, 4, 16
Answers = list[dict[str, NDArray[np.float32]]]
Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Played:
    """An engine that has its answers ready."""

    specs, runtime = EngineSpecs((), ()), "played"

    def __init__(self, answers: Answers) -> None:
        self._answers = iter(answers)

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return dict(next(self._answers))

    def close(self) -> None:
        pass

    def __enter__(self) -> Played:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


def rows(random: np.random.Generator, extras: NDArray[np.float32]) -> NDArray[np.float32]:
    """As many boxes as there are extras, float32 [1, n, 6 + e]."""
    corners = random.uniform(0, SIDE_PX / 2, (ROWS, 2))
    sizes, scores = random.uniform(10, SIDE_PX / 2, (ROWS, 2)), random.random((ROWS, 1))
    columns = (corners, corners + sizes, scores, random.integers(0, 3, (ROWS, 1)), extras)
    return np.concatenate(columns, axis=1).astype(np.float32)[None]


def turned(chosen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Chosen rows as candidates of three classes."""
    (boxes,) = chosen
    centres, sizes = (boxes[:, :2] + boxes[:, 2:4]) / 2, boxes[:, 2:4] - boxes[:, :2]
    scores = boxes[:, 4:5] * (boxes[:, 5:6] == np.arange(3))
    return np.concatenate([centres, sizes, scores, boxes[:, 6:]], axis=1).astype(np.float32).T[None]


def masked(random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    prototypes = random.normal(size=(1, COEFFICIENTS, CELLS, CELLS)).astype(np.float32)
    return {"output0": rows(random, random.normal(size=(ROWS, COEFFICIENTS))), "output1": prototypes}


def posed(random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    points = random.uniform(0, SIDE_PX, (ROWS, 2, 3))
    points[..., 2] = random.random((ROWS, 2))
    return {"output0": rows(random, points.reshape(ROWS, 6))}


def ready(make: Callable[[np.random.Generator], dict[str, NDArray[np.float32]]], form: str) -> Answers:
    """An answer for each of the images, in that form."""
    random = np.random.default_rng(3)
    answers = [make(random) for _ in images(SIDE_PX)]
    return [
        {**answer, "output0": turned(answer["output0"])} if form == "candidates" else answer
        for answer in answers
    ]


def spec_of(plain: DetectorSpec, form: str, extras: int, **more: object) -> DetectorSpec:
    shape = (1, ROWS, 6 + extras) if form == "chosen" else (1, 7 + extras, ROWS)
    output = TensorSpec(name="output0", dtype="float32", shape=shape)
    return DetectorSpec.model_validate({**plain.model_dump(), "form": form, "output": output, **more})


@pytest.fixture(params=["chosen", "candidates"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def segments(detector_spec: DetectorSpec, form: str) -> DetectorSpec:
    prototypes = TensorSpec(name="output1", dtype="float32", shape=(1, COEFFICIENTS, CELLS, CELLS))
    masks = MaskSpec(prototypes=prototypes, coefficients=COEFFICIENTS)
    return spec_of(detector_spec, form, COEFFICIENTS, masks=masks)


@pytest.fixture
def poses(detector_spec: DetectorSpec, form: str) -> DetectorSpec:
    return spec_of(detector_spec, form, 6, keypoints=KeypointSpec(names=("head", "tail")))


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[bool, str]]:
    """What comes of an engine that answers otherwise than the CPU, in one output."""

    def judge(spec: DetectorSpec, answers: Answers, name: str, change: Change) -> tuple[bool, str]:
        monkeypatch.setattr(agreement, "open_engine", lambda *words: Played(answers))
        check = CpuAgreement(b"", spec)
        check.prepare()
        return check.judge(Played([{**answer, name: change(answer[name].copy())} for answer in answers]))

    return judge


def extras_of(output: NDArray[np.float32], spec: DetectorSpec) -> NDArray[np.float32]:
    """A view of the extras, [n, e]."""
    return output[0, :, 6:] if spec.form == "chosen" else output[0, 7:].T


def with_extras(spec: DetectorSpec, change: Change) -> Change:
    def changed(output: NDArray[np.float32]) -> NDArray[np.float32]:
        extras = extras_of(output, spec)
        extras[:] = change(extras.copy())
        return output

    return changed


def the_same(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.astype(np.float16).astype(np.float32)


def times(factor: float) -> Change:
    return lambda values: values * np.float32(factor)


def one_nan(values: NDArray[np.float32]) -> NDArray[np.float32]:
    values.flat[-1] = np.nan
    return values


@pytest.mark.parametrize("change", [the_same, rounded])
@pytest.mark.parametrize("name", ["output0", "output1"])
def test_masks_that_are_rounded_pass(
    name: str, change: Change, segments: DetectorSpec, form: str, judged: Callable[..., tuple[bool, str]]
) -> None:
    passed, words = judged(segments, ready(masked, form), name, change)
    assert passed, words
    assert "masks otherwise in 0" in words


@pytest.mark.parametrize(
    "change", [one_nan, times(np.inf), times(-1), times(0), lambda values: values[..., :8]],
    ids=["NaN", "infinite", "turned", "zeros", "another shape"],
)  # fmt: skip
def test_prototypes_that_are_wrong_do_not(
    change: Change, segments: DetectorSpec, form: str, judged: Callable[..., tuple[bool, str]]
) -> None:
    passed, words = judged(segments, ready(masked, form), "output1", change)
    assert not passed, words


@pytest.mark.parametrize("factor", [-1000, -1, 0, np.nan])
def test_coefficients_that_are_wrong_do_not(
    factor: float, segments: DetectorSpec, form: str, judged: Callable[..., tuple[bool, str]]
) -> None:
    change = with_extras(segments, times(factor))
    passed, words = judged(segments, ready(masked, form), "output0", change)
    assert not passed, words


def test_the_order_of_boxes_does_not_matter_to_their_masks(
    segments: DetectorSpec, form: str, judged: Callable[..., tuple[bool, str]]
) -> None:
    axis = 1 if form == "chosen" else 2
    passed, words = judged(segments, ready(masked, form), "output0", lambda output: np.flip(output, axis))
    assert passed, words
    assert "masks otherwise in 0 of" in words


# The bound is a 64th of 64 pixels.
@pytest.mark.parametrize(("pixels", "passes"), [(0.0, True), (0.9, True), (3.0, False), (np.nan, False)])
@pytest.mark.parametrize("column", [0, 1, 3, 4])
def test_keypoints_may_be_off_by_as_much_as_boxes(
    column: int, pixels: float, passes: bool, poses: DetectorSpec, form: str,
    judged: Callable[..., tuple[bool, str]],
) -> None:  # fmt: skip
    moved = np.zeros(6, np.float32)
    moved[column] = pixels
    change = with_extras(poses, lambda extras: extras + moved)
    passed, words = judged(poses, ready(posed, form), "output0", change)
    assert passed == passes, words
    assert "boxes with their keypoints" in words
