"""Recordings of ROS 2: images of a camera topic, sampled, with the detections that were recorded beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from trunnion_contract.data_sources import Bag
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_edge.encoded_images import decode_image
from trunnion_edge.image_encodings import bgr_image
from trunnion_training.findings import Finding
from trunnion_training.sources.detections import VISION_MSGS, Detections
from trunnion_training.sources.frames import Frame, Sampling, write_frame

_SUFFIXES = (".mcap", ".db3", ".bag")
_IMAGE, _COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_DETECTIONS = "vision_msgs/msg/Detection2DArray"
_NEXT_STEP = "look at it with `ros2 bag info`, and correct the source"


class BagSource:
    """Reads a rosbag2 folder, a file of MCAP, SQLite or ROS 1, or all of those in a folder; without ROS."""

    def __init__(self, settings: Bag, usecase: UseCase) -> None:
        self._settings = settings
        self._place = usecase.beside(settings.path)
        self.findings: list[Finding] = []

    def collect(self, out_dir: Path, progress: Progress) -> Sequence[LabelledImage]:
        """Write the frames to `out_dir`.

        Raises:
            BadInput: a recording cannot be opened, lacks the topic, or no frame of any can be used.
        """
        bags = self._bags()
        progress.start("reading recordings", len(bags))
        taken: list[LabelledImage] = []
        for bag in bags:
            name = bag.relative_to(self._place).as_posix() if bag != self._place else bag.name
            taken += [
                write_frame(frame, name, out_dir, self._settings.scene_s) for frame in self._frames(bag, name)
            ]
            progress.advance()
        progress.done()
        if not taken:
            detail = f": {self.findings[-1].what}, {self.findings[-1].detail}" if self.findings else ""
            raise _refused(
                self._place,
                f"no usable image on {self._settings.image_topic}{detail}",
                "images in that range",
            )
        return taken

    def _bags(self) -> list[Path]:
        if self._place.is_file() or (self._place / "metadata.yaml").is_file():
            return [self._place]
        folders = {path.parent for path in self._place.rglob("metadata.yaml")}
        files = {
            path for path in self._place.rglob("*") if path.suffix in _SUFFIXES and path.parent not in folders
        }
        if not folders | files:
            raise _refused(
                self._place, "no recording in it", f"a rosbag2 folder, or files of {', '.join(_SUFFIXES)}"
            )
        return sorted(folders | files)

    def _frames(self, bag: Path, name: str) -> Iterator[Frame]:
        try:
            reader = AnyReader([bag], default_typestore=_typestore())
            reader.open()
        except Exception as error:  # readers of damaged files raise whatever they stumble over
            raise BadInput(
                where=f"data.sources (bag): {bag}", got=f"a recording that cannot be opened ({_words(error)})",
                wanted="a whole one", next_step="mend it with `ros2 bag reindex`, or `mcap recover`, or leave it out",
            ) from None  # fmt: skip
        try:
            yield from self._of(reader, bag, name)
        except BadInput:
            raise
        except Exception as error:
            self._found(name, "damaged recording", "images until there taken", _words(error))
        finally:
            reader.close()

    def _of(self, reader: AnyReader, bag: Path, name: str) -> Iterator[Frame]:
        images = _connections(reader, bag, self._settings.image_topic, (_IMAGE, _COMPRESSED))
        detections = self._detections(reader, bag, name)
        sampling = Sampling(self._settings)
        first_ns = reader.start_time
        for connection, time_ns, data in self._whole(reader, images, name):
            time_s = (time_ns - first_ns) / 1e9
            if sampling.is_over(time_s):
                return
            if not sampling.takes(time_s):
                continue
            message: Any = reader.deserialize(data, connection.msgtype)
            picture = self._picture(message, connection.msgtype, f"{name} at {time_s:.3f} s")
            if picture is not None:
                yield Frame(picture, time_s, detections.at(stamp_ns(message)), time_ns / 1e9)

    def _whole(self, reader: AnyReader, topic: list[Any], name: str) -> Iterator[tuple[Any, int, bytes]]:
        """All messages of a topic; the reader passes over a hole in silence, but the recording knows their number."""
        count = 0
        for count, message in enumerate(reader.messages(topic), 1):  # noqa: B007 - the last one counts
            yield message
        promised = sum(connection.msgcount for connection in topic)
        if count < promised:
            self._found(
                name, "damaged recording", "what is there taken", f"{count} of {promised} on {topic[0].topic}"
            )

    def _detections(self, reader: AnyReader, bag: Path, name: str) -> Detections:
        found = Detections(round(self._settings.stamps_differ_max_ms * 1e6))
        if self._settings.detections_topic:
            topics = _connections(reader, bag, self._settings.detections_topic, (_DETECTIONS,))
            for connection, _, data in self._whole(reader, topics, name):
                message: Any = reader.deserialize(data, connection.msgtype)
                found.add(stamp_ns(message), message.detections)
        return found

    def _picture(self, message: Any, kind: str, where: str) -> NDArray[np.uint8] | None:
        try:
            if kind == _COMPRESSED:
                return decode_image(bytes(message.data), where=where, next_step=_NEXT_STEP)
            return bgr_image(message)
        except BadInput as error:
            self._found(where, "unreadable image", "image left out", error.got)
            return None

    def _found(self, file: str, what: str, done: str, detail: str) -> None:
        self.findings.append(Finding(file, what, done, detail[:120]))


def stamp_ns(message: Any) -> int:
    """The time in a message's header."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def _connections(reader: AnyReader, bag: Path, topic: str, kinds: tuple[str, ...]) -> list[Any]:
    on_topic = [connection for connection in reader.connections if connection.topic == topic]
    usable = [connection for connection in on_topic if connection.msgtype in kinds]
    if not usable:
        there = sorted({f"{connection.topic} ({connection.msgtype})" for connection in reader.connections})
        got = (
            f"{topic} of {on_topic[0].msgtype}"
            if on_topic
            else f"no topic {topic}; there are {', '.join(there) or 'none'}"
        )
        raise _refused(bag, got, f"a topic of {' or '.join(kinds)}")
    return usable


def _typestore() -> Any:
    """Types for recordings that hold no definitions: those of Humble and before, in SQLite."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, text in VISION_MSGS.items():
        store.register(get_types_from_msg(text, name))
    return store


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:120]


def _refused(place: Path, got: str, wanted: str) -> BadInput:
    return BadInput(where=f"data.sources (bag): {place}", got=got, wanted=wanted, next_step=_NEXT_STEP)
