"""Detectors on threads of their own, which take encoded images from one queue.

A network on the CPU is given one thread, and there is one network more than cores: for many images that is faster than
all cores for one network, and nothing is to be handed from thread to thread. A network that takes several images at
once is given those that wait. Images stay encoded while they wait, so that what waits is never larger than what came.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trunnion_bridge.inference.run_lengths import run_lengths
from trunnion_contract.errors import TrunnionError
from trunnion_edge.decode import Detections
from trunnion_edge.detector import Detector
from trunnion_edge.encoded_images import decode_image

# How much longer the first of several images may wait for others; below what one run of a network takes.
GATHER_S = 0.003
# The robot's own nodes, and those who listen to it, go first.
NICENESS = 5
_NEXT = "send a whole JPEG or PNG of a camera's size"
_log = logging.getLogger("trunnion.bridge")


class Found(NamedTuple):
    """What was found in an image of that size, and how long it took from the queue on.

    `masks` are the run lengths of each, from a model that segments.
    """

    detections: Detections
    width_px: int
    height_px: int
    waited_s: float
    took_s: float
    masks: list[list[int]] | None = None


class _Job(NamedTuple):
    data: bytes
    threshold: float
    posted_s: float
    answer: Future[Found]


class _Picture(NamedTuple):
    job: _Job
    image_bgr: NDArray[np.uint8]


class InferencePool:
    """As many images at a time as there are detectors; others wait. Owns the detectors."""

    def __init__(self, detectors: Sequence[Detector], pixels_max: int) -> None:
        self._detectors = tuple(detectors)
        self._pixels_max = pixels_max
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, args=(detector,), name=f"infer-{index}", daemon=True)
            for index, detector in enumerate(self._detectors)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def detector(self) -> Detector:
        """One of them; they are alike."""
        return self._detectors[0]

    @property
    def workers(self) -> int:
        """How many there are."""
        return len(self._detectors)

    def submit(self, data: bytes, threshold: float) -> Future[Found]:
        """Find what is in a JPEG or PNG, at least as sure as `threshold`.

        The future raises NotAnImage, ImageTooLarge or DamagedImage, or Broken where the network fails.
        """
        answer: Future[Found] = Future()
        self._jobs.put(_Job(data, threshold, time.perf_counter(), answer))
        return answer

    def close(self) -> None:
        """Finish what is at work, leave what waits, close the detectors."""
        with suppress(queue.Empty):
            while True:
                if job := self._jobs.get_nowait():
                    job.answer.cancel()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        for detector in self._detectors:
            detector.close()

    def _work(self, detector: Detector) -> None:
        give_way()
        while jobs := self._next(detector.batch_max):
            try:
                self._answer(detector, jobs)
            except (
                Exception
            ) as error:  # whatever it is, the callers hear of it, and the next image has its turn
                _log.exception("inference broke")
                for job in jobs:
                    if not job.answer.done():
                        job.answer.set_exception(error)

    def _next(self, batch_max: int) -> list[_Job]:
        """The job whose turn it is, with others that are there or come at once; none at the end."""
        jobs: list[_Job] = []
        until_s = None
        while len(jobs) < batch_max:
            try:
                job = self._jobs.get(
                    timeout=None if until_s is None else max(0.0, until_s - time.perf_counter())
                )
            except queue.Empty:
                break
            if job is None:
                if jobs:  # the end is for the next look
                    self._jobs.put(None)
                break
            until_s = until_s or time.perf_counter() + GATHER_S
            if job.answer.set_running_or_notify_cancel():
                jobs.append(job)
        return jobs

    def _answer(self, detector: Detector, jobs: Sequence[_Job]) -> None:
        began_s = time.perf_counter()
        pictures = [picture for job in jobs if (picture := self._decoded(job))]
        for picture, found in zip(pictures, _detected(detector, pictures), strict=True):
            job, (height_px, width_px) = picture.job, picture.image_bgr.shape[:2]
            if isinstance(found, TrunnionError):
                job.answer.set_exception(found)
                continue
            found = found.above(job.threshold)
            masks = _run_lengths(found, width_px, height_px)
            waited_s, took_s = began_s - job.posted_s, time.perf_counter() - began_s
            job.answer.set_result(Found(found, width_px, height_px, waited_s, took_s, masks))

    def _decoded(self, job: _Job) -> _Picture | None:
        try:
            image_bgr = decode_image(job.data, where="body", next_step=_NEXT, pixels_max=self._pixels_max)
        except TrunnionError as error:
            job.answer.set_exception(error)
            return None
        return _Picture(job, image_bgr)


def give_way() -> None:
    """Let this thread, and those that it starts, wait for the machine's other work; only Linux can."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _run_lengths(found: Detections, width_px: int, height_px: int) -> list[list[int]] | None:
    if found.masks is None:
        return None
    return [run_lengths(found.masks.patch(row), width_px, height_px) for row in range(len(found))]


def _detected(detector: Detector, pictures: Sequence[_Picture]) -> list[Detections | TrunnionError]:
    """What is in each picture; one on which the network fails fails alone."""
    if not pictures:
        return []
    # Those of a caller who wants to be surer are left out afterwards: no box hides one that is surer than itself.
    detector.confidence_threshold = min(picture.job.threshold for picture in pictures)
    try:
        return list(detector.detect_many([picture.image_bgr for picture in pictures]))
    except TrunnionError as error:
        if len(pictures) == 1:
            return [error]
        return [found for picture in pictures for found in _detected(detector, [picture])]
