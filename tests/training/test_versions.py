"""Versions of a dataset: kept under their digests, and compared image by image."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.training.shapes import draw_image, make_usecase, yolo_folder

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase
from trunnion_training.dataset import build
from trunnion_training.versions import difference, find_version, keep


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory, shapes: tuple[UseCase, Path]) -> Path:
    """The folder of runs: two versions, the second with an image more, one less, and one labelled anew."""
    runs = tmp_path_factory.mktemp("runs")
    first = keep(shapes[1], runs / "shapes" / "versions")
    source = yolo_folder(runs / "source", 12)
    draw_image(source / "images" / "100.jpg", 100)
    (source / "images" / "001.jpg").unlink()
    (source / "labels" / "002.txt").write_text("0 0.5 0.5 0.3 0.3\n")
    build(make_usecase(source), runs / "shapes" / "data", Silent())
    second = keep(runs / "shapes" / "data", runs / "shapes" / "versions")
    (runs / "pair").write_text(f"{first.name} {second.name}")
    return runs


def pair(runs: Path) -> tuple[Path, Path]:
    first, second = (runs / "pair").read_text().split()
    return find_version(first[:9], runs), find_version(second, runs)


def test_what_was_added_removed_relabelled_and_moved_is_told_apart(versions: Path) -> None:
    found = difference(*pair(versions))
    names = [
        [Path(file).name[:3] for file in files] for files in (found.added, found.removed, found.relabelled)
    ]
    assert names == [["100"], ["001"], ["002"]]
    back = difference(*reversed(pair(versions)))
    assert (back.added, back.removed) == (found.removed, found.added)
    assert [(file.split("/")[-1], after, before) for file, before, after in found.moved] == [
        (file.split("/")[-1], before, after) for file, before, after in back.moved
    ]


def test_a_version_does_not_differ_from_itself(versions: Path) -> None:
    first, _ = pair(versions)
    assert set(difference(first, first).counts().values()) == {0}


def test_a_kept_version_outlives_the_dataset_and_is_kept_once(
    versions: Path, shapes: tuple[UseCase, Path], tmp_path: Path
) -> None:
    copy = shutil.copytree(shapes[1], tmp_path / "data")
    kept = keep(copy, tmp_path / "versions")
    assert keep(copy, tmp_path / "versions") == kept
    shutil.rmtree(copy)
    assert len(list((kept / "images").rglob("*.jpg"))) == 12


@pytest.mark.parametrize("word", ["0" * 20, "nowhere/at/all", "", "*"])
def test_a_version_that_is_not_there_is_answered_with_those_that_are(versions: Path, word: str) -> None:
    with pytest.raises(BadInput, match=pair(versions)[0].name):
        find_version(word, versions)
