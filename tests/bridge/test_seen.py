"""What the leader sees fits into a notice of PostgreSQL, and comes out as it went in."""

from __future__ import annotations

import random

import pytest

from trunnion_bridge.models import Detection, Detections
from trunnion_bridge.seen import NOTHING, Hearsay, packed, unpacked

NOTICE_MAX = 8000


def seeing(count: int):
    rng = random.Random(3)
    items = [
        Detection(label="gear", score=rng.random(), box_px=tuple(rng.random() * 640 for _ in range(4)))
        for _ in range(count)
    ]
    return NOTHING.model_copy(
        update={"detections": Detections(frame="camera", stamp_ns=1, age_ms=2, items=items)}
    )


@pytest.mark.parametrize("count", [0, 9, 40])
def test_what_is_seen_comes_out_as_it_went_in(count):
    said = packed(seeing(count))

    assert len(said) < NOTICE_MAX
    assert unpacked(said) == seeing(count)


def test_more_detections_than_fit_are_left_out():
    said = packed(seeing(1000))

    assert len(said) < NOTICE_MAX
    assert unpacked(said).detections is None


@pytest.mark.parametrize("said", ["", "no base64", "AAAA", packed(NOTHING)[:-8]])
def test_what_a_leader_of_another_version_says_is_not_shown(said):
    hearsay = Hearsay()

    hearsay.hear(said)

    assert hearsay.latest() is None
