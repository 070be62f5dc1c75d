"""Labels of boxes, where parts lie close."""

from __future__ import annotations

import itertools

import pytest
from tests.browser.windows import DESKTOP

PLACE = """async ([boxes, size]) => {
    const { placeLabels } = await import("/labels.js");
    return placeLabels(boxes.map((box) => ({ box, sizes: [[80, 20], [42, 20], [30, 17]] })), size);
}"""


def overlap(a, b):
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def grid(side, pitch, begin=0.0):
    at = [begin + pitch * index for index in range(3)]
    return [[x, y, x + side, y + side] for y in at for x in at]


@pytest.fixture(scope="module")
def placed_by(the_bridge, browser):
    page = browser.new_page(**DESKTOP)
    page.goto(the_bridge.url)
    yield lambda boxes, size=(640, 480): page.evaluate(PLACE, [boxes, list(size)])
    page.close()


@pytest.mark.parametrize(
    ("boxes", "at_least"),
    [(grid(45, 60, 200), 9), (grid(60, 40, 250), 9), (grid(40, 41), 9), (grid(30, 12, 440), 5)],
    ids=["close", "overlapping", "in a corner", "in a heap"],
)
def test_labels_overlap_no_other_label_and_stay_in_the_picture(placed_by, boxes, at_least):
    rects = [label["rect"] for label in placed_by(boxes) if label]

    assert len(rects) >= at_least
    for rect in rects:
        assert rect[0] >= 0
        assert rect[1] >= 0
        assert rect[2] <= 640
        assert rect[3] <= 480
    assert not any(overlap(a, b) for a, b in itertools.combinations(rects, 2))


def test_a_part_that_lies_alone_has_all_its_words_above_it(placed_by):
    (label,) = placed_by([[100, 100, 150, 150]])
    assert (label["rect"], label["size"]) == ([100, 77, 180, 97], 0)


def test_where_there_is_no_room_words_are_left_out_and_not_laid_over_others(placed_by):
    boxes = [[5, 5, 15, 15]] * 30
    labels = placed_by(boxes, (90, 45))
    rects = [label["rect"] for label in labels if label]
    assert None in labels
    assert not any(overlap(a, b) for a, b in itertools.combinations(rects, 2))
