"""COCO folders: the usual shapes are read, and nothing in them breaks the reader."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.shapes import draw_image, make_usecase

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_training.findings import counted
from trunnion_training.sources.coco import CocoSource


def source(root: Path) -> CocoSource:
    usecase = make_usecase(root, "coco")
    assert usecase.data is not None
    return CocoSource(usecase.data.sources[0], usecase)  # type: ignore[arg-type]


def document(file_name: str = "a.jpg", **image: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": file_name, "width": 64, "height": 48, **image}],
        "categories": [{"id": 5, "name": "disc"}],
        "annotations": [{"id": 9, "image_id": 1, "category_id": 5, "bbox": [10, 8, 12, 14]}],
    }


def write(root: Path, content: Any) -> None:
    (root / "annotations").mkdir(exist_ok=True)
    text = content if isinstance(content, (str, bytes)) else json.dumps(content)
    (root / "annotations" / "instances_train.json").write_bytes(
        text if isinstance(text, bytes) else text.encode()
    )


@pytest.mark.parametrize("image", ["a.jpg", "images/a.jpg", "train2017/a.jpg"])
def test_images_are_found_where_they_usually_lie(tmp_path: Path, image: str) -> None:
    draw_image(tmp_path / image, 0)
    write(tmp_path, document())
    (item,) = source(tmp_path).collect(tmp_path, Silent())
    assert item.image == tmp_path / image
    assert (item.labels, item.boxes_px.tolist()) == (("disc",), [[10, 8, 22, 22]])


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "", "..\\a.jpg", "a\0.jpg"])
def test_a_file_name_that_leads_out_of_the_folder_is_left_out_and_listed(tmp_path: Path, name: str) -> None:
    root = tmp_path / "data"
    draw_image(root / "b.jpg", 0)
    draw_image(tmp_path / "a.jpg", 0)
    write(root, document(name))
    reader = source(root)
    assert reader.collect(tmp_path, Silent()) == []
    assert counted(reader.findings)["a file name that leads out of the folder"] == 1


def test_crowds_and_boxless_objects_are_listed(tmp_path: Path) -> None:
    draw_image(tmp_path / "a.jpg", 0)
    content = document()
    content["annotations"] += [
        {"image_id": 1, "category_id": 5, "bbox": [1, 1, 2, 2], "iscrowd": 1},
        {"image_id": 1, "category_id": 5},
        {"image_id": 1, "category_id": 77, "bbox": [1, 1, 9, 9]},
    ]
    write(tmp_path, content)
    reader = source(tmp_path)
    (item,) = reader.collect(tmp_path, Silent())
    assert item.labels == ("disc", "category 77")
    assert counted(reader.findings) == {"a crowd region": 1, "object without a box": 1}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"images": 3}', "[" * 100_000, b"\xff\xfe", '{"images": []}']
)
def test_a_file_that_is_no_coco_annotation_is_refused(tmp_path: Path, content: str | bytes) -> None:
    draw_image(tmp_path / "a.jpg", 0)
    write(tmp_path, content)
    with pytest.raises(BadInput, match=r"instances_train\.json"):
        source(tmp_path).collect(tmp_path, Silent())


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just(10**400)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
ROWS = st.lists(
    st.one_of(
        VALUES,
        st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("id", "image_id", "category_id", "name", "file_name", "width", "height", "bbox", "iscrowd"),
                VALUES,
            ),
        ),
    ),
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(ROWS, ROWS, ROWS)
def test_no_document_whatever_its_values_breaks_the_reader(
    images: Any, annotations: Any, categories: Any
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw_image(root / "a.jpg", 0)
        content = document()
        content["images"] += images
        content["annotations"] += annotations
        content["categories"] += categories
        write(root, content)
        for item in source(root).collect(root, Silent()):
            assert item.boxes_px.shape == (len(item.labels), 4)
