"""Camera images over HTTP."""

from __future__ import annotations

import struct
import time
from contextlib import ExitStack

import cv2
import numpy as np
import pytest
from tests.bridge.running import until
from websockets.exceptions import ConnectionClosed


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def nobody_watches(bridge):
    return "trunnion_camera_watchers 0.0" in bridge.http.get("/metrics").text


def test_the_latest_image_is_the_camera_s(bridge):
    answer = bridge.http.get("/v1/camera.jpg")

    image = decoded(answer.content)
    assert answer.headers["content-type"] == "image/jpeg"
    assert image.shape == (240, 320, 3)
    # Bin A is bluish: with red and blue swapped it would not be.
    assert image[90, 20, 0] > image[90, 20, 2]
    assert abs(time.time() - int(answer.headers["X-Stamp-Ns"]) / 1e9) < 2


def test_watchers_see_each_image_once_with_its_stamp(bridge):
    with bridge.connect("/v1/camera") as watcher:
        seen = [watcher.recv(timeout=5) for _ in range(5)]

    stamps = [struct.unpack(">q", message[:8])[0] for message in seen]
    assert stamps == sorted(set(stamps))
    assert all(decoded(message[8:]).shape == (240, 320, 3) for message in seen)


def test_an_img_element_can_show_the_stream(bridge):
    data = b""
    with bridge.http.stream("GET", "/v1/camera.mjpeg") as stream:
        assert stream.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
        for chunk in stream.iter_bytes():
            data += chunk
            if data.count(b"--frame\r\n") == 3:
                break

    head, _, rest = data.partition(b"\r\n\r\n")
    length = int(head.rpartition(b"Content-Length: ")[2])
    assert decoded(rest[:length]).shape == (240, 320, 3)


def test_no_more_than_a_few_may_watch(bridge):
    until(lambda: nobody_watches(bridge))
    with ExitStack() as watchers:
        for _ in range(8):
            watchers.enter_context(bridge.connect("/v1/camera")).recv(timeout=5)
        with bridge.connect("/v1/camera") as one_more, pytest.raises(ConnectionClosed) as closed:
            one_more.recv(timeout=5)
        assert closed.value.rcvd.code == 1013
        refused = bridge.http.get("/v1/camera.mjpeg")
        assert (refused.status_code, refused.json()["type"]) == (
            503,
            "urn:trunnion:problem:too-many-watchers",
        )
    until(lambda: nobody_watches(bridge))


def test_without_images_the_caller_is_told_where_to_look(bridge, cell):
    cell.say("silence simulated_robot")

    answer = until(lambda: (found := bridge.http.get("/v1/camera.jpg")).status_code == 503 and found)

    assert answer.json()["type"] == "urn:trunnion:problem:no-camera"
    assert bridge.state()["camera"]["here"] is False
