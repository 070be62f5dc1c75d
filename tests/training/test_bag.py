"""Recordings of ROS 2: camera topics become images, detections become labels, and damage is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from tests.training.shapes import PROVENANCE, make_usecase

from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_training.findings import Finding
from trunnion_training.sources import open_source
from trunnion_training.sources.detections import VISION_MSGS

STORE = get_typestore(Stores.ROS2_JAZZY)
for name, text in VISION_MSGS.items():
    STORE.register(get_types_from_msg(text, name))
TYPES = STORE.types
FIRST_NS = 1_760_000_000 * 10**9
PERIOD_NS = 10**8


def header(number: int) -> Any:
    sec, nanosec = divmod(FIRST_NS + number * PERIOD_NS, 10**9)
    stamp = TYPES["builtin_interfaces/msg/Time"](sec=sec, nanosec=nanosec)
    return TYPES["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")


def raw(number: int) -> Any:
    """A picture of rgb8, as blue as its number."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[..., 2] = 10 * number
    return TYPES["sensor_msgs/msg/Image"](
        header=header(number),
        height=48,
        width=64,
        encoding="rgb8",
        is_bigendian=0,
        step=192,
        data=pixels.ravel(),
    )


def jpeg(number: int) -> Any:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[..., 0] = 10 * number
    data = cv2.imencode(".jpg", pixels)[1].ravel()
    return TYPES["sensor_msgs/msg/CompressedImage"](header=header(number), format="jpeg", data=data)


def detected(number: int) -> Any:
    """A disc at 16 to 48, 12 to 36."""
    make = {kind.rpartition("/")[2]: TYPES[kind] for kind in VISION_MSGS}
    point, zeros = TYPES["geometry_msgs/msg/Point"], np.zeros(36)
    pose = TYPES["geometry_msgs/msg/Pose"](
        position=point(x=0, y=0, z=0), orientation=TYPES["geometry_msgs/msg/Quaternion"](x=0, y=0, z=0, w=1)
    )
    result = make["ObjectHypothesisWithPose"](
        hypothesis=make["ObjectHypothesis"](class_id="disc", score=0.9),
        pose=TYPES["geometry_msgs/msg/PoseWithCovariance"](pose=pose, covariance=zeros),
    )
    center = make["Pose2D"](position=make["Point2D"](x=32.0, y=24.0), theta=0.0)
    box = make["BoundingBox2D"](center=center, size_x=32.0, size_y=24.0)
    one = make["Detection2D"](header=header(number), results=[result], bbox=box, id="")
    return make["Detection2DArray"](header=header(number), detections=[one])


def write_bag(folder: Path, storage: StoragePlugin = StoragePlugin.MCAP, make: Any = raw) -> Path:
    """Twenty pictures at 10 Hz, every second one with a detection, which is recorded a little later."""
    with Writer(folder, version=9, storage_plugin=storage) as writer:
        image, boxes = make(0), "vision_msgs/msg/Detection2DArray"
        images = writer.add_connection("/camera", image.__msgtype__, typestore=STORE)
        detections = writer.add_connection("/detections", boxes, typestore=STORE)
        for number in range(20):
            at_ns, message = FIRST_NS + number * PERIOD_NS, make(number)
            writer.write(images, at_ns, STORE.serialize_cdr(message, message.__msgtype__))
            if number % 2 == 0:
                writer.write(detections, at_ns + 10**7, STORE.serialize_cdr(detected(number), boxes))
    return folder


def read(path: Path, out_dir: Path, **more: Any) -> tuple[list[LabelledImage], list[Finding]]:
    usecase = make_usecase(path)
    document = usecase.model_dump(by_alias=True, mode="json")
    settings = {"kind": "bag", "path": str(path), "image_topic": "/camera", "provenance": PROVENANCE, **more}
    document["data"]["sources"] = [settings]
    usecase = type(usecase).model_validate(document)
    assert usecase.data is not None
    source: Any = open_source(usecase.data.sources[0], usecase)
    return list(source.collect(out_dir, Silent())), source.findings


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bag(tmp_path_factory.mktemp("bag") / "bag")


@pytest.mark.parametrize("storage", StoragePlugin)
@pytest.mark.parametrize("make", [raw, jpeg])
def test_images_come_from_the_range_at_the_wanted_distance(
    tmp_path: Path, storage: StoragePlugin, make: Any
) -> None:
    folder = write_bag(tmp_path / "bag", storage, make)
    items, findings = read(folder, tmp_path / "out", start_s=0.5, end_s=1.5, every_s=0.4)
    assert [round(float(cv2.imread(str(item.image))[..., 0].mean()), -1) for item in items] == [50, 90, 130]
    assert [item.recorded_s for item in items] == pytest.approx(
        [FIRST_NS / 1e9 + after_s for after_s in (0.5, 0.9, 1.3)]
    )
    assert findings == []


def test_one_file_of_mcap_is_a_recording_too(bag: Path, tmp_path: Path) -> None:
    (file,) = bag.glob("*.mcap")
    assert len(read(file, tmp_path)[0]) == 2


def test_detections_label_the_image_of_their_stamp_and_the_others_are_to_be_labelled(
    bag: Path, tmp_path: Path
) -> None:
    items, _ = read(bag, tmp_path, detections_topic="/detections", every_s=0.1)
    assert [item.is_labelled for item in items] == [True, False] * 10
    assert (items[0].labels, items[0].boxes_px.tolist()) == (("disc",), [[16, 12, 48, 36]])
    near, _ = read(bag, tmp_path, detections_topic="/detections", every_s=0.1, stamps_differ_max_ms=100)
    assert all(item.is_labelled for item in near)


def test_a_topic_that_is_not_there_is_answered_with_those_that_are(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there are /camera \(sensor_msgs/msg/Image\), /detections"):
        read(bag, tmp_path, image_topic="/front")
    with pytest.raises(BadInput, match=r"/detections of vision_msgs/msg/Detection2DArray"):
        read(bag, tmp_path, image_topic="/detections")


def test_a_corrupt_recording_is_refused_or_gives_what_came_before_the_damage(
    bag: Path, tmp_path: Path
) -> None:
    (file,) = bag.glob("*.mcap")
    data = file.read_bytes()
    (tmp_path / "cut.mcap").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput, match=r"cannot be opened.*mcap recover"):
        read(tmp_path / "cut.mcap", tmp_path / "out")
    middle, end = len(data) // 2, len(data) * 3 // 4
    (tmp_path / "holed.mcap").write_bytes(data[:middle] + bytes(end - middle) + data[end:])
    items, findings = read(tmp_path / "holed.mcap", tmp_path / "out", every_s=0.1)
    assert 0 < len(items) < 20
    assert [finding.what for finding in findings] == ["damaged recording"]


def test_images_in_an_encoding_that_nobody_reads_are_listed(tmp_path: Path) -> None:
    def odd(number: int) -> Any:
        message = raw(number)
        message.encoding = "8UC3" if number else "rgb8"
        return message

    items, findings = read(write_bag(tmp_path / "bag", make=odd), tmp_path / "out", every_s=1)
    assert len(items) == 1
    assert [(finding.what, finding.detail) for finding in findings] == [
        ("unreadable image", "encoding '8UC3'")
    ]
