"""What the detector sees, for those who ask."""

from __future__ import annotations

import time

import pytest
from tests.bridge.running import until


def test_detections_come_with_stamp_and_frame(bridge):
    seen = bridge.http.get("/v1/detections").json()
    assert {item["label"] for item in seen["items"]} == {"gear", "bolt", "nut"}
    assert seen["frame"] == "camera"
    assert abs(time.time() - seen["stamp_ns"] / 1e9) < 2


def test_they_can_be_chosen_by_label_and_confidence(bridge):
    def labels(**query):
        return [item["label"] for item in bridge.http.get("/v1/detections", params=query).json()["items"]]

    assert set(labels(label=["gear", "nut"])) == {"gear", "nut"}
    assert labels(label="cog") == []
    every = bridge.http.get("/v1/detections").json()["items"]
    sure = [item["label"] for item in every if item["score"] >= 0.95]
    assert sorted(labels(confidence=0.95)) == sorted(sure) != sorted(item["label"] for item in every)


@pytest.mark.parametrize(
    "query",
    [
        {"confidence": 1.5},
        {"confidence": -0.1},
        {"confidence": "nan"},
        {"confidence": "sure"},
        {"label": ["a"] * 65},
    ],
)
def test_a_choice_that_is_none_is_refused(bridge, query):
    """The fuzz leaves this to us: any text may be a label, and it cannot tell."""
    answer = bridge.http.get("/v1/detections", params=query)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")


def test_a_detector_that_fell_silent_is_told(bridge, cell):
    cell.say("silence detector")
    answer = until(lambda: (found := bridge.http.get("/v1/detections")).status_code == 503 and found)
    assert answer.json()["type"] == "urn:trunnion:problem:no-detections"
    assert answer.headers["Retry-After"] == "1"
