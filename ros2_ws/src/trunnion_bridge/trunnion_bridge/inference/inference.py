"""What `POST /v1/infer` and `GET /v1/models` rest on: the bundle's detector, opened when it is first asked for."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from trunnion_bridge.catalogue import Catalogue
from trunnion_bridge.inference.items import items_of
from trunnion_bridge.inference.models import InferenceModel, InferenceResult, InferenceState
from trunnion_bridge.inference.pool import Found, InferencePool, give_way
from trunnion_bridge.problem import Refused
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput, Broken, TrunnionError
from trunnion_edge.backends import EngineSettings
from trunnion_edge.detector import Detector
from trunnion_edge.encoded_images import DamagedImage, ImageTooLarge, NotAnImage

_WORKERS_MAX = 4
# On a GPU one decodes and preprocesses while the other one's network runs.
_WORKERS_ON_GPU = 2
# A network that is to be compiled first takes minutes; callers should not hang for so long.
_LOAD_WAIT_S = 10.0
_TRY_AGAIN_S = 10.0
_CODES: Mapping[type[TrunnionError], str] = {
    NotAnImage: "not-an-image",
    ImageTooLarge: "image-too-large",
    DamagedImage: "image-damaged",
}
_log = logging.getLogger("trunnion.bridge")

OpenDetectors = Callable[[], Sequence[Detector]]


class Inference:
    """At most `inferences_max` images at a time are waiting or at work. Lives on the event loop."""

    def __init__(
        self, catalogue: Catalogue, open_detectors: OpenDetectors, inferences_max: int, pixels_max: int
    ) -> None:
        self._catalogue = catalogue
        self._open_detectors = open_detectors
        self._inferences_max = inferences_max
        self._pixels_max = pixels_max
        self._loading: asyncio.Task[InferencePool] | None = None
        self._failed_s = 0.0
        self._at_once = 0

    @property
    def at_once(self) -> int:
        """Images that wait or are at work."""
        return self._at_once

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one image, to be taken before its bytes are, so that they cannot fill the memory.

        Raises:
            Refused: all places are taken.
        """
        if self._at_once >= self._inferences_max:
            raise Refused(
                "inference-busy",
                where="inference",
                got=f"{self._at_once} images that wait or are at work",
                wanted="fewer",
                next_step="send the image again in a moment",
                headers={"Retry-After": "1"},
            )
        self._at_once += 1
        try:
            yield
        finally:
            self._at_once -= 1

    async def detect(self, data: bytes, confidence: float | None) -> InferenceResult:
        """What is in a JPEG or PNG, at least as sure as `confidence` or, without one, as the model says.

        Raises:
            Refused: it is no such image, or the network cannot be run, or not yet.
        """
        pool = await self._loaded()
        if confidence is None:
            confidence = pool.detector.spec.confidence_threshold
        try:
            found = await asyncio.wrap_future(pool.submit(data, confidence))
        except (BadInput, Broken) as error:
            raise _refused(_CODES.get(type(error), "inference-failed"), error) from error
        return self._result(found, confidence, pool.detector)

    def state(self) -> InferenceState:
        """Whether the network is loaded, and what runs it."""
        if self._loading is None:
            return InferenceState(state="idle", message="is loaded when it is first asked for")
        if not self._loading.done():
            return InferenceState(state="loading", message="is being loaded")
        if error := self._loading.exception():
            return InferenceState(state="failed", message=str(error))
        pool = self._loading.result()
        return InferenceState(
            state="ready",
            message=f"{pool.workers} at a time",
            runtime=pool.detector.engine.runtime,
            precision=pool.detector.precision,
        )

    async def stop(self) -> None:
        """Close the detectors; those that are still being opened end with the process."""
        if self._loading and self._loading.done() and not self._loading.exception():
            await asyncio.to_thread(self._loading.result().close)

    def _result(self, found: Found, confidence: float, detector: Detector) -> InferenceResult:
        catalogue = self._catalogue
        return InferenceResult(
            width_px=found.width_px,
            height_px=found.height_px,
            confidence=confidence,
            items=items_of(found, detector.spec),
            model=InferenceModel(
                name=catalogue.name,
                version=catalogue.version,
                digest=catalogue.digest,
                precision=detector.precision,
                runtime=detector.engine.runtime,
            ),
            waited_ms=round(1e3 * found.waited_s, 1),
            took_ms=round(1e3 * found.took_s, 1),
        )

    async def _loaded(self) -> InferencePool:
        if self._loading is None or (self._has_failed() and time.monotonic() > self._failed_s + _TRY_AGAIN_S):
            self._loading = asyncio.create_task(self._load(), name="load the network")
        try:
            return await asyncio.wait_for(asyncio.shield(self._loading), _LOAD_WAIT_S)
        except TimeoutError:
            raise Refused(
                "inference-loading",
                where="the network",
                got="one that is still being made ready for this machine",
                wanted="one that is ready",
                next_step="send the image again in a while; /v1/models tells how far it is",
                headers={"Retry-After": "10"},
            ) from None
        except TrunnionError as error:
            raise _refused("cannot-infer", error) from error

    async def _load(self) -> InferencePool:
        try:
            return await _in_a_thread(self._open)
        except TrunnionError:
            self._failed_s = time.monotonic()
            raise

    def _open(self) -> InferencePool:
        began_s = time.monotonic()
        detectors = self._open_detectors()
        pool = InferencePool(detectors, self._pixels_max)
        runtime = detectors[0].engine.runtime
        _log.info(
            "inference: %d times %s, ready in %.1f s", len(detectors), runtime, time.monotonic() - began_s
        )
        return pool

    def _has_failed(self) -> bool:
        return bool(self._loading and self._loading.done() and self._loading.exception())


def _in_a_thread(opened: Callable[[], InferencePool]) -> asyncio.Future[InferencePool]:
    """A thread of its own, because it gives way for good, and because the end of the process does not wait for it."""
    answer: Future[InferencePool] = Future()

    def run() -> None:
        try:
            answer.set_result(opened())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="load the network", daemon=True).start()
    return asyncio.wrap_future(answer)


def bundle_detectors(path: Path, digest: str) -> list[Detector]:
    """The detectors of a bundle, warmed up, as many as this machine runs well at a time.

    Raises:
        BadInput: the bundle is not the one of that digest any more, or its network cannot run here.
    """
    bundle = open_bundle(path)
    if bundle.digest != digest:
        raise BadInput(
            where=str(path),
            got="another bundle than at the bridge's start",
            wanted=f"the one of digest {digest[:12]}…, which the cell runs",
            next_step="start the bridge again",
        )
    give_way()
    settings = EngineSettings(threads=1)
    first = Detector.from_model(bundle.model, bundle.read, settings)
    detectors = [first]
    while len(detectors) < _workers(first):
        more = Detector.from_model(bundle.model, bundle.read, settings, precision=first.precision)
        detectors.append(more)
    for detector in detectors:
        detector.warm_up()
    return detectors


def _workers(detector: Detector) -> int:
    """On the CPU one more than there are cores: while one waits for Python's lock, which the event loop takes for
    every request, its core has another."""
    on_cpu = detector.engine.runtime.endswith("on cpu")
    return min(_WORKERS_MAX, len(os.sched_getaffinity(0)) + 1) if on_cpu else _WORKERS_ON_GPU


def _refused(code: str, error: TrunnionError) -> Refused:
    return Refused(code, where=error.where, got=error.got, wanted=error.wanted, next_step=error.next_step)
