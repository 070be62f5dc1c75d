"""What the robot makes of a network's raw output is what ultralytics makes of it: boxes, masks and keypoints."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trunnion_contract.detector_spec import DetectorSpec, KeypointSpec, MaskSpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.accuracy import overlaps
from trunnion_edge.decode import decode
from trunnion_edge.preprocess import Letterbox
from trunnion_training.vision.ultralytics_setup import load_ultralytics

SIZE_PX, CLASSES, ANCHORS, COEFFICIENTS, POINTS = 128, 3, 400, 8, 5
CONFIDENCE, OVERLAP = 0.3, 0.6


@pytest.fixture(params=[(200, 150), (90, 240), (128, 128), (641, 97)])
def letterbox(request: pytest.FixtureRequest) -> Letterbox:
    return Letterbox.fit(*request.param, SIZE_PX)


def candidates(letterbox: Letterbox, extras: np.ndarray) -> np.ndarray:
    """Crowded boxes within the image: float32 [1, 4 + c + e, n]."""
    rng = np.random.default_rng(0)
    (left, top), (width, height) = letterbox.offset_px, letterbox.resized_px
    centres = rng.uniform([left, top], [left + width, top + height], (ANCHORS, 2))
    sizes = rng.uniform(0.1, 0.5, (ANCHORS, 2)) * [width, height]
    scores = rng.uniform(0, 0.6, (ANCHORS, CLASSES))
    return np.concatenate([centres, sizes, scores, extras], axis=1).T[None].astype(np.float32)


def spec(columns: int, **more: object) -> DetectorSpec:
    return DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, SIZE_PX, SIZE_PX)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, columns, ANCHORS)),
        image_size_px=SIZE_PX,
        labels=("a", "b", "c"),
        confidence_threshold=CONFIDENCE,
        form="candidates",
        nms_threshold=OVERLAP,
        **more,
    )


def theirs(output: np.ndarray, letterbox: Letterbox) -> tuple[np.ndarray, np.ndarray]:
    """Rows after their suppression: boxes in the letterboxed image, score, class, extras; and boxes in the source."""
    load_ultralytics()
    from ultralytics.utils import nms, ops

    (rows,) = nms.non_max_suppression(torch.from_numpy(output.copy()), CONFIDENCE, OVERLAP, nc=CLASSES)
    width, height = letterbox.source_size_px
    boxes = ops.scale_boxes((SIZE_PX, SIZE_PX), rows[:, :4].clone(), (height, width))
    return rows.numpy(), boxes.numpy()


def test_boxes_are_chosen_alike(letterbox: Letterbox) -> None:
    output = candidates(letterbox, np.zeros((ANCHORS, 0)))
    (ours,) = decode({"output0": output}, spec(4 + CLASSES), [letterbox], CONFIDENCE)
    rows, boxes = theirs(output, letterbox)
    assert len(ours) == len(rows) > 20
    np.testing.assert_allclose(ours.scores, rows[:, 4], atol=1e-6)
    np.testing.assert_array_equal(ours.class_ids, rows[:, 5])
    assert np.diag(overlaps(ours.boxes_px, boxes)).min() > 0.95


def test_masks_are_drawn_alike(letterbox: Letterbox) -> None:
    from ultralytics.utils import ops

    rng = np.random.default_rng(1)
    coefficients = rng.normal(size=(ANCHORS, COEFFICIENTS))
    grid = np.linspace(0, 2 * np.pi, SIZE_PX // 4)
    waves = rng.uniform(0.5, 2, (COEFFICIENTS, 2))
    prototypes = np.stack([np.sin(a * grid)[:, None] + np.cos(b * grid)[None] for a, b in waves])[
        None
    ].astype(np.float32)
    output = candidates(letterbox, coefficients)
    masks = MaskSpec(
        prototypes=TensorSpec(name="output1", dtype="float32", shape=prototypes.shape),
        coefficients=COEFFICIENTS,
    )
    said = spec(4 + CLASSES + COEFFICIENTS, masks=masks)
    (ours,) = decode({"output0": output, "output1": prototypes}, said, [letterbox], CONFIDENCE)
    rows, boxes = theirs(output, letterbox)
    width, height = letterbox.source_size_px
    drawn = ops.process_mask_native(
        torch.from_numpy(prototypes[0]),
        torch.from_numpy(rows[:, 6:]),
        torch.from_numpy(boxes),
        (height, width),
    ).numpy()
    assert ours.masks is not None
    shared = united = 0
    for index, theirs_inside in enumerate(drawn.astype(bool)):
        patch, inside = ours.masks.patch(index), np.zeros((height, width), bool)
        high, wide = patch.inside.shape
        inside[patch.top : patch.top + high, patch.left : patch.left + wide] = patch.inside
        shared += (inside & theirs_inside).sum()
        united += (inside | theirs_inside).sum()
    assert shared / united > 0.95


def test_keypoints_are_placed_alike(letterbox: Letterbox) -> None:
    from ultralytics.utils import ops

    points = np.random.default_rng(2).uniform(0, SIZE_PX, (ANCHORS, POINTS, 3))
    points[..., 2] /= SIZE_PX
    output = candidates(letterbox, points.reshape(ANCHORS, -1))
    said = spec(4 + CLASSES + 3 * POINTS, keypoints=KeypointSpec(names=("1", "2", "3", "4", "5")))
    (ours,) = decode({"output0": output}, said, [letterbox], CONFIDENCE)
    rows, _ = theirs(output, letterbox)
    width, height = letterbox.source_size_px
    placed = torch.from_numpy(rows[:, 6:].reshape(-1, POINTS, 3).copy())
    placed[..., :2] = ops.scale_coords((SIZE_PX, SIZE_PX), placed[..., :2], (height, width))
    assert ours.keypoints is not None
    # Theirs end at the border, and have one scale for both axes: a pixel of the letterboxed image at the far edge.
    inside = np.concatenate(
        [ours.keypoints[..., :2].clip(0, [width, height]), ours.keypoints[..., 2:]], axis=2
    )
    np.testing.assert_allclose(inside, placed.numpy(), atol=1.0 / min(letterbox.scale))
