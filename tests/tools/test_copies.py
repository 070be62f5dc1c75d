"""Marked copies of a bundle: the same networks, whose answers tell which copy gave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.ros.tiny_bundle import IMAGE_SIZE_PX, Variant, write_bundle

from trunnion.bench.copies import MARK_SIDE_PX, TRAP_SIDE_PX, marked, why_unmarkable, with_detector
from trunnion.bench.node import _swaps_if_marked
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import Broken
from trunnion_edge.decode import Detections
from trunnion_edge.model_source import SourcedDetector


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(write_bundle(tmp_path_factory.mktemp("tiny")))


def seen(file: Path, *, white_spot: bool = False) -> Detections:
    image = np.full((IMAGE_SIZE_PX, IMAGE_SIZE_PX, 3), 153, np.uint8)
    middle = IMAGE_SIZE_PX // 2
    image[middle : middle + TRAP_SIDE_PX, :TRAP_SIDE_PX] = 255 if white_spot else 0
    model = SourcedDetector.from_bundle(open_bundle(file))
    try:
        return model.detector.detect(image)
    finally:
        model.close()


def test_a_copy_sees_what_the_bundle_sees_and_its_mark(bundle: Bundle, tmp_path: Path) -> None:
    before, after = seen(bundle.path), seen(marked(bundle, tmp_path, 48))
    middle = IMAGE_SIZE_PX / 2
    assert after.boxes_px[0].tolist() == [48, middle, 48 + MARK_SIDE_PX, middle + MARK_SIDE_PX]
    np.testing.assert_array_equal(after.boxes_px[1:], before.boxes_px)
    np.testing.assert_array_equal(after.scores[1:], before.scores)


def test_copies_with_other_marks_are_other_bundles(bundle: Bundle, tmp_path: Path) -> None:
    digests = {open_bundle(marked(bundle, tmp_path / str(mark), mark)).digest for mark in (16, 48)}
    assert len(digests | {bundle.digest}) == 3


def test_a_trapped_copy_fails_on_a_white_spot_and_on_nothing_else(bundle: Bundle, tmp_path: Path) -> None:
    file = marked(bundle, tmp_path, 16, trapped=True)
    assert len(seen(file)) == 2
    with pytest.raises(Broken, match="got class 9999"):
        seen(file, white_spot=True)


def test_a_white_spot_is_nothing_to_a_copy_without_a_trap(bundle: Bundle, tmp_path: Path) -> None:
    assert len(seen(marked(bundle, tmp_path, 16), white_spot=True)) == 2


def test_a_copy_with_another_detector_has_that_alone(bundle: Bundle, tmp_path: Path) -> None:
    detector = bundle.model.detector
    assert detector is not None
    spec = detector.spec.model_copy(update={"confidence_threshold": 0.7})
    copy = open_bundle(with_detector(bundle, tmp_path, bundle.read(detector.file), spec))
    assert copy.model.detector is not None
    assert copy.model.detector.spec.confidence_threshold == 0.7
    assert (copy.model.policy, copy.model.cell) == (None, None)


def candidates(bundle: Bundle) -> DetectorSpec:
    detector = bundle.model.detector
    assert detector is not None
    shape = (1, 4 + len(detector.spec.labels), 300)
    output = detector.spec.output.model_copy(update={"shape": shape})
    return detector.spec.model_copy(update={"form": "candidates", "output": output})


def test_what_can_be_marked_is_not_left_out(bundle: Bundle) -> None:
    assert bundle.model.detector is not None
    assert why_unmarkable(bundle.model.detector.spec) == ""


def test_candidates_cannot_be_marked(bundle: Bundle) -> None:
    assert why_unmarkable(candidates(bundle)) == "it gives candidates, not objects"


@pytest.mark.parametrize(
    ("variant", "why"),
    [
        (Variant(task="pose"), "more than a box (pose)"),
        (Variant(task="segmentation"), "more than a box (segmentation)"),
        (Variant(batch=True), "several images at once"),
    ],
)
def test_a_detector_that_cannot_be_marked_has_no_rows_of_swaps_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, variant: Variant, why: str
) -> None:
    assert _swaps_if_marked(open_bundle(write_bundle(tmp_path, variant))) == []
    assert why in caplog.text
    assert "no rows node.swap.*" in caplog.text
