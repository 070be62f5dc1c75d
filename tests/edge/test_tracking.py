"""An object keeps its id from image to image, through a short absence, and nobody else gets it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_edge.decode import Detections
from trunnion_edge.tracking import Tracker, TrackingSettings, Tracks

PERIOD_S = 0.1
SIZE_PX = 40.0


def seen(*centres_px: tuple[float, float], score: float = 0.9) -> Detections:
    centres = np.array(centres_px, np.float32).reshape(-1, 2)
    boxes = np.concatenate([centres - SIZE_PX / 2, centres + SIZE_PX / 2], axis=1)
    return Detections(boxes, np.full(len(boxes), score, np.float32), np.arange(len(boxes), dtype=np.int64))


def follow(tracker: Tracker, images: list[Detections], start_s: float = 0.0) -> list[Tracks]:
    return [tracker.update(image, start_s + number * PERIOD_S) for number, image in enumerate(images)]


def test_two_objects_that_pass_each_other_keep_their_ids() -> None:
    images = [seen((100 + 10 * k, 100), (300 - 10 * k, 160)) for k in range(20)]
    followed = follow(Tracker(), images)[3:]
    first, second = followed[0].ids
    assert first != second
    for tracks in followed:
        assert tracks.ids.tolist() == [first, second]
        assert tracks.detections.class_ids.tolist() == [0, 1]


def test_an_id_comes_only_after_an_object_was_seen_some_images_in_a_row() -> None:
    tracker = Tracker(TrackingSettings(confirmed_after=4))
    counts = [len(tracks.ids) for tracks in follow(tracker, [seen((100, 100))] * 6)]
    assert counts[0] == 0
    assert counts[-1] == 1
    assert counts == sorted(counts)


def test_an_object_that_is_hidden_for_a_moment_is_the_same_and_one_long_gone_is_another() -> None:
    tracker = Tracker(TrackingSettings(lost_after_s=0.5))
    here = [seen((100, 100))] * 5
    (before,) = follow(tracker, here)[-1].ids
    (same,) = follow(tracker, [seen()] * 3 + here, start_s=0.5)[-1].ids
    (other,) = follow(tracker, [seen()] * 20 + here, start_s=1.3)[-1].ids
    assert before == same != other


def test_boxes_that_are_not_sure_follow_an_object_and_begin_none() -> None:
    tracker = Tracker()
    assert not len(follow(tracker, [seen((100, 100), score=0.3)] * 5)[-1].ids)
    (sure,) = follow(tracker, [seen((100, 100))] * 5, start_s=1.0)[-1].ids
    assert follow(tracker, [seen((100, 100), score=0.3)] * 5, start_s=2.0 - PERIOD_S * 5)[
        -1
    ].ids.tolist() == [sure]


def test_a_recording_that_begins_again_starts_anew() -> None:
    tracker = Tracker()
    images = [seen((100, 100))] * 5
    first, again = (follow(tracker, images)[-1].ids.tolist() for _ in range(2))
    assert len(first) == len(again) == 1


def test_boxes_come_back_as_they_went_in() -> None:
    rng = np.random.default_rng(0)
    centres = [tuple(rng.uniform(0, 2000, 2)) for _ in range(40)]
    image = seen(*centres)
    tracks = follow(Tracker(), [image] * 4)[-1]
    assert len(set(tracks.ids.tolist())) == len(tracks.ids) > 30
    for box, class_id in zip(tracks.detections.boxes_px, tracks.detections.class_ids, strict=True):
        np.testing.assert_array_equal(box, image.boxes_px[class_id])


def test_a_driver_without_stamps_is_followed_all_the_same() -> None:
    tracker = Tracker()
    ids = [tracker.update(seen((100 + 5 * k, 100)), 0.0).ids.tolist() for k in range(8)]
    assert ids[-1] == ids[4]
    assert len(ids[-1]) == 1


def test_nothing_seen_is_nothing_followed() -> None:
    assert [len(tracks.ids) for tracks in follow(Tracker(), [seen()] * 3)] == [0, 0, 0]


def test_without_the_package_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackers", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r'pip install "\./edge\[tracking\]"'):
        Tracker()
