"""Quality of a dataset: look-alikes, leaks, odd boxes and exchanged colours are found, and nothing else is."""

from __future__ import annotations

import json
import shutil
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.shapes import make_usecase, yolo_folder

from trunnion_contract.dataset import SplitName
from trunnion_contract.progress import Silent
from trunnion_training.cleaning import CleanImage
from trunnion_training.dataset import build
from trunnion_training.dataset_files import Written
from trunnion_training.file_workers import file_workers
from trunnion_training.inspection import Inspected, inspect, inspect_all
from trunnion_training.quality.colours import exchanged_twins, tints
from trunnion_training.quality.near_duplicates import DIFFER_MAX_BITS, groups_alike
from trunnion_training.quality.outliers import odd_boxes

HASHES = st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 3, 2**63, 2**64 - 1]), max_size=30)


@settings(max_examples=60, deadline=None)
@given(HASHES)
def test_look_alikes_are_those_that_comparing_each_with_each_finds(hashes: list[int]) -> None:
    noisy = hashes + [value ^ 0b1011 << (7 * index % 60) for index, value in enumerate(hashes)]
    noisy = [value % 2**64 for value in noisy]
    leader = list(range(len(noisy)))
    for a, b in combinations(range(len(noisy)), 2):
        if (noisy[a] ^ noisy[b]).bit_count() <= DIFFER_MAX_BITS:
            leader = [leader[a] if lead == leader[b] else lead for lead in leader]
    groups = [[place for place, lead in enumerate(leader) if lead == one] for one in set(leader)]
    assert groups_alike(noisy) == sorted(group for group in groups if len(group) > 1)


def photograph(seed: int) -> np.ndarray:
    """Smooth like a photograph: noise of a few pixels, made large."""
    noise = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return cv2.resize(noise, (240, 180), interpolation=cv2.INTER_CUBIC)


def test_a_recompressed_and_resized_copy_looks_alike_and_another_picture_does_not(tmp_path: Path) -> None:
    pictures = {f"{seed}.jpg": photograph(seed) for seed in range(6)}
    pictures["6.jpg"] = cv2.resize(pictures["0.jpg"], (180, 135), interpolation=cv2.INTER_AREA)
    for name, picture in pictures.items():
        cv2.imwrite(str(tmp_path / name), picture, [cv2.IMWRITE_JPEG_QUALITY, 60 if name == "6.jpg" else 95])
    seen = [inspect(tmp_path / name) for name in pictures]
    assert groups_alike([one.perceptual_hash for one in seen if isinstance(one, Inspected)]) == [[0, 6]]


def written(
    number: int,
    rgb: tuple[float, float, float] = (90, 90, 90),
    source: str = "0-voc",
    split: SplitName = "train",
    boxes: list[list[float]] | None = None,
    ids: list[int] | None = None,
) -> Written:
    seen = Inspected((100, 100), "", f"{number:08d}", number, rgb, True)
    corners = np.array(boxes if boxes is not None else [[10, 10, 30, 30]], np.float32).reshape(-1, 4)
    class_ids = np.array(ids or [0] * len(corners), np.int64)
    image = CleanImage(Path(f"{number}.jpg"), f"{number}.jpg", corners, class_ids, seen, f"{source}/{number}")
    return Written(image, split, f"{number}.jpg", "", "")


def test_boxes_unlike_their_class_and_boxes_upon_each_other_stand_out() -> None:
    usual = [written(number, boxes=[[10, 10, 28 + number % 5, 30]]) for number in range(40)]
    odd = [
        written(40, boxes=[[0, 0, 99, 99]]),
        written(41, boxes=[[0, 10, 99, 14]]),
        written(42, boxes=[[10, 10, 30, 30], [10, 10, 30, 31]]),
        written(43, boxes=[[10, 10, 30, 30], [10, 10, 30, 31]], ids=[0, 1]),
    ]
    found = {(box.file.rpartition("/")[2], box.what) for box in odd_boxes([*usual, *odd], ["disc", "bar"])}
    assert found == {
        ("40.jpg", "odd size"),
        ("41.jpg", "odd aspect"),
        ("42.jpg", "labelled twice"),
        ("43.jpg", "two classes in one place"),
    }


def test_a_source_with_red_and_blue_exchanged_is_suspected_and_grey_ones_are_not() -> None:
    warm = [written(number, (120, 100, 90)) for number in range(10)]
    exchanged = [written(number, (90, 100, 118), "1-yolo") for number in range(10, 20)]
    grey = [written(number, (99, 100, 101), "2-coco") for number in range(20, 30)]
    assert [tint.suspicious for tint in tints([*warm, *exchanged])] == [True, True]
    assert [tint.suspicious for tint in tints([*warm, *grey])] == [False, False]
    assert not tints(warm)[0].suspicious
    assert exchanged_twins([warm[0], exchanged[0], grey[0]], [[0, 1], [0, 2]]) == [
        (warm[0].file, exchanged[0].file)
    ]


def test_a_leak_between_splits_is_on_the_page_with_both_pictures(tmp_path: Path) -> None:
    source = yolo_folder(tmp_path / "source", 9)
    for number in range(9):
        cv2.imwrite(str(source / "images" / f"{number:03d}.jpg"), photograph(number))
    for copy in range(9, 14):
        cv2.imwrite(
            str(source / "images" / f"{copy:03d}.jpg"), photograph(0), [cv2.IMWRITE_JPEG_QUALITY, 40 + copy]
        )
        shutil.copyfile(source / "labels" / "000.txt", source / "labels" / f"{copy:03d}.txt")
    build(make_usecase(source), tmp_path / "data", Silent())
    quality = json.loads((tmp_path / "data" / "quality.json").read_text())
    assert quality["counts"]["near-duplicates across splits"] == len(quality["leaks"]) == 1
    assert len(quality["leaks"][0]) == 6
    page = (tmp_path / "data" / "quality.html").read_text()
    assert "Alike, and in more than one split" in page
    assert page.count("data:image/jpeg;base64,") >= 3
    assert "http" not in page.replace("http-equiv", "")


def test_several_processes_see_what_one_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunnion_training.file_workers._FILES_FOR_A_POOL", 2)
    monkeypatch.setattr("trunnion_training.file_workers._FILES_AT_ONCE", 2)
    files = []
    for number in range(5):
        files.append(tmp_path / f"{number}.jpg")
        cv2.imwrite(str(files[-1]), photograph(number))
    files[3].write_bytes(files[3].read_bytes()[:900])
    with file_workers(2):
        alone, together = [inspect(file) for file in files], list(inspect_all(files))
    assert [str(one) for one in together] == [str(one) for one in alone]
    assert not isinstance(together[3], Inspected)
