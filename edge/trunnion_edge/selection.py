"""Which detections are passed on: those sure enough, of the classes asked for, and not more than so many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trunnion_contract.errors import BadInput
from trunnion_edge.decode import Detections

DETECTIONS_MAX = 300


@dataclass(frozen=True)
class Selection:
    """One choice, taken as a whole.

    Attributes:
        confidence_threshold: least score; None leaves it to the model.
        nms_threshold: greatest overlap of two of a class; None leaves it to the model.
        max_detections: the surest so many are passed on.
        classes: names; none means every class.
    """

    confidence_threshold: float | None = None
    nms_threshold: float | None = None
    max_detections: int = DETECTIONS_MAX
    classes: frozenset[str] = frozenset()

    def check(self, labels: Sequence[str]) -> None:
        """Refuse classes that a model with these labels does not know.

        Raises:
            BadInput: names them, and those that there are.
        """
        if unknown := sorted(self.classes.difference(labels)):
            raise BadInput(
                where="class_filter",
                got=", ".join(f"'{name}'" for name in unknown),
                wanted=f"some of {', '.join(labels)}",
                next_step="correct the names, or use a bundle that knows them",
            )

    def threshold(self, of_model: float) -> float:
        """The least score: the choice's, or else the model's own."""
        return of_model if self.confidence_threshold is None else self.confidence_threshold

    def of(self, detections: Detections, labels: Sequence[str]) -> Detections:
        """What is passed on of detections that are sorted, the surest first."""
        keep = np.ones(len(detections), np.bool_)
        if self.classes:
            wanted = [index for index, label in enumerate(labels) if label in self.classes]
            keep = np.isin(detections.class_ids, wanted)
        chosen = np.flatnonzero(keep)[: self.max_detections]
        return detections.rows(chosen)
