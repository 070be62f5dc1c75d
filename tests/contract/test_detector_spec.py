"""What a manifest may say of a detector's outputs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trunnion_contract.detector_spec import DetectorSpec, KeypointSpec, MaskSpec
from trunnion_contract.tensor import TensorSpec

MASKS = MaskSpec(
    prototypes=TensorSpec(name="prototypes", dtype="float32", shape=(1, 32, 16, 16)), coefficients=32
)
KEYPOINTS = KeypointSpec(names=("nose", "tail"))


def spec(*shape: int | str, **more: Any) -> DetectorSpec:
    return DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 64, 64)),
        output=TensorSpec(name="output0", dtype="float32", shape=shape),
        image_size_px=64,
        labels=("gear", "bolt", "nut"),
        confidence_threshold=0.5,
        **more,
    )


@pytest.mark.parametrize(
    ("made", "task", "extras"),
    [
        (spec(1, 300, 6), "detection", 0),
        (spec(1, 7, 8400, form="candidates"), "detection", 0),
        (spec(1, 300, 38, masks=MASKS), "segmentation", 32),
        (spec(1, 39, "n", form="candidates", masks=MASKS), "segmentation", 32),
        (spec("N", 300, 12, keypoints=KEYPOINTS), "pose", 6),
        (spec("N", "n", "?", keypoints=KEYPOINTS), "pose", 6),
    ],
)
def test_the_task_and_the_extras_follow_from_what_is_said(made: DetectorSpec, task: str, extras: int) -> None:
    assert (made.task, made.extras) == (task, extras)


def test_every_output_is_named() -> None:
    assert [output.name for output in spec(1, 300, 38, masks=MASKS).outputs] == ["output0", "prototypes"]
    assert [output.name for output in spec(1, 300, 6).outputs] == ["output0"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": (1, 300, 7)},
        {"shape": (1, 300)},
        {"shape": (1, 300, 6), "form": "candidates"},
        {"shape": (1, 300, 6), "masks": MASKS},
        {"shape": (1, 300, 44), "masks": MASKS, "keypoints": KEYPOINTS},
    ],
)
def test_an_output_that_does_not_fit_what_is_said_is_refused(wrong: dict[str, Any]) -> None:
    shape = wrong.pop("shape")
    with pytest.raises(ValidationError):
        spec(*shape, **wrong)


def test_what_stands_at_its_default_changes_no_digest_of_before() -> None:
    said = spec(1, 300, 6).model_dump(mode="json", exclude_defaults=True)
    assert set(said) == {"input", "output", "image_size_px", "labels", "confidence_threshold"}
