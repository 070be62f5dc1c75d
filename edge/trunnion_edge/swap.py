"""One model takes another's place between two frames, and gives it back by itself when it does not do.

    offered ─► opened, checked beside the running one ─► switched ─► probation ─► settled
                      └► refused, nothing changed                        └► rolled back

Every frame is answered by exactly one model, and the answer says by which.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import Broken
from trunnion_edge.candidate import CandidateCheck, Seen, refused
from trunnion_edge.decode import Detections
from trunnion_edge.model_source import SourcedDetector
from trunnion_edge.probation import Probation, SwapRules
from trunnion_edge.selection import Selection
from trunnion_edge.telemetry import Timings

_log = logging.getLogger(__name__)

CHECK_FRAMES = 4
Image = NDArray[np.uint8]


class Event(Enum):
    """What became of a new model."""

    SWITCHED = "detects from this frame on"
    SETTLED = "stays"
    ROLLED_BACK = "was rolled back"


@dataclass(frozen=True)
class Change:
    """An event, and `model`, which detects from now on."""

    event: Event
    model: SourcedDetector
    reason: str = ""


@dataclass(frozen=True)
class Answer:
    """What one model saw in one frame."""

    detections: Detections
    model: SourcedDetector


@dataclass(frozen=True)
class _Trial:
    """How the model that detects does on probation, and whose place it took."""

    old: SourcedDetector
    probation: Probation
    latency: Timings


class HotSwap:
    """The model that detects, and at most one that wants its place.

    One thread calls `detect` for frame after frame; another may call `offer` meanwhile; any may read the attributes.
    `tell` is called on the detecting thread, between two frames.

    Attributes:
        model: the one that detects.
        switched, rolled_back: how many models took the place, and how many of them gave it back.
        outcome: how the last offer ended; empty before the first.
    """

    def __init__(self, model: SourcedDetector, tell: Callable[[Change], None] = lambda change: None) -> None:
        self.model = model
        self.switched = self.rolled_back = 0
        self.outcome = ""
        self._tell = tell
        self._selection = Selection()
        self._latency = Timings()
        self._seen: deque[Seen] = deque(maxlen=CHECK_FRAMES)
        self._turn = threading.RLock()
        self._is_checking = self._is_closed = False
        self._next: tuple[SourcedDetector, SwapRules] | None = None
        self._trial: _Trial | None = None

    @property
    def state(self) -> str:
        """What goes on, in words."""
        with self._turn:
            if self._is_checking:
                return "checking a model"
            if self._next is not None:
                return "switching at the next frame"
            return str(self._trial.probation) if self._trial else "settled"

    @property
    def is_settled(self) -> bool:
        """Whether no swap is under way."""
        with self._turn:
            return not (self._is_checking or self._next or self._trial)

    def detect(self, image_bgr: Image, selection: Selection = Selection()) -> Answer:
        """uint8 [h, w, 3] BGR → what is in it, sure enough for the selection's threshold or else the model's.

        Raises:
            BadInput: it is not such an image.
            Broken: the model cannot, and there is none whose place it took.
        """
        return self.detect_many((image_bgr,), selection)[0]

    def detect_many(self, images_bgr: Sequence[Image], selection: Selection = Selection()) -> list[Answer]:
        """As `detect`, for images that the model may see in one run; a model on probation sees them one by one.

        Raises:
            BadInput: one is not such an image; none was answered.
            Broken: the model cannot, and there is none whose place it took.
        """
        self._selection = selection
        self._switch()
        if self._trial is not None:
            return [self._detect_alone(image_bgr) for image_bgr in images_bgr]
        found, latency_ms = self._run(self.model, images_bgr)
        for image_bgr, detections in zip(images_bgr, found, strict=True):
            self._latency.add(latency_ms)
            self._seen.append(Seen(image_bgr, len(detections) > 0))
        return [Answer(detections, self.model) for detections in found]

    def offer(
        self,
        open_model: Callable[[], SourcedDetector],
        rules: SwapRules = SwapRules(),
        selection: Selection | None = None,
    ) -> SourcedDetector:
        """Open a model and check it on the last frames, while the running one goes on; it takes over at the next frame.

        Raises:
            BadInput: another swap is under way, or the model cannot be opened or does not keep to the rules.
            Broken: it fails on frames that the running one can detect in.
        """
        self._claim()
        try:
            candidate = open_model()
            try:
                check = CandidateCheck(self.model, rules, selection or self._selection, tuple(self._seen))
                check(candidate, rules.latency_max_ms(self._latency.percentile_ms(50)))
                self._accept(candidate, rules)
            except BaseException:
                candidate.close()
                raise
        except Exception as error:
            self.outcome = f"refused: {error}"
            raise
        finally:
            self._is_checking = False
        return candidate

    def close(self) -> None:
        """Close every model; nobody may be detecting."""
        with self._turn:
            self._is_closed = True
            waiting, self._next = self._next, None
        for model in (self.model, waiting and waiting[0], self._trial and self._trial.old):
            if model:
                _close(model)

    # On the thread that offers.

    def _claim(self) -> None:
        with self._turn:
            if not self.is_settled:
                raise refused(
                    "a second swap while one is under way",
                    f"a settled model; now: {self.state}",
                    "ask again later",
                )
            self._is_checking = True

    def _accept(self, candidate: SourcedDetector, rules: SwapRules) -> None:
        with self._turn:
            if self._is_closed:
                raise Broken(
                    where="the new model",
                    got="a detector that was closed meanwhile",
                    wanted="one that runs",
                    next_step="configure it with the new bundle",
                )
            self._next = (candidate, rules)

    # On the thread that detects.

    def _switch(self) -> None:
        """Between two frames: let in who waits."""
        with self._turn:
            if self._next is None:
                return
            (model, rules), self._next = self._next, None
            bound_ms = rules.latency_max_ms(self._latency.percentile_ms(50))
            self._trial = _Trial(self.model, Probation(rules, bound_ms), Timings())
            self.model = model
            self.switched += 1
        self.outcome = f"switched to {model.source}"
        self._tell(Change(Event.SWITCHED, model))

    def _detect_alone(self, image: Image) -> Answer:
        """Within a batch a trial may end."""
        if (trial := self._trial) is not None:
            return self._detect_on_trial(trial, image)
        return self.detect_many((image,), self._selection)[0]

    def _detect_on_trial(self, trial: _Trial, image: Image) -> Answer:
        """The new model's answer, or, when it shows that it does not do, the old one's to the same frame."""
        try:
            (detections,), latency_ms = self._run(self.model, (image,))
        except Exception as error:
            # Where the old one cannot either, this raises: the frame is to blame.
            return self._roll_back(trial, f"it failed: {error}", self._run(trial.old, (image,))[0][0])
        saw, probation = len(detections) > 0, trial.probation
        old_saw = not saw and len(self._run(trial.old, (image,))[0][0]) > 0
        probation.note(latency_ms, saw, old_saw)
        if fault := probation.fault:
            (by_old,), old_ms = self._run(trial.old, (image,))
            if not probation.is_excused_by(old_ms):
                return self._roll_back(trial, fault, by_old)
        trial.latency.add(latency_ms)
        self._seen.append(Seen(image, len(detections) > 0))
        if trial.probation.passed:
            self._settle(trial)
        return Answer(detections, self.model)

    def _settle(self, trial: _Trial) -> None:
        self._trial, self._latency = None, trial.latency
        self.outcome = f"settled on {self.model.source}"
        self._tell(Change(Event.SETTLED, self.model))
        _close(trial.old)

    def _roll_back(self, trial: _Trial, reason: str, by_old: Detections) -> Answer:
        failed, self.model, self._trial = self.model, trial.old, None
        self.rolled_back += 1
        self.outcome = f"rolled back to {trial.old.source}: {failed.source}: {reason}"
        self._tell(Change(Event.ROLLED_BACK, trial.old, f"{failed.source}: {reason}"))
        _close(failed)
        return Answer(by_old, trial.old)

    def _run(self, model: SourcedDetector, images: Sequence[Image]) -> tuple[list[Detections], float]:
        """What a model sees, and in how many milliseconds; on the thread that has this model."""
        return model.detect(images, self._selection)


def _close(model: SourcedDetector) -> None:
    """A model that failed may fail again when it is closed, which must cost no frame."""
    try:
        model.close()
    except Exception:
        _log.exception("%s cannot be closed", model.source)
