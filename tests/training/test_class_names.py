"""Class names of several sources: renamed where the use case says how, refused where they look like a slip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.training.shapes import PROVENANCE, make_usecase, yolo_folder

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase
from trunnion_training.dataset import build


def usecase_of(root: Path, names: str, classes: dict[str, Any]) -> UseCase:
    """Two sources: one that spells classes as the use case does, and one that spells them its own way."""
    first, second = yolo_folder(root / "first", 6), yolo_folder(root / "second", 12, (80, 48))
    (second / "classes.txt").write_text(names, encoding="utf-16")
    document = make_usecase(first).model_dump(by_alias=True, mode="json")
    other = {"kind": "yolo", "path": str(second), "provenance": PROVENANCE, "classes": classes}
    document["data"]["sources"].append(other)
    return parse(UseCase, document, "use case")


@pytest.mark.parametrize("names", ["Disc\nbar", "disc\nbars", "DISC\nBAR"])
def test_two_spellings_of_a_class_are_refused_with_both_and_the_way_out(tmp_path: Path, names: str) -> None:
    odd = next(name for name in names.split() if name not in ("disc", "bar"))
    with pytest.raises(BadInput, match=rf"'{odd}' beside '(disc|bar)'.*1-yolo|1-yolo.*'{odd}' beside"):
        build(usecase_of(tmp_path, names, {}), tmp_path / "data", Silent())


def test_a_mapping_makes_them_one(tmp_path: Path) -> None:
    record = build(
        usecase_of(tmp_path, "Scheibe\nBars", {"Scheibe": "disc", "Bars": "bar"}), tmp_path / "data", Silent()
    )
    assert sum(record.boxes[split]["disc"] for split in record.boxes) == 18
    assert record.findings == {}


def test_null_leaves_a_class_out_and_lists_its_boxes(tmp_path: Path) -> None:
    record = build(usecase_of(tmp_path, "disc\nBars", {"Bars": None}), tmp_path / "data", Silent())
    assert sum(record.boxes[split]["bar"] for split in record.boxes) == 6
    assert record.findings == {"unknown class": 12}


def test_a_mapping_to_a_class_that_the_use_case_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'ring' is not"):
        usecase_of(tmp_path, "disc\nbar", {"a": "ring"})


@pytest.mark.parametrize(
    ("size", "said"), [((1, 1), "1x1 px, smaller than 8 px"), ((10_000, 10_001), "10000x10001 px")]
)
def test_images_of_one_pixel_and_of_a_hundred_million_are_dropped_with_the_reason(
    tmp_path: Path, size: tuple[int, int], said: str
) -> None:
    source = yolo_folder(tmp_path / "source", 6)
    cv2.imwrite(str(source / "images" / "odd.png"), np.zeros(size, np.uint8))
    record = build(make_usecase(source), tmp_path / "data", Silent())
    assert record.findings == {"unreadable image": 1}
    assert said.split()[0].split("x")[0] in (tmp_path / "data" / "cleaning.json").read_text()


def test_a_source_that_vanishes_midway_ends_the_run_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trunnion_training.sources.yolo import YoloSource

    collect = YoloSource.collect

    def unplugged(self: YoloSource, *arguments: Any) -> Any:
        items = collect(self, *arguments)
        items[7].image.unlink()
        return items

    monkeypatch.setattr(YoloSource, "collect", unplugged)
    with pytest.raises(BadInput, match=r"007\.jpg.*no such file, though its source named it"):
        build(make_usecase(yolo_folder(tmp_path / "source", 12)), tmp_path / "data", Silent())
    assert not (tmp_path / "data" / "dataset.json").exists()
