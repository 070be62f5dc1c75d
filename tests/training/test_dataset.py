"""Datasets: in YOLO form, with a digest that stands for images and labels and for nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from tests.training.shapes import draw_image, make_usecase, yolo_folder

from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_edge.labelled_images import labelled, split_images
from trunnion_training.dataset import build


def test_the_folder_has_what_ultralytics_and_people_look_for(shapes: tuple[UseCase, Path]) -> None:
    _, folder = shapes
    description = yaml.safe_load((folder / "data.yaml").read_text())
    assert description["names"] == {0: "disc", 1: "bar"}
    for split, count in (("train", 6), ("val", 3), ("test", 3)):
        images = sorted((folder / description[split]).glob("*.jpg"))
        assert len(images) == count
        assert all((folder / "labels" / split / f"{image.stem}.txt").exists() for image in images)
    assert cv2.imread(str(folder / "contact_sheet.jpg")).shape == (480, 1920, 3)
    assert not (folder / ".collected").exists()


def test_the_record_counts_images_and_boxes(shapes: tuple[UseCase, Path]) -> None:
    _, folder = shapes
    record = read_json(Dataset, folder / "dataset.json")
    assert record.images == {"train": 6, "val": 3, "test": 3}
    assert record.boxes["test"] == {"disc": 3, "bar": 3}
    assert record.sources[0].images == 12


def test_the_inventory_answers_for_each_source_and_file(shapes: tuple[UseCase, Path]) -> None:
    _, folder = shapes
    inventory = json.loads((folder / "inventory.json").read_text())
    assert inventory["personal_data"] == "none"
    assert inventory["sources"][0]["licence"] == "Apache-2.0"
    assert len({item["sha256"] for item in inventory["files"]}) == 12


def test_boxes_come_back_as_they_went_in(shapes: tuple[UseCase, Path], tmp_path: Path) -> None:
    _, folder = shapes
    for path, (_, truth) in zip(
        split_images(folder, "test"), labelled(split_images(folder, "test")), strict=True
    ):
        drawn = draw_image(tmp_path / "again.jpg", int(path.stem.split("-")[0]))
        np.testing.assert_allclose(truth.boxes_px, [row[1:] for row in drawn], atol=1e-3)


def test_the_digest_does_not_depend_on_where_the_files_lie(
    shapes: tuple[UseCase, Path], tmp_path: Path
) -> None:
    usecase, folder = shapes
    moved = make_usecase(shutil.copytree(usecase.beside(usecase.data.sources[0].path), tmp_path / "moved"))
    assert build(moved, tmp_path / "data", Silent()) == read_json(Dataset, folder / "dataset.json")


def test_the_digest_changes_with_one_label(shapes: tuple[UseCase, Path], tmp_path: Path) -> None:
    _, folder = shapes
    source = yolo_folder(tmp_path / "source", 12)
    (source / "labels" / "003.txt").write_text("0 0.5 0.5 0.3 0.3\n")
    changed = build(make_usecase(source), tmp_path / "data", Silent())
    assert changed.digest != read_json(Dataset, folder / "dataset.json").digest


def test_what_was_dropped_is_listed_with_its_reason(tmp_path: Path) -> None:
    source = yolo_folder(tmp_path / "source", 12)
    whole = (source / "images" / "000.jpg").read_bytes()
    (source / "images" / "000.jpg").write_bytes(whole[: len(whole) // 2])
    (source / "labels" / "001.txt").write_text("0 0.5 0.5 0.1 0.1\n0 5.0 5.0 0.1 0.1\n")
    record = build(make_usecase(source), tmp_path / "data", Silent())
    cleaning = json.loads((tmp_path / "data" / "cleaning.json").read_text())
    assert record.findings == cleaning["counts"] == {"box outside the image": 1, "unreadable image": 1}
    assert {item["file"] for item in cleaning["findings"]} == {"images/000.jpg", "images/001.jpg"}


def test_pictures_that_are_no_upright_jpeg_become_one(tmp_path: Path) -> None:
    source = yolo_folder(tmp_path / "source", 12)
    picture = cv2.imread(str(source / "images" / "000.jpg"))
    (source / "images" / "000.jpg").unlink()
    cv2.imwrite(str(source / "images" / "000.png"), picture)
    build(make_usecase(source), tmp_path / "data", Silent())
    (written,) = (tmp_path / "data" / "images").glob("*/000-*.jpg")
    assert np.abs(cv2.imread(str(written)).astype(int) - picture).mean() < 4


def test_a_source_that_is_edited_in_place_leaves_the_dataset_as_it_was(tmp_path: Path) -> None:
    source = yolo_folder(tmp_path / "source", 12)
    build(make_usecase(source), tmp_path / "data", Silent())
    (written,) = (tmp_path / "data" / "images").glob("*/000-*.jpg")
    before = written.read_bytes()
    with (source / "images" / "000.jpg").open("r+b") as file:
        file.write(bytes(200))
    assert written.read_bytes() == before


def test_a_source_that_nobody_brings_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunnion_training.sources.entry_points", lambda group: [])
    with pytest.raises(BadInput, match="no installed package brings"):
        build(make_usecase(yolo_folder(tmp_path / "source", 3)), tmp_path / "data", Silent())
