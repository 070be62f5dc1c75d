"""What people say of images becomes labels where it can be one, and nothing else does."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from rich.console import Console

from trunnion import feedback
from trunnion.feedback import ImageVerdict, read_verdicts, take_feedback
from trunnion_contract.errors import BadInput
from trunnion_edge.decode import Detections

QUIET = Console(quiet=True)
SEEN = ((10.0, 10.0, 30.0, 30.0), (50.0, 50.0, 70.0, 70.0))


class Sees:
    """In place of the bundle's detector, whose network is none: two gears in every image."""

    labels = ("gear",)

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None: ...

    def detect(self, image):
        return Detections(np.array(SEEN, np.float32), np.ones(2, np.float32), np.zeros(2, np.int64))


@pytest.fixture
def give(tmp_path, small_flow, small_bundle, monkeypatch):
    """Gives verdicts on three images, and reads back what became of them."""
    monkeypatch.setattr(feedback.Detector, "from_model", lambda model, read: Sees())
    usecase = small_flow.small_usecase().model_copy(update={"classes": ("gear",)})
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((80, 100, 3), 60 * number, np.uint8))

    def give(*rows) -> dict[str, list]:
        file = tmp_path / "verdicts.json"
        file.write_text(json.dumps(rows))
        take_feedback(QUIET, usecase, tmp_path / "small.yaml", file, small_bundle)
        folder = tmp_path / "small.feedback"
        made = json.loads((folder / "annotations.json").read_text())
        assert all((folder / "images" / image["file_name"]).is_file() for image in made["images"])
        boxes = {image["id"]: [] for image in made["images"]}
        for row in made["annotations"]:
            x, y, width, height = row["bbox"]
            boxes[row["image_id"]].append((x, y, x + width, y + height))
        return boxes

    return give


def test_what_is_right_keeps_what_was_found(give):
    assert list(give({"image": "0.png", "verdict": "right"}).values()) == [list(SEEN)]


def test_a_drawn_box_replaces_the_nearest_or_is_added(give):
    drawn = (52.0, 52.0, 75.0, 75.0)
    said = {"image": "0.png", "label": "gear", "box_px": drawn}
    assert list(give({**said, "verdict": "wrong_box"}).values()) == [[SEEN[0], drawn]]
    # Said again of the same image, it counts in place of what was said before.
    assert list(give({**said, "verdict": "missed"}).values()) == [[*SEEN, drawn]]


@pytest.mark.parametrize("verdict", ["not_sure", "missed", "wrong_box"])
def test_a_guess_is_no_label(give, verdict):
    assert give({"image": "0.png", "verdict": "right"}, {"image": "0.png", "verdict": verdict}) == {}


def test_feedback_adds_up(give):
    give({"image": "0.png", "verdict": "right"})
    assert len(give({"image": "1.png", "verdict": "right"}, {"image": "2.png", "verdict": "not_sure"})) == 2


def test_a_table_says_the_same(tmp_path):
    (tmp_path / "0.png").touch()
    file = tmp_path / "verdicts.csv"
    file.write_text("image,verdict,label,x1,y1,x2,y2,by\n0.png,missed,gear,1,2,3,4,anna\n0.png,right,,,,,,\n")
    first, second = read_verdicts(file, ("gear",))
    assert first == ImageVerdict(
        image="0.png", verdict="missed", label="gear", box_px=(1, 2, 3, 4), by="anna"
    )
    assert second.verdict == "right"
    for spoilt, got in (
        ("image,verdict\n0.png,right,more", "more than the header"),
        ('image\n"' + "x" * 200_000, "no CSV"),
    ):
        file.write_text(spoilt)
        with pytest.raises(BadInput, match=got):
            read_verdicts(file, ("gear",))


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({"image": "absent.png", "verdict": "right"}, "row 1: image"),
        ({"image": "../{folder}/0.png", "verdict": "right"}, "row 1: image"),
        ({"image": "{folder}/0.png", "verdict": "right"}, "row 1: image"),
        ({"image": "0.png" * 99, "verdict": "right"}, "row 1: image"),
        ({"image": "0.png", "verdict": "perhaps"}, "row 1: verdict"),
        ({"image": "0.png", "verdict": "missed", "label": "nut", "box_px": [1, 1, 2, 2]}, "row 1: label"),
        ({"image": "0.png", "verdict": "missed", "box_px": [1, 1, 2, 2]}, "row 1: label"),
        ({"image": "0.png", "verdict": "missed", "label": "gear", "box_px": [9, 1, 2, 2]}, "row 1: box_px"),
        ({"image": "0.png", "verdict": "missed", "label": "gear", "box_px": [9, 1, 999, 2]}, "0.png"),
    ],
)
def test_a_row_that_says_nothing_usable_adds_nothing(give, tmp_path, row, where):
    with pytest.raises(BadInput) as refused:
        give(
            row
            | {"image": row["image"].replace("../{folder}", f"../{tmp_path.name}").format(folder=tmp_path)}
        )
    assert where in refused.value.where
    assert not (tmp_path / "small.feedback").exists()
