"""Exports of labelling tools: boxes land on the images that they name, and nothing in a file breaks the reader."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.shapes import draw_image, make_usecase

from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_training.findings import counted
from trunnion_training.sources import open_source

FILES = {"label_studio": "export.json", "labelbox": "export.ndjson", "cvat": "annotations.xml"}


def read(root: Path, kind: str, content: str | bytes) -> tuple[list[LabelledImage], dict[str, int]]:
    draw_image(root / "images" / "a.jpg", 0)
    data = content if isinstance(content, bytes) else content.encode()
    (root / FILES[kind]).write_bytes(data)
    usecase = make_usecase(root, kind)
    assert usecase.data is not None
    source: Any = open_source(usecase.data.sources[0], usecase)
    return list(source.collect(root, Silent())), counted(source.findings)


def task(image: str = "/data/upload/1/0a1b2c3d-a.jpg", **value: Any) -> dict[str, Any]:
    box = {"x": 25, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["disc"], **value}
    result = {"type": "rectanglelabels", "original_width": 64, "original_height": 48, "value": box}
    return {"data": {"image": image}, "annotations": [{"was_cancelled": False, "result": [result]}]}


def row(**box: Any) -> dict[str, Any]:
    thing = {"name": "disc", "bounding_box": {"left": 16, "top": 12, "width": 32, "height": 24, **box}}
    label = {"annotations": {"objects": [thing]}}
    return {
        "data_row": {"id": "1", "external_id": "a.jpg", "row_data": "https://store/x/a.jpg?sig=1"},
        "media_attributes": {"width": 64, "height": 48},
        "projects": {"p": {"labels": [label]}},
    }


def xml(shapes: str = '<box label="disc" xtl="16" ytl="12" xbr="48" ybr="36"/>', name: str = "a.jpg") -> str:
    image = f'<image id="0" name="{name}" width="64" height="48">{shapes}</image>'
    return f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{image}</annotations>'


WHOLE = {"label_studio": json.dumps([task()]), "labelbox": json.dumps(row()), "cvat": xml()}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("kind", FILES)
def test_a_box_lands_on_the_image_in_any_unicode(tmp_path: Path, kind: str, encoding: str) -> None:
    (item,), found = read(tmp_path, kind, WHOLE[kind].encode(encoding))
    assert (item.image.name, item.labels, item.boxes_px.tolist()) == ("a.jpg", ("disc",), [[16, 12, 48, 36]])
    assert found == {}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_in_latin_1_is_read_and_said_to_be_a_guess(tmp_path: Path, kind: str) -> None:
    (item,), found = read(tmp_path, kind, WHOLE[kind].replace("disc", "Stück").encode("latin-1"))
    assert item.labels == ("Stück",) if kind == "cvat" else item.labels
    assert found == {"text that is not UTF-8": 1}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("content", ["", "{", "[3]", "<a>", "<annotations", "\0\0", "[" * 100_000])
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, kind: str, content: str) -> None:
    with pytest.raises(BadInput, match=r"export"):
        read(tmp_path, kind, content)


@pytest.mark.parametrize("kind", FILES)
def test_an_image_of_another_size_or_elsewhere_is_left_out_and_listed(tmp_path: Path, kind: str) -> None:
    items, found = read(tmp_path, kind, WHOLE[kind].replace("64", "640"))
    assert (items, found["annotated at another size"]) == ([], 1)
    items, found = read(tmp_path, kind, WHOLE[kind].replace("a.jpg", "b.jpg"))
    assert (items, found["annotation without an image"]) == ([], 1)


@pytest.mark.parametrize("kind", ["label_studio", "cvat"])
def test_a_name_that_leads_out_of_the_folder_is_left_out_and_listed(tmp_path: Path, kind: str) -> None:
    draw_image(tmp_path / "b.jpg", 0)
    out = (
        json.dumps([task("/data/local-files/?d=../b.jpg")])
        if kind == "label_studio"
        else xml(name="../b.jpg")
    )
    items, found = read(tmp_path / "root", kind, out)
    assert items == []
    assert (
        found[
            "annotation without an image"
            if kind == "label_studio"
            else "a file name that leads out of the folder"
        ]
        == 1
    )


def test_what_nobody_has_labelled_is_told_from_what_holds_nothing(tmp_path: Path) -> None:
    unasked = task() | {"annotations": []}
    empty = task() | {"annotations": [{"result": []}]}
    assert [
        read(tmp_path, "label_studio", json.dumps([one]))[0][0].is_labelled for one in (unasked, empty)
    ] == [
        False,
        True,
    ]
    assert not read(tmp_path, "labelbox", json.dumps(row() | {"projects": {"p": {"labels": []}}}))[0][
        0
    ].is_labelled


def test_turned_boxes_and_outlines_become_the_upright_box_around_them(tmp_path: Path) -> None:
    turned = xml('<box label="disc" xtl="20" ytl="22" xbr="40" ybr="26" rotation="90"/>')
    outline = xml('<polygon label="disc" points="10,12;30,14;20,40"/>')
    assert [read(tmp_path, "cvat", text)[0][0].boxes_px.round(3).tolist() for text in (turned, outline)] == [
        [[28, 14, 32, 34]],
        [[10, 12, 30, 40]],
    ]


def test_of_several_annotations_the_ground_truth_counts(tmp_path: Path) -> None:
    several = task()
    several["annotations"] = [
        task(x=10)["annotations"][0] | {"updated_at": "2026-02-01"},
        task()["annotations"][0] | {"updated_at": "2026-01-01", "ground_truth": True},
    ]
    (item,), found = read(tmp_path, "label_studio", json.dumps([several]))
    assert item.boxes_px[0, 0] == 16
    assert found == {"image annotated by several": 1}


VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=6), st.just("disc")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES, st.sampled_from(["label_studio", "labelbox"]))
def test_no_values_break_the_reader(first: Any, second: Any, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "label_studio":
            odd: Any = [
                task(x=first, rectanglelabels=second),
                task(points=second),
                {"data": first, "annotations": second},
            ]
            odd += [task() | {"annotations": [{"result": first}]}]
            text = json.dumps([*odd, task()])
        else:
            odd = [
                row(left=first),
                row() | {"projects": first},
                row() | {"data_row": second, "media_attributes": first},
            ]
            text = "\n".join(json.dumps(one) for one in [*odd, row()])
        items, _ = read(Path(folder), kind, text)
        assert all(item.boxes_px.shape == (len(item.labels), 4) for item in items)
