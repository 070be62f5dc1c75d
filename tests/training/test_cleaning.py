"""Cleaning: every item that is dropped or mended is counted and listed with its reason."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.training.shapes import CLASSES, draw_image

from trunnion_contract.dataset import LabelledImage
from trunnion_training.cleaning import Cleaner, CleanImage
from trunnion_training.findings import counted


def labelled(image: Path, *rows: tuple[str, float, float, float, float]) -> LabelledImage:
    boxes = np.array([row[1:] for row in rows], np.float32).reshape(-1, 4)
    return LabelledImage(image, boxes, tuple(row[0] for row in rows), image.name)


def clean(*items: LabelledImage) -> tuple[list[CleanImage], Cleaner]:
    cleaner = Cleaner(CLASSES)
    return list(cleaner.clean(items, [item.image.name for item in items], "0-test")), cleaner


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    draw_image(tmp_path / "a.jpg", 0)
    return tmp_path / "a.jpg"


def test_a_box_that_lies_mostly_inside_is_clipped(picture: Path) -> None:
    (image,), cleaner = clean(labelled(picture, ("disc", -4, 10, 20, 30)))
    assert image.boxes_px.tolist() == [[0, 10, 20, 30]]
    assert counted(cleaner.findings) == {"box beyond the image": 1}


def test_a_box_that_lies_mostly_outside_is_dropped(picture: Path) -> None:
    (image,), cleaner = clean(labelled(picture, ("disc", -20, 10, 4, 30), ("bar", 5, 5, 20, 20)))
    assert image.class_ids.tolist() == [1]
    assert counted(cleaner.findings) == {"box outside the image": 1}


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("disc", 10, 10, 10, 20), "box without an area"),
        (("disc", 20, 20, 10, 30), "box without an area"),
        (("disc", 10, 10, 10.5, 20), "box thinner than a pixel"),
        (("disc", float("nan"), 10, 20, 20), "box that is no number"),
        (("disc", 0, 0, float("inf"), 20), "box that is no number"),
        (("wheel", 10, 10, 20, 20), "unknown class"),
    ],
)
def test_a_box_that_cannot_be_learnt_is_dropped_and_listed(
    picture: Path, row: tuple[str, float, float, float, float], what: str
) -> None:
    (image,), cleaner = clean(labelled(picture, row, ("bar", 5, 5, 20, 20)))
    assert image.class_ids.tolist() == [1]
    assert [(finding.file, finding.what, finding.done) for finding in cleaner.findings] == [
        ("a.jpg", what, "box dropped")
    ]


def test_a_box_given_twice_counts_once(picture: Path) -> None:
    (image,), cleaner = clean(labelled(picture, *[("bar", 5, 5, 20, 20)] * 2))
    assert len(image.class_ids) == 1
    assert counted(cleaner.findings) == {"duplicate box": 1}


def test_a_picture_without_objects_stays_as_background(picture: Path) -> None:
    (image,), cleaner = clean(labelled(picture))
    assert image.boxes_px.shape == (0, 4)
    assert [finding.done for finding in cleaner.findings] == ["kept as background"]


def test_a_picture_whose_boxes_were_all_dropped_goes_too(picture: Path) -> None:
    images, cleaner = clean(labelled(picture, ("wheel", 1, 1, 9, 9)))
    assert images == []
    assert counted(cleaner.findings) == {"no box left": 1, "unknown class": 1}


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_truncated_picture_is_dropped_and_not_filled_with_grey(picture: Path, keep: float) -> None:
    data = picture.read_bytes()
    picture.write_bytes(data[: int(len(data) * keep)])
    images, cleaner = clean(labelled(picture, ("bar", 5, 5, 20, 20)))
    assert images == []
    assert counted(cleaner.findings) == {"unreadable image": 1}


def test_the_same_bytes_are_taken_once(picture: Path) -> None:
    copy = picture.with_name("b.jpg")
    copy.write_bytes(picture.read_bytes())
    images, cleaner = clean(labelled(picture, ("bar", 5, 5, 20, 20)), labelled(copy, ("bar", 5, 5, 20, 20)))
    assert [image.name for image in images] == ["a.jpg"]
    assert [(finding.file, finding.detail) for finding in cleaner.findings] == [
        ("b.jpg", "same bytes as a.jpg")
    ]


def test_the_same_pixels_in_another_format_are_taken_once(picture: Path) -> None:
    copy = picture.with_name("b.png")
    cv2.imwrite(str(copy), cv2.imread(str(picture)))
    images, cleaner = clean(labelled(picture), labelled(copy))
    assert [image.name for image in images] == ["a.jpg"]
    assert counted(cleaner.findings)["duplicate picture"] == 1


@given(arrays(np.float32, st.tuples(st.integers(0, 6), st.just(4)), elements=st.floats(width=32)), st.data())
def test_whatever_the_boxes_what_is_left_lies_inside(
    tmp_path_factory: pytest.TempPathFactory, boxes: np.ndarray, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jpg"
    if not path.exists():
        draw_image(path, 0)
    labels = tuple(data.draw(st.sampled_from([*CLASSES, "wheel"])) for _ in boxes)
    images, cleaner = clean(LabelledImage(path, boxes, labels, "any"))
    for image in images:
        assert ((image.boxes_px >= 0) & (image.boxes_px <= [64, 48, 64, 48])).all()
        assert (image.boxes_px[:, 2:] > image.boxes_px[:, :2]).all()
    kept = sum(len(image.class_ids) for image in images)
    dropped = sum(finding.done == "box dropped" for finding in cleaner.findings)
    assert kept + dropped == len(labels)
