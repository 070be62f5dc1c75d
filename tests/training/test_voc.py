"""Pascal VOC folders: the usual shapes are read, and nothing in them breaks the reader."""

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
from trunnion_training.sources.voc import VocSource


def annotation(filename: str, rows: list[tuple[str, object, object, object, object]], size: str = "") -> str:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for name, a, b, c, d in rows
    )
    return f"<annotation><filename>{filename}</filename>{size}{objects}</annotation>"


def source(root: Path) -> VocSource:
    usecase = make_usecase(root, "voc")
    assert usecase.data is not None
    return VocSource(usecase.data.sources[0], usecase)  # type: ignore[arg-type]


def write(root: Path, name: str, text: str | bytes) -> None:
    (root / "annotations").mkdir(exist_ok=True)
    data = text.encode() if isinstance(text, str) else text
    (root / "annotations" / name).write_bytes(data)


def test_boxes_and_names_come_with_their_image(tmp_path: Path) -> None:
    rows = draw_image(tmp_path / "images" / "a.jpg", 0)
    write(tmp_path, "a.xml", annotation("a.jpg", rows))
    (item,) = source(tmp_path).collect(tmp_path, Silent())
    assert item.image == tmp_path / "images" / "a.jpg"
    assert item.labels == ("disc", "bar")
    assert item.boxes_px.dtype == np.float32
    assert item.boxes_px.tolist() == [list(row[1:]) for row in rows]


def test_everything_may_lie_in_one_folder(tmp_path: Path) -> None:
    rows = draw_image(tmp_path / "a.png", 0)
    (tmp_path / "a.xml").write_text(annotation("elsewhere.png", rows))
    assert [item.image.name for item in source(tmp_path).collect(tmp_path, Silent())] == ["a.png"]


@pytest.mark.parametrize(
    "name", ["../secret.jpg", "/etc/passwd", "..\\..\\secret.jpg", "C:\\secret.jpg", "a/../../b.jpg"]
)
def test_a_file_name_that_leads_out_of_the_folder_is_left_out_and_listed(tmp_path: Path, name: str) -> None:
    root = tmp_path / "data"
    draw_image(root / "images" / "a.jpg", 0)
    draw_image(tmp_path / "secret.jpg", 1)
    write(root, "a.xml", annotation(name, [("disc", 1, 1, 9, 9)]))
    reader = source(root)
    assert reader.collect(tmp_path, Silent()) == []
    assert counted(reader.findings)["a file name that leads out of the folder"] == 1


def test_a_document_with_entities_is_refused_before_they_expand(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;&b;&b;">]>' + annotation("&c;", [])
    draw_image(tmp_path / "images" / "a.jpg", 0)
    for name, data in (("a.xml", bomb.encode()), ("b.xml", bomb.encode("utf-16"))):
        write(tmp_path, name, data)
    reader = source(tmp_path)
    assert reader.collect(tmp_path, Silent()) == []
    assert counted(reader.findings)["unreadable annotation"] == 2


def test_an_annotation_for_another_size_is_left_out(tmp_path: Path) -> None:
    rows = draw_image(tmp_path / "images" / "a.jpg", 0)
    write(tmp_path, "a.xml", annotation("a.jpg", rows, "<size><width>1e9</width><height>48</height></size>"))
    reader = source(tmp_path)
    assert reader.collect(tmp_path, Silent()) == []
    assert next(finding.detail for finding in reader.findings) == "1e+09x48, the image has 64x48"


def test_an_image_that_nobody_labelled_is_listed(tmp_path: Path) -> None:
    rows = draw_image(tmp_path / "images" / "a.jpg", 0)
    draw_image(tmp_path / "images" / "b.jpg", 1)
    write(tmp_path, "a.xml", annotation("a.jpg", rows))
    reader = source(tmp_path)
    assert len(reader.collect(tmp_path, Silent())) == 1
    assert [finding.file for finding in reader.findings] == ["images/b.jpg"]


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    draw_image(tmp_path / "images" / "a.jpg", 0)
    with pytest.raises(BadInput, match=r"no \*.xml"):
        source(tmp_path).collect(tmp_path, Silent())


FRAGMENTS = st.sampled_from(
    ["<annotation>", "</annotation>", "<object>", "</object>", "<bndbox>", "<xmin>", "1e999", "nan", "\0", "&amp;",
     "&x;", "<!DOCTYPE a>", "<filename>a.jpg</filename>", "<size><width>-1</width></size>", "]]>", "ü",
     "<?xml version='1.1'?>"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.lists(FRAGMENTS, max_size=20).map(lambda parts: "".join(parts).encode())
    )
)
def test_no_annotation_whatever_its_bytes_breaks_the_reader(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = draw_image(root / "images" / "a.jpg", 0)
        write(root, "a.xml", data)
        write(root, "whole.xml", annotation("a.jpg", rows))
        reader = source(root)
        items = reader.collect(root, Silent())
        assert len(items) + len(reader.findings) >= 2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 400))
def test_a_truncated_annotation_is_listed_and_no_traceback(length: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = draw_image(root / "images" / "a.jpg", 0)
        whole = annotation("a.jpg", rows)
        write(root, "a.xml", whole[: min(length, len(whole) - 1)])
        reader = source(root)
        assert reader.collect(root, Silent()) == []
        assert counted(reader.findings)["unreadable annotation"] == 1
