"""Images of a split with their true boxes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_edge.labelled_images import labelled, split_images


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for name, label in (("b", "1 0.5 0.5 0.5 0.25\n0 0.25 0.25 0.1 0.2\n"), ("a", "")):
        (tmp_path / "images" / "test").mkdir(parents=True, exist_ok=True)
        (tmp_path / "labels" / "test").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / "test" / f"{name}.jpg"), np.zeros((40, 80, 3), np.uint8))
        (tmp_path / "labels" / "test" / f"{name}.txt").write_text(label)
    return tmp_path


def test_boxes_come_in_pixels_of_their_own_image_and_images_in_the_order_of_their_names(
    dataset: Path,
) -> None:
    (_, empty), (image, truth) = labelled(split_images(dataset, "test"))
    assert empty.boxes_px.shape == (0, 4)
    assert image.shape == (40, 80, 3)
    assert truth.class_ids.tolist() == [1, 0]
    np.testing.assert_allclose(truth.boxes_px, [[20, 15, 60, 25], [16, 6, 24, 14]])


def test_a_split_without_images_says_what_to_do(dataset: Path) -> None:
    with pytest.raises(BadInput, match="larger share for this split"):
        split_images(dataset, "val")


def test_an_image_that_cannot_be_read_is_named(dataset: Path) -> None:
    (dataset / "images" / "test" / "a.jpg").write_bytes(b"\xff\xd8 not an image")
    with pytest.raises(BadInput, match=r"a\.jpg: got no readable image"):
        list(labelled(split_images(dataset, "test")))
