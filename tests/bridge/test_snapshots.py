"""Images that somebody wanted to keep."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.bridge.running import until

from trunnion_bridge.camera import Picture
from trunnion_bridge.problem import Refused
from trunnion_bridge.snapshots.album import Album
from trunnion_bridge.snapshots.models import Snapshot


def facts(snapshot_id, now_s):
    return Snapshot(
        id=snapshot_id,
        taken_at=now_s,
        stamp_ns=1,
        note="",
        by="ada",
        order_id=None,
        model="",
        size_bytes=4,
        detections=None,
    )


class Ticking:
    """A second at each look."""

    now_s = 1_800_000_000.0

    def __call__(self):
        self.now_s += 1
        return self.now_s


@pytest.fixture
def album(tmp_path):
    return Album(tmp_path / "snapshots", 3, 100, Ticking())


def test_a_snapshot_is_taken_looked_at_and_deleted(bridge):
    taken = bridge.http.post("/v1/snapshots", json={"note": "a bolt lies across"})
    snapshot, place = taken.json(), taken.headers["Location"]

    assert taken.status_code == 201
    assert (snapshot["note"], snapshot["order_id"]) == ("a bolt lies across", None)
    assert {item["label"] for item in snapshot["detections"]["items"]} >= {"gear", "bolt"}
    assert bridge.http.get(place).json() == snapshot
    assert snapshot in bridge.http.get("/v1/snapshots").json()["snapshots"]
    image = bridge.http.get(f"{place}/image")
    assert image.headers["content-type"] == "image/jpeg"
    assert len(image.content) == snapshot["size_bytes"]
    assert cv2.imdecode(np.frombuffer(image.content, np.uint8), cv2.IMREAD_COLOR).shape == (240, 320, 3)
    assert bridge.http.delete(place).status_code == 204
    assert {bridge.http.request(method, place).status_code for method in ("GET", "DELETE")} == {404}
    assert bridge.http.get(f"{place}/image").status_code == 404


def test_pages_go_from_the_newest_back(bridge):
    ids = [bridge.http.post("/v1/snapshots").json()["id"] for _ in range(3)]
    page = bridge.http.get("/v1/snapshots?limit=2").json()
    rest = bridge.http.get(page["next"]).json()
    assert [snapshot["id"] for snapshot in page["snapshots"] + rest["snapshots"]] == ids[::-1]
    for snapshot_id in ids:
        bridge.http.delete(f"/v1/snapshots/{snapshot_id}")


@pytest.mark.parametrize("path", ["%2e%2e%2fbridge", "..%2f..%2fbridge.db", "1794038400123-5F0C2A9D", "%00"])
def test_an_id_leads_nowhere_else(bridge, path):
    assert bridge.http.get(f"/v1/snapshots/{path}").status_code == 404
    assert bridge.http.get(f"/v1/snapshots/{path}/image").status_code == 404


def test_without_an_image_there_is_nothing_to_keep(bridge, cell):
    cell.say("silence simulated_robot")
    until(lambda: bridge.http.get("/v1/camera.jpg").status_code == 503)
    assert bridge.http.post("/v1/snapshots").json()["type"] == "urn:trunnion:problem:no-camera"


def test_what_is_kept_does_not_vanish_by_itself_to_make_room(album):
    ids = [album.keep(Picture(1, 1, b"jpeg"), facts).id for _ in range(3)]
    with pytest.raises(Refused, match="3 that are kept") as refused:
        album.keep(Picture(1, 1, b"jpeg"), facts)
    assert refused.value.code == "snapshots-full"
    assert album.delete(ids[0])
    album.keep(Picture(1, 1, b"jpeg"), facts)
    assert len(album.page(10)) == 3


def test_bytes_are_limited_too(album):
    album.keep(Picture(1, 1, bytes(60)), facts)
    with pytest.raises(Refused, match="60 bytes"):
        album.keep(Picture(1, 1, bytes(60)), facts)


def test_a_picture_without_its_description_takes_no_room_for_ever(album, tmp_path):
    kept = album.keep(Picture(1, 1, bytes(60)), facts)
    (tmp_path / "snapshots" / f"{kept.id}.json").unlink()
    assert album.page(10) == []
    assert album.keep(Picture(1, 1, bytes(60)), facts).id == album.page(10)[0].id


def test_files_of_others_are_left_alone(album, tmp_path):
    kept = album.keep(Picture(1, 1, b"jpeg"), facts)
    (tmp_path / "snapshots" / "1800000000000-00000000.json").write_text("{}")
    (tmp_path / "snapshots" / "notes.json").write_text("{}")
    assert [snapshot.id for snapshot in album.page(10)] == [kept.id]
