"""The thread that detects: each frame is answered once, whatever happens to those beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from std_msgs.msg import Header
from tests.ros.faults import Fault
from tests.ros.tiny_bundle import IMAGE_SIZE_PX, TRAP_BRIGHTNESS, Variant, write_bundle

from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput
from trunnion_edge.model_source import SourcedDetector
from trunnion_edge.selection import Selection
from trunnion_edge.swap import HotSwap
from trunnion_inference.detection_worker import DetectionWorker
from trunnion_inference.frames import NewestFrames

BRIGHT, DARK, UNREADABLE, UNPUBLISHABLE = 153, 0, 1, 2
TRAP = TRAP_BRIGHTNESS + 1


@dataclass
class Topics:
    """Stands for a camera's topics: a frame is its brightness; remembers how many detections each answer had."""

    answers: list[int] = field(default_factory=list)
    trouble: str = ""

    def picture(self, data: bytes) -> tuple[Header, np.ndarray]:
        if data[0] == UNREADABLE:
            raise BadInput(where="the image", got="noise", wanted="a picture", next_step="look")
        return Header(frame_id=str(data[0])), np.full((IMAGE_SIZE_PX, IMAGE_SIZE_PX, 3), data[0], np.uint8)

    def publish(self, detections: Any, header: Header, model: SourcedDetector) -> None:
        if header.frame_id == str(UNPUBLISHABLE):
            raise RuntimeError("no room")
        self.answers.append(len(detections))

    def publish_times(self, processing_ms: float, latency_ms: float) -> None:
        assert processing_ms > 0

    def publish_debug_image(self, *drawn: Any) -> None:
        pass


@dataclass
class Bench:
    """A worker before the cameras a to d, and how many images went through the network at once."""

    worker: DetectionWorker
    frames: NewestFrames
    topics: dict[str, Topics]
    together: list[int]

    def show(self, **brightness: int) -> None:
        """Frames that wait together; returns when none waits or is at work."""
        for camera, value in brightness.items():
            self.frames.put(camera, bytes([value]))
        deadline_s = time.monotonic() + 10
        while any(self.frames._waiting.values()) or self.worker.at_work_s():
            assert time.monotonic() < deadline_s
            time.sleep(0.01)


class Slowly(HotSwap):
    """Waits before the first frame, so that the others come together; notes how many do."""

    together: list[int]
    may_begin: threading.Event

    def detect_many(self, images_bgr: Any, selection: Selection = Selection()) -> list[Any]:
        self.may_begin.wait(10)
        self.together.append(len(images_bgr))
        return super().detect_many(images_bgr, selection)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[[Variant, int], Bench]]:
    made: list[Bench] = []

    def make(variant: Variant, batch_max: int) -> Bench:
        swap = Slowly(SourcedDetector.from_bundle(open_bundle(write_bundle(tmp_path / "bundle", variant))))
        swap.together, swap.may_begin = [], threading.Event()
        swap.may_begin.set()
        topics = {name: Topics() for name in "abcd"}
        frames = NewestFrames(tuple(topics))
        worker = DetectionWorker(frames, topics, swap, Selection, time.time, lambda trouble: None)  # type: ignore[arg-type]
        worker.batch_max = batch_max
        worker.start()
        made.append(Bench(worker, frames, topics, swap.together))
        return made[-1]

    yield make
    for each in made:
        each.worker.stop()


def show_together(bench: Bench, **brightness: int) -> None:
    """The frame of camera a is at work while the others come."""
    swap: Any = bench.worker._swap
    swap.may_begin.clear()
    bench.frames.put("a", bytes([DARK]))
    while not bench.worker.at_work_s():
        time.sleep(0.001)
    for camera, value in brightness.items():
        bench.frames.put(camera, bytes([value]))
    swap.may_begin.set()
    bench.show()


def test_frames_that_wait_together_go_through_the_network_together(
    bench: Callable[[Variant, int], Bench],
) -> None:
    cell = bench(Variant(batch=True), 3)
    show_together(cell, b=BRIGHT, c=DARK, d=BRIGHT)
    assert cell.together == [1, 3]
    assert {name: topics.answers for name, topics in cell.topics.items()} == {
        "a": [0], "b": [1], "c": [0], "d": [1],
    }  # fmt: skip
    assert cell.worker.stages.frames == 4


def test_more_than_may_go_together_wait_for_the_next_run(bench: Callable[[Variant, int], Bench]) -> None:
    cell = bench(Variant(batch=True), 2)
    show_together(cell, b=BRIGHT, c=DARK, d=BRIGHT)
    assert cell.together == [1, 2, 1]


def test_a_network_of_one_image_gets_one_image(bench: Callable[[Variant, int], Bench]) -> None:
    cell = bench(Variant(), 8)
    show_together(cell, b=BRIGHT, c=DARK)
    assert cell.together == [1, 1, 1]


def test_a_frame_that_cannot_be_read_costs_that_frame_alone(bench: Callable[[Variant, int], Bench]) -> None:
    cell = bench(Variant(batch=True), 3)
    show_together(cell, b=BRIGHT, c=UNREADABLE, d=BRIGHT)
    assert [cell.topics[name].answers for name in "bcd"] == [[1], [], [1]]
    assert "got noise" in cell.topics["c"].trouble
    assert cell.topics["b"].trouble == ""


def test_an_answer_that_cannot_be_published_is_published_to_no_other_camera_again(
    bench: Callable[[Variant, int], Bench],
) -> None:
    cell = bench(Variant(batch=True), 3)
    show_together(cell, b=BRIGHT, c=UNPUBLISHABLE, d=BRIGHT)
    assert [cell.topics[name].answers for name in "bcd"] == [[1], [], [1]]
    assert cell.topics["c"].trouble == "RuntimeError: no room"


@pytest.mark.parametrize(
    ("fault", "said"), [("error", "got class 99"), ("nan", "a value that is not finite")]
)
def test_a_frame_that_cannot_be_answered_leaves_the_others_their_answers(
    bench: Callable[[Variant, int], Bench], fault: Fault, said: str
) -> None:
    cell = bench(Variant(batch=True, fault=fault), 3)
    show_together(cell, b=BRIGHT, c=TRAP, d=BRIGHT)
    assert [cell.topics[name].answers for name in "bcd"] == [[1], [], [1]]
    assert said in cell.topics["c"].trouble
    cell.show(c=BRIGHT)
    assert cell.topics["c"].trouble == ""
