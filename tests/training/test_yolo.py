"""YOLO folders: the usual shapes are read, and nothing in them breaks the reader."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.shapes import draw_image, make_usecase

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_training.findings import counted
from trunnion_training.sources.yolo import YoloSource


def source(root: Path) -> YoloSource:
    usecase = make_usecase(root, "yolo")
    assert usecase.data is not None
    return YoloSource(usecase.data.sources[0], usecase)  # type: ignore[arg-type]


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/a.jpg", "labels/a.txt"),
        ("images/train/a.jpg", "labels/train/a.txt"),
        ("train/images/a.jpg", "train/labels/a.txt"),
        ("a.jpg", "a.txt"),
    ],
)
def test_the_usual_folder_shapes_are_read(tmp_path: Path, image: str, label: str) -> None:
    draw_image(tmp_path / image, 0)
    write(tmp_path / label, "1 0.5 0.5 0.25 0.5\n")
    (item,) = source(tmp_path).collect(tmp_path, Silent())
    assert item.labels == ("bar",)
    np.testing.assert_allclose(item.boxes_px, [[24, 12, 40, 36]])


def test_an_outline_becomes_the_box_around_it(tmp_path: Path) -> None:
    draw_image(tmp_path / "images" / "a.jpg", 0)
    write(tmp_path / "labels" / "a.txt", "0 0.25 0.5 0.5 0.25 0.75 0.5\n")
    (item,) = source(tmp_path).collect(tmp_path, Silent())
    np.testing.assert_allclose(item.boxes_px, [[16, 12, 48, 24]])


@pytest.mark.parametrize("names", ["names: [bar, disc]", "names:\n  0: bar\n  1: disc"])
def test_class_names_come_from_the_folder_where_it_has_them(tmp_path: Path, names: str) -> None:
    draw_image(tmp_path / "images" / "a.jpg", 0)
    write(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.2 0.2\n7 0.5 0.5 0.2 0.2\n")
    write(tmp_path / "data.yaml", names)
    assert source(tmp_path).collect(tmp_path, Silent())[0].labels == ("bar", "class 7")


@pytest.mark.parametrize("text", ["names: 3", "- a", "names: {a: b}", "names: [", "a: &a [*a]", "\x00"])
def test_a_description_without_class_names_is_refused(tmp_path: Path, text: str) -> None:
    draw_image(tmp_path / "images" / "a.jpg", 0)
    write(tmp_path / "data.yaml", text)
    with pytest.raises(BadInput, match="class names"):
        source(tmp_path).collect(tmp_path, Silent())


def test_pictures_made_from_one_picture_are_one_scene(tmp_path: Path) -> None:
    for index, name in enumerate(("cat_jpg.rf.0a1b.jpg", "cat_jpg.rf.99ff.jpg", "dog.jpg")):
        draw_image(tmp_path / "images" / name, index)
    scenes = [item.scene for item in source(tmp_path).collect(tmp_path, Silent())]
    assert scenes == ["cat_jpg", "cat_jpg", "images/dog.jpg"]


LINES = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.lists(
            st.sampled_from(["0", "1", "-1", "0.5", "nan", "inf", "1e308", "1e999", "٣"]), max_size=9
        ).map(" ".join),
    ),
    max_size=6,
).map("\n".join)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=120), LINES.map(str.encode)))
def test_no_label_file_whatever_its_bytes_breaks_the_reader(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw_image(root / "images" / "a.jpg", 0)
        write(root / "labels" / "a.txt", data)
        (item,) = source(root).collect(root, Silent())
        assert item.boxes_px.shape == (len(item.labels), 4)


def test_a_line_that_is_no_box_is_listed(tmp_path: Path) -> None:
    draw_image(tmp_path / "images" / "a.jpg", 0)
    write(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.1 0.1\n0 0.5 0.5\n")
    reader = source(tmp_path)
    assert len(reader.collect(tmp_path, Silent())[0].labels) == 1
    assert counted(reader.findings) == {"a line that is no box": 1}
