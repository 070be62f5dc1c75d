"""Images that callers send: detected as the robot's own runtime does, and refused before they cost anything."""

from __future__ import annotations

import asyncio
import os
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from starlette.requests import Request
from tests.bridge.running import a_free_port, make_bundle, running_bridge, until
from tests.ros.tiny_bundle import Variant, detector_network, detector_spec

from trunnion_bridge.catalogue import read_catalogue
from trunnion_bridge.inference.inference import Inference, bundle_detectors
from trunnion_bridge.inference.items import items_of
from trunnion_bridge.inference.pool import NICENESS, InferencePool
from trunnion_bridge.problem import Refused
from trunnion_bridge.routes import infer
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput, Broken
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.detector import Detector
from trunnion_edge.encoded_images import DamagedImage

JPEG, PNG = {"Content-Type": "image/jpeg"}, {"Content-Type": "image/png"}


def picture(brightness=200, width=320, height=240, kind=".png"):
    image = np.full((height, width, 3), brightness, np.uint8)
    return cv2.imencode(kind, image)[1].tobytes()


def png_claiming(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"0"))
        + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def opened(bundle):
    return open_bundle(bundle)


def test_the_answer_is_that_of_the_edge_runtime(bridge, opened):
    answer = bridge.http.post("/v1/infer", content=picture(), headers=PNG, timeout=30)

    with Detector.from_model(opened.model, opened.read) as detector:
        found = detector.detect(np.full((240, 320, 3), 200, np.uint8))
    seen = answer.json()
    assert answer.status_code == 200
    assert [item["box_px"] for item in seen["items"]] == found.boxes_px.tolist() == [[100, 80, 140, 120]]
    assert [item["label"] for item in seen["items"]] == ["gear"]
    assert seen["items"][0]["score"] == pytest.approx(float(found.scores[0]), abs=0.001)
    assert (seen["width_px"], seen["height_px"], seen["confidence"]) == (320, 240, 0.4)
    assert seen["model"]["digest"] == opened.digest == bridge.state()["bundle"]["digest"]
    assert "onnxruntime" in seen["model"]["runtime"]


def test_a_caller_may_want_to_be_surer(bridge):
    def found(confidence):
        url = f"/v1/infer?confidence={confidence}"
        return len(bridge.http.post(url, content=picture(100), headers=PNG).json()["items"])

    assert [found(value) for value in (0.01, 0.39, 0.4, 1)] == [1, 1, 0, 0]


@pytest.mark.parametrize("confidence", ["-0.1", "1.01", "nan", "inf", "much"])
def test_a_confidence_out_of_range_is_refused(bridge, confidence):
    answer = bridge.http.post(f"/v1/infer?confidence={confidence}", content=picture(), headers=PNG)
    assert (answer.status_code, answer.json()["where"]) == (422, "query.confidence")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (png_claiming(50_000, 50_000), PNG, 413, "image-too-large"),
        (picture(width=4100, height=4100), PNG, 413, "image-too-large"),
        (bytes(9 << 20), PNG, 413, "too-large"),
        (picture(kind=".jpg")[:-20], JPEG, 422, "image-damaged"),
        (png_claiming(500, 500), PNG, 422, "image-damaged"),
        (b"", JPEG, 415, "not-an-image"),
        (b"GIF89a", JPEG, 415, "not-an-image"),
        (picture(), {"Content-Type": "image/webp"}, 415, "not-an-image"),
        (picture(), {}, 415, "not-an-image"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(bridge, body, headers, status, code):
    answer = bridge.http.post("/v1/infer", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:trunnion:problem:{code}")
    assert all(answer.json()[key] for key in ("where", "got", "wanted", "next"))


def test_a_body_without_a_length_is_limited_too(bridge):
    answer = bridge.http.post("/v1/infer", content=(bytes(1 << 20) for _ in range(9)), headers=PNG)
    assert answer.json()["type"] == "urn:trunnion:problem:too-large"


def test_many_callers_are_answered_each_with_their_own(bridge):
    shades = range(110, 250, 5)
    with ThreadPoolExecutor(16) as callers:
        answers = list(
            callers.map(
                lambda shade: bridge.http.post("/v1/infer", content=picture(shade), headers=PNG), shades
            )
        )
    scores = [answer.json()["items"][0]["score"] for answer in answers]
    assert scores == pytest.approx([shade / 255 for shade in shades], abs=0.001)


def test_a_bundle_that_cannot_be_run_is_told_and_the_bridge_lives(ros_process_environment, tmp_path):
    bundle = make_bundle(tmp_path / "bundle", b"a network")
    with running_bridge(ros_process_environment, bundle, tmp_path / "data", a_free_port()) as bridge:
        answer = bridge.http.post("/v1/infer", content=picture(), headers=PNG)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:trunnion:problem:cannot-infer")
        assert "cannot load" in answer.json()["got"]
        assert bridge.http.get("/healthz").status_code == 200


def seen_by(variant):
    """What the API says that a model sees in a bright picture."""
    engine = open_engine(detector_network(variant).SerializeToString(), EngineSettings(device="cpu"))
    pool = InferencePool([Detector(engine, detector_spec(variant))], 10**6)
    try:
        return items_of(pool.submit(picture(), 0.4).result(10), detector_spec(variant))
    finally:
        pool.close()


def test_a_model_that_segments_gives_the_mask_of_each_detection():
    (item,) = seen_by(Variant(task="segmentation"))

    assert item.keypoints is None
    assert item.mask.size == (240, 320)
    inside = np.repeat(np.arange(len(item.mask.counts)) % 2 == 1, item.mask.counts)
    rows, columns = np.nonzero(inside.reshape((240, 320), order="F"))
    # The left half of the box from (100, 80) to (140, 120).
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (80, 119, 100, 119)
    assert len(rows) == 40 * 20


def test_a_model_of_poses_gives_the_points_of_each_detection():
    (item,) = seen_by(Variant(task="pose"))

    assert item.mask is None
    assert [point.model_dump() for point in item.keypoints] == [
        {"name": "axle", "x_px": 110.0, "y_px": 90.0, "visibility": 0.5}
    ]


def test_a_model_of_boxes_alone_says_nothing_of_either():
    (item,) = seen_by(Variant())
    assert (item.mask, item.keypoints) == (None, None)


class Watched(Detector):
    """A detector that waits for `go`, and knows how many images it was given at a time."""

    def __init__(self, engine, spec):
        super().__init__(engine, spec)
        self.go = threading.Event()
        self.given = []
        self.niceness = 0

    def detect_many(self, images_bgr):
        self.go.wait(10)
        self.niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        self.given.append(len(images_bgr))
        return super().detect_many(images_bgr)


@pytest.fixture
def watched(tmp_path):
    variant = Variant(batch=True, fault="nan")
    engine = open_engine(detector_network(variant).SerializeToString(), EngineSettings(device="cpu"))
    return Watched(engine, detector_spec(variant))


def test_images_that_wait_go_through_the_network_at_once(watched):
    pool = InferencePool([watched], 10**6)
    first = pool.submit(picture(), 0.4)
    time.sleep(0.02)
    answers = [pool.submit(picture(shade), 0.1) for shade in (50, 100, 150)] + [
        pool.submit(picture(150), 0.9)
    ]
    watched.go.set()
    found = [len(answer.result(10).detections) for answer in [first, *answers]]
    pool.close()
    assert found == [1, 1, 1, 1, 0]
    assert watched.given == [1, 4]
    assert watched.niceness >= NICENESS


def test_an_image_that_is_bad_harms_none_that_was_sent_with_it(watched):
    pool = InferencePool([watched], 10**6)
    first = pool.submit(picture(), 0.4)
    time.sleep(0.02)
    good, trap, damaged = (pool.submit(data, 0.1) for data in (picture(100), picture(240), picture()[:90]))
    watched.go.set()
    assert len(good.result(10).detections) == 1
    with pytest.raises(Broken):
        trap.result(10)
    with pytest.raises(DamagedImage):
        damaged.result(10)
    assert len(first.result(10).detections) == 1
    pool.close()


def test_what_still_waits_at_the_end_is_cancelled(watched):
    pool = InferencePool([watched], 10**6)
    first = pool.submit(picture(), 0.4)
    until(lambda: first.running())
    time.sleep(0.01)
    waiting = pool.submit(picture(), 0.4)
    threading.Timer(0.05, watched.go.set).start()
    pool.close()
    assert waiting.cancelled()
    assert first.done()


def test_no_more_images_are_taken_than_there_are_places(bundle):
    inference = Inference(read_catalogue(bundle), list, inferences_max=1, pixels_max=100)
    with inference.place():
        with pytest.raises(Refused) as refused, inference.place():
            pass
        assert (refused.value.code, refused.value.headers) == ("inference-busy", {"Retry-After": "1"})
    with inference.place():
        assert inference.at_once == 1


def test_a_bundle_that_was_replaced_is_not_taken_for_the_one_that_the_cell_runs(bundle):
    with pytest.raises(BadInput, match="another bundle"):
        bundle_detectors(bundle, "0" * 64)


def test_a_network_that_failed_to_open_is_tried_again_later_and_not_at_once(bundle, monkeypatch):
    tries = []

    def fail():
        tries.append(1)
        raise BadInput(where="a", got="b", wanted="c", next_step="d")

    async def ask(inference, times):
        for _ in range(times):
            with pytest.raises(Refused, match="a: got b"):
                await inference.detect(picture(), None)
        return inference.state().state

    async def all_of_it():
        inference = Inference(read_catalogue(bundle), fail, 1, 100)
        assert inference.state().state == "idle"
        assert await ask(inference, 3) == "failed"
        assert len(tries) == 1
        monkeypatch.setattr("trunnion_bridge.inference.inference._TRY_AGAIN_S", 0.0)
        await ask(inference, 1)
        assert len(tries) == 2

    asyncio.run(all_of_it())


def test_a_body_that_does_not_come_is_given_up(monkeypatch):
    monkeypatch.setattr(infer, "_BODY_WITHIN_S", 0.05)
    chunks = [{"type": "http.request", "body": b"half of it", "more_body": True}]

    async def receive():
        return chunks.pop() if chunks else await asyncio.sleep(60)

    with pytest.raises(Refused, match="not whole") as refused:
        asyncio.run(infer._body(Request({"type": "http", "headers": []}, receive), 1000))
    assert refused.value.code == "too-slow"
