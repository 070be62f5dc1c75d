"""What is grossly wrong with an engine is found by images that are drawn, and what rounding does is let through."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import Broken
from trunnion_contract.tensor import TensorSpec
from trunnion_edge import backends
from trunnion_edge.agreement import CpuAgreement, boxes_of, difference, images
from trunnion_edge.backends import CannotRunHere, EngineSettings, open_engine
from trunnion_edge.backends.engine import Array

BOXES_PX = [[8.0, 20.0, 16.0, 24.0], [30.0, 30.0, 50.0, 60.0], [1.0, 2.0, 30.0, 40.0]]
Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Changed:
    """An engine whose output is changed on its way."""

    def __init__(self, network: bytes, change: Change) -> None:
        self._engine, self._change = open_engine(network, EngineSettings(device="cpu")), change
        self.specs, self.runtime = self._engine.specs, "changed on gpu"

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return {name: self._change(output) for name, output in self._engine.infer(inputs).items()}

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> Changed:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def moved(pixels: float) -> Change:
    return lambda output: output + np.array([pixels] * 4 + [0, 0], np.float32)


def only(output: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    return {"output0": output}


def with_column(column: int, value: float) -> Change:
    def change(output: NDArray[np.float32]) -> NDArray[np.float32]:
        changed = output.copy()
        changed[..., column] = value
        return changed

    return change


@pytest.fixture
def network(colour_network: Callable[..., bytes]) -> bytes:
    return colour_network(BOXES_PX)


@pytest.fixture
def check(network: bytes, detector_spec: DetectorSpec) -> CpuAgreement:
    check = CpuAgreement(network, detector_spec)
    check.prepare()
    return check


# The bound is a 64th of 64 pixels.
@pytest.mark.parametrize(
    "change",
    [lambda output: output, moved(0.9), lambda output: output.astype(np.float16).astype(np.float32)],
    ids=["the same", "rounded to a pixel", "rounded to FP16"],
)
def test_what_rounding_does_passes(change: Change, check: CpuAgreement, network: bytes) -> None:
    passed, words = check.judge(Changed(network, change))
    assert passed, words


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (moved(3), "boxes 3 px off (1 may be)"),
        (moved(float("nan")), "boxes inf px off"),
        (with_column(4, float("inf")), "boxes inf px off"),
        (with_column(4, 0.0), "times apart (4 may be)"),
        (with_column(4, 255.0), "times apart (4 may be)"),
        (with_column(5, 2), "px off"),
        (lambda output: output[:, :0], "boxes inf px off"),
        (lambda output: output * 0, "px off"),
    ],
    ids=["shifted", "NaN", "infinite", "sees nothing", "sure of all", "one class", "empty", "zeros"],
)
def test_what_is_grossly_wrong_does_not(
    change: Change, said: str, check: CpuAgreement, network: bytes
) -> None:
    passed, words = check.judge(Changed(network, change))
    assert not passed
    assert said in words


def test_a_few_boxes_that_come_and_go_do_not_fail_the_rest(detector_spec: DetectorSpec) -> None:
    random = np.random.default_rng(1)
    boxes = random.random((1, 10, 6)).astype(np.float32) * 64
    boxes[..., 5] = 0
    some = boxes.copy()
    some[0, :2, :4] = 1000
    assert difference([only(boxes)], [only(some)], detector_spec).boxes_px == 0
    some[0, :3, :4] = 1000
    assert difference([only(boxes)], [only(some)], detector_spec).boxes_px > 10


def test_a_box_too_many_counts_as_one_too_few_does(detector_spec: DetectorSpec) -> None:
    none, one = only(np.zeros((1, 0, 6), np.float32)), only(np.ones((1, 1, 6), np.float32))
    assert difference([none], [none], detector_spec) == (0, 1, 0, 0)
    assert difference([none], [one], detector_spec).boxes_px == np.inf
    assert difference([one], [none], detector_spec).boxes_px == np.inf


def test_it_says_how_many_boxes_it_looked_at(check: CpuAgreement, network: bytes) -> None:
    """Three on each of five images, from either side."""
    assert check.judge(Changed(network, moved(0))).words.startswith("30 boxes 0 px off")


def test_candidates_are_read_as_centres_and_the_best_class(detector_spec: DetectorSpec) -> None:
    output = TensorSpec(name="output0", dtype="float32", shape=(1, 7, 2))
    spec = detector_spec.model_copy(update={"form": "candidates", "output": output})
    candidates = np.array([[[10, 50], [20, 50], [4, 10], [6, 20], [0.1, 0], [0.7, 0], [0.2, 0.3]]])
    assert boxes_of(candidates.astype(np.float32), spec) == pytest.approx(
        np.array([[8, 17, 12, 23, 0.7, 1], [45, 40, 55, 60, 0.3, 2]])
    )


def test_the_engine_that_was_judged_is_closed(check: CpuAgreement, network: bytes) -> None:
    engine = Changed(network, moved(0))
    check.judge(engine)
    with pytest.raises(Broken):
        engine.infer({"images": images(64)[0]})


def test_the_images_are_the_same_each_time_and_all_unlike() -> None:
    first, second = images(64), images(64)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert {(image.shape, image.dtype.name) for image in first} == {((1, 3, 64, 64), "float32")}
    assert all(0 <= image.min() < image.max() <= 1 for image in first)
    assert len({image.tobytes() for image in first}) == len(first)


def test_without_onnx_runtime_it_is_said_before_anything_is_built(
    network: bytes, detector_spec: DetectorSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "installed", lambda package: False)
    with pytest.raises(
        CannotRunHere, match="no Python package onnxruntime, with which a new engine is compared"
    ):
        CpuAgreement(network, detector_spec).prepare()
