"""The thread that detects: one frame after the other, or those of several cameras at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from std_msgs.msg import Header

from trunnion_contract.errors import TrunnionError
from trunnion_edge.selection import Selection
from trunnion_edge.swap import Answer, HotSwap
from trunnion_inference.camera_topics import CameraTopics
from trunnion_inference.clocks import stamp_s
from trunnion_inference.frames import Frame, NewestFrames
from trunnion_inference.scheduling import stay_off_pinned_cores
from trunnion_inference.stages import Stages


@dataclass(frozen=True)
class Picture:
    """A frame that could be read, how long it had waited, and how long it took to read it."""

    topics: CameraTopics
    header: Header
    image_bgr: np.ndarray
    wait_ms: float
    decode_ms: float


class DetectionWorker:
    """Works from `start` until `stop`; a frame that fails costs that frame alone.

    Args:
        frames: where they come from.
        cameras: where answers go, by camera.
        swap: the model.
        selection: what is passed on, asked for each time.
        now_s: the node's clock.
        complain: told what went wrong.

    Attributes:
        batch_max: so many waiting frames go through the network at once, if it takes them.
        stages: where the time went.
    """

    def __init__(
        self,
        frames: NewestFrames,
        cameras: Mapping[str, CameraTopics],
        swap: HotSwap,
        selection: Callable[[], Selection],
        now_s: Callable[[], float],
        complain: Callable[[str], None],
    ) -> None:
        self.batch_max = 1
        self.stages = Stages()
        self._frames = frames
        self._cameras = cameras
        self._swap = swap
        self._selection = selection
        self._now_s = now_s
        self._complain = complain
        self._at_work_since_s: float | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Let frames in."""
        self.stages = Stages()
        self._frames.open()
        self._thread = threading.Thread(target=self._work, name="detector", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let no more frames in; those at work are finished."""
        self._frames.close()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def at_work_s(self) -> float:
        """For how long it has been at the same frame; 0 while it waits for one."""
        since_s = self._at_work_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def _work(self) -> None:
        stay_off_pinned_cores()
        while frames := self._frames.take_many(self._together()):
            self._at_work_since_s = time.monotonic()
            pictures = [picture for frame in frames if (picture := self._read(frame)) is not None]
            if pictures:
                self._answer(pictures)
            self._at_work_since_s = None

    def _together(self) -> int:
        # A model may change between two frames, so that while one is about to there is one frame at a time.
        return min(self.batch_max, self._swap.model.detector.batch_max) if self._swap.is_settled else 1

    def _read(self, frame: Frame) -> Picture | None:
        topics = self._cameras[frame.camera]
        began_s = time.perf_counter()
        try:
            header, image_bgr = topics.picture(frame.data)
        except Exception as error:  # Without this thread the node would live on and see nothing.
            self._failed(topics, error)
            return None
        wait_ms, decode_ms = (began_s - frame.put_s) * 1e3, (time.perf_counter() - began_s) * 1e3
        return Picture(topics, header, image_bgr, wait_ms, decode_ms)

    def _answer(self, pictures: Sequence[Picture]) -> None:
        selection = self._selection()
        for picture, answer, together in self._detected(pictures, selection):
            try:
                self._publish(picture, answer, selection, together)
            except Exception as error:
                self._failed(picture.topics, error)

    def _detected(
        self, pictures: Sequence[Picture], selection: Selection
    ) -> list[tuple[Picture, Answer, int]]:
        """Each picture with its answer, and how many went through the network together."""
        try:
            answers = self._swap.detect_many([picture.image_bgr for picture in pictures], selection)
        except Exception as error:
            if len(pictures) == 1:
                self._failed(pictures[0].topics, error)
                return []
            # One that cannot be answered must not cost the others theirs.
            return [alone for picture in pictures for alone in self._detected([picture], selection)]
        return [(picture, answer, len(pictures)) for picture, answer in zip(pictures, answers, strict=True)]

    def _publish(self, picture: Picture, answer: Answer, selection: Selection, together: int) -> None:
        topics, header, model = picture.topics, picture.header, answer.model
        detections = selection.of(answer.detections, model.labels)
        began_s = time.perf_counter()
        topics.publish(detections, header, model)
        publish_ms = (time.perf_counter() - began_s) * 1e3
        preprocess_s, infer_s, postprocess_s = model.detector.stages_s
        latency_ms = (self._now_s() - stamp_s(header)) * 1e3
        times_ms = {
            "decode": picture.decode_ms,
            "preprocess": preprocess_s * 1e3 / together,
            "infer": infer_s * 1e3 / together,
            "postprocess": postprocess_s * 1e3 / together,
            "publish": publish_ms,
        }
        self.stages.add({**times_ms, "wait": picture.wait_ms, "latency": latency_ms})
        topics.publish_times(sum(times_ms.values()), latency_ms)
        topics.trouble = ""
        topics.publish_debug_image(picture.image_bgr, detections, model.labels, header)

    def _failed(self, topics: CameraTopics, error: Exception) -> None:
        # What nobody foresaw is named by its kind.
        topics.trouble = (
            str(error) if isinstance(error, TrunnionError) else f"{type(error).__name__}: {error}"
        )
        self._complain(topics.trouble)
