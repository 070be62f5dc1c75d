"""Whether a model may take the place of the one that runs, asked before it does, on the last frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_edge.model_source import SourcedDetector
from trunnion_edge.probation import SwapRules
from trunnion_edge.selection import Selection

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Seen:
    """A frame, and whether the running model saw anything in it."""

    image: Image
    anything: bool


@dataclass(frozen=True)
class CandidateCheck:
    """What a candidate is held against; called on the thread that offers it.

    Attributes:
        running: the model whose place it wants; only asked what it is, because another thread runs it.
        frames: the last ones.
    """

    running: SourcedDetector
    rules: SwapRules
    selection: Selection
    frames: Sequence[Seen]

    def __call__(self, candidate: SourcedDetector, latency_max_ms: float) -> None:
        """Warm the candidate up and try it.

        Raises:
            BadInput: it is for something else, or does not do.
        """
        self._check_purpose(candidate)
        self.selection.check(candidate.labels)
        _check_finite(candidate, candidate.detector.grey())
        candidate.detector.warm_up()
        results = [self._tried(candidate, frame.image) for frame in self.frames]
        _check_latency([latency_ms for _, latency_ms in results], latency_max_ms)
        before = [saw for frame, (saw, _) in zip(self.frames, results, strict=True) if frame.anything]
        if before and not any(before):
            raise refused(
                "a model that sees nothing where the running one does", "detections", "prove it anew"
            )

    def _check_purpose(self, candidate: SourcedDetector) -> None:
        running, rules = self.running, self.rules
        if candidate.source.application != running.source.application and not rules.other_application:
            raise refused(
                "a bundle with another policy or cell",
                "the policy and the cell that run, with which the detector was proven",
                "start the cell anew with this bundle, or allow others",
            )
        task, wanted_task = candidate.detector.spec.task, running.detector.spec.task
        if task != wanted_task:
            raise refused(f"a model for {task}", f"one for {wanted_task}, as it runs", "configure it anew")
        if candidate.labels != running.labels and not rules.other_labels:
            raise refused(
                f"a model of {', '.join(candidate.labels)}",
                f"one of {', '.join(running.labels)}",
                "load a bundle of the same classes, or allow others",
            )

    def _tried(self, candidate: SourcedDetector, image: Image) -> tuple[bool, float]:
        """Whether it saw anything in a frame, and how long that took."""
        _check_finite(candidate, image)
        (detections,), latency_ms = candidate.detect((image,), self.selection)
        return len(detections) > 0, latency_ms


def refused(got: str, wanted: str, next_step: str) -> BadInput:
    """Why a candidate is not taken."""
    return BadInput(where="the new model", got=got, wanted=wanted, next_step=next_step)


def _check_finite(candidate: SourcedDetector, image: Image) -> None:
    if not all(np.isfinite(output).all() for output in candidate.detector.outputs(image).values()):
        raise refused("an output that is not finite", "finite numbers", "export the model again")


def _check_latency(latencies_ms: Sequence[float], latency_max_ms: float) -> None:
    # The fastest: beside the running model and the rest of the machine, the others say less about this one.
    fastest_ms = min(latencies_ms, default=0.0)
    if fastest_ms > latency_max_ms:
        got, wanted = f"{fastest_ms:.0f} ms for a frame", f"at most {latency_max_ms:.0f} ms"
        raise refused(got, wanted, "use a smaller model")
