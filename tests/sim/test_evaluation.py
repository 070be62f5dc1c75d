from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import BadInput
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.detector import Detector
from trunnion_sim.evaluation import HARDEST, SAMPLES, evaluate_detector

BOX = [10, 10, 30, 30]


@pytest.fixture
def dataset_dir(tmp_path: Path) -> Path:
    """Twenty grey images; a gear at the same place in each, and in the last three a second one."""
    for index in range(20):
        image, label = (
            tmp_path / "images/test" / f"{index:03d}.jpg",
            tmp_path / "labels/test" / f"{index:03d}.txt",
        )
        image.parent.mkdir(parents=True, exist_ok=True)
        label.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(image), np.full((64, 64, 3), 90, np.uint8))
        rows = ["0 0.3125 0.3125 0.3125 0.3125", "0 0.75 0.75 0.25 0.25"]
        label.write_text("\n".join(rows[: 1 if index < 17 else 2]))
    return tmp_path


@pytest.fixture
def detector(constant_detector: Callable[..., bytes]) -> Detector:
    spec = DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 64, 64)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 2, 6)),
        image_size_px=64,
        labels=("gear",),
        confidence_threshold=0.5,
    )
    network = constant_detector([[*BOX, 0.9, 0], [40, 2, 60, 12, 0.2, 0]])
    return Detector(open_engine(network, EngineSettings(threads=1, device="cpu")), spec)


def test_the_test_split_is_measured_by_the_edge_runtime(detector: Detector, dataset_dir: Path) -> None:
    result, _ = evaluate_detector(detector, dataset_dir)
    assert result.images == 20
    # 20 of 23 gears are found, without a false one: of the 101 recalls those up to 0.86 are reached.
    assert result.map50 == pytest.approx(87 / 101, abs=1e-6)
    assert result.confusion == ((20, 3), (0, 0))


def test_the_threshold_is_low_while_measuring_and_afterwards_what_it_was(
    detector: Detector, dataset_dir: Path
) -> None:
    evaluate_detector(detector, dataset_dir)
    assert detector.confidence_threshold == 0.5


def test_the_samples_are_spread_and_hold_the_hardest_images(detector: Detector, dataset_dir: Path) -> None:
    _, samples = evaluate_detector(detector, dataset_dir)
    assert len(samples) <= SAMPLES + HARDEST
    captions = [sample.caption for sample in samples]
    assert captions[0] == "nothing wrong in 000.jpg"
    assert {"1 error in 017.jpg", "1 error in 018.jpg", "1 error in 019.jpg"} <= set(captions)
    assert len(set(captions)) == len(captions)
    picture = cv2.imdecode(np.frombuffer(samples[0].data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (640, 640, 3)


def test_a_dataset_without_test_images_is_refused(detector: Detector, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no images"):
        evaluate_detector(detector, tmp_path)
